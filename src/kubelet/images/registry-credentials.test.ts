import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Secret } from '#api/types/core.v1.ts';
import { credentialsFor } from './registry-credentials.ts';

function pullSecret(auths: Readonly<Record<string, object>>): Secret {
  const text = JSON.stringify({ auths });
  return { data: { '.dockerconfigjson': Buffer.from(text).toString('base64') } } as unknown as Secret;
}

test('credentials: the most specific scope that fits the image comes first', () => {
  const secrets = [
    pullSecret({
      'ghcr.io': { username: 'broad' },
      'https://ghcr.io/team': { username: 'narrow' },
      'https://index.docker.io/v1/': { username: 'hub' },
      '*.example.com': { username: 'wild' },
    }),
    { data: { '.dockerconfigjson': 'bm90IGpzb24=' } } as unknown as Secret,
  ];
  const names = (repository: string): readonly (string | undefined)[] =>
    credentialsFor(repository, secrets).map(({ username }) => username);
  assert.deepEqual(names('ghcr.io/team/app'), ['narrow', 'broad']);
  assert.deepEqual(names('ghcr.io/other/app'), ['broad']);
  assert.deepEqual(names('docker.io/library/nginx'), ['hub']);
  assert.deepEqual(names('r.example.com/x'), ['wild']);
  assert.deepEqual(names('quay.io/x'), []);
});
