import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseImageReference } from './image-reference.ts';

const DIGEST = `sha256:${'a'.repeat(64)}`;

const good: readonly (readonly [name: string, full: string])[] = [
  ['nginx', 'docker.io/library/nginx:latest'],
  ['nginx:1.27', 'docker.io/library/nginx:1.27'],
  ['bitnami/redis', 'docker.io/bitnami/redis:latest'],
  ['docker.io/nginx', 'docker.io/library/nginx:latest'],
  ['index.docker.io/nginx', 'docker.io/library/nginx:latest'],
  ['localhost/app', 'localhost/app:latest'],
  ['localhost:5000/app:v1', 'localhost:5000/app:v1'],
  ['registry.k8s.io/pause:3.10', 'registry.k8s.io/pause:3.10'],
  ['ghcr.io/a/b/c__d-e.f:T_1', 'ghcr.io/a/b/c__d-e.f:T_1'],
  ['[::1]:5000/app', '[::1]:5000/app:latest'],
  [`nginx@${DIGEST}`, `docker.io/library/nginx@${DIGEST}`],
  [`nginx:1@${DIGEST}`, `docker.io/library/nginx@${DIGEST}`],
];
for (const [name, full] of good) {
  test(`image reference: ${name} is ${full}`, () => {
    assert.equal(parseImageReference(name).full, full);
  });
}

const bad = ['', ' nginx', 'Nginx', 'nginx:', 'nginx@sha256:12', 'a//b', 'nginx:-x', '../etc', 'http://a/b'];
for (const name of bad) {
  test(`image reference: ${JSON.stringify(name)} is refused`, () => {
    assert.throws(() => parseImageReference(name), { code: 'invalid-argument' });
  });
}
