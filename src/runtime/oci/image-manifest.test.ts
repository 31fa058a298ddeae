import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseManifest, selectManifest, type Descriptor } from './image-manifest.ts';
import { parseChallenge } from './registry-auth.ts';
import { registryUrl } from './registry-client.ts';

const DIGEST = `sha256:${'0'.repeat(64)}`;

function entry(architecture: string, variant?: string, os = 'linux'): Descriptor {
  const platform = { os, architecture, ...(variant === undefined ? {} : { variant }) };
  return { mediaType: 'm', digest: DIGEST, size: 1, platform };
}

const choices: readonly { name: string; list: Descriptor[]; index: number | undefined }[] = [
  { name: 'the machine’s own', list: [entry('arm64'), entry('amd64')], index: 1 },
  { name: 'not another system’s', list: [entry('amd64', undefined, 'windows'), entry('amd64')], index: 1 },
  { name: 'without a variant before one with', list: [entry('amd64', 'v3'), entry('amd64')], index: 1 },
  { name: 'with a variant if there is no other', list: [entry('amd64', 'v2')], index: 0 },
  { name: 'one that does not say', list: [{ mediaType: 'm', digest: DIGEST, size: 1 }], index: 0 },
  {
    name: 'none for others',
    list: [entry('arm64'), entry('unknown', undefined, 'unknown')],
    index: undefined,
  },
];
for (const { name, list, index } of choices) {
  test(`image manifest: of a list is chosen ${name}`, () => {
    const chosen = selectManifest(list, { os: 'linux', architecture: 'amd64' });
    assert.equal(chosen, index === undefined ? undefined : list[index]);
  });
}

const unusable = [
  '[]',
  'nope',
  '{"schemaVersion":1,"fsLayers":[]}',
  '{"config":{"digest":"sha256:../../etc/passwd","size":1},"layers":[]}',
  `{"config":{"digest":"${DIGEST}","size":-0.5},"layers":[]}`,
];
for (const document of unusable) {
  test(`image manifest: ${document} is refused`, () => {
    assert.throws(() => parseManifest(Buffer.from(document), ''), { code: 'invalid-argument' });
  });
}

test('registry auth: a challenge has a scheme and parameters', () => {
  const challenge = parseChallenge(
    'Bearer realm="https://auth.example/token?a=b,c",service="reg", scope=pull',
  );
  assert.equal(challenge?.scheme, 'bearer');
  assert.deepEqual(Object.fromEntries(challenge.parameters), {
    realm: 'https://auth.example/token?a=b,c',
    service: 'reg',
    scope: 'pull',
  });
});

const urls: readonly (readonly [registry: string, url: string])[] = [
  ['docker.io', 'https://registry-1.docker.io'],
  ['ghcr.io', 'https://ghcr.io'],
  ['localhost:5000', 'http://localhost:5000'],
  ['127.0.0.1:5000', 'http://127.0.0.1:5000'],
  ['[::1]:5000', 'http://[::1]:5000'],
  ['localhost.example.com', 'https://localhost.example.com'],
];
for (const [registry, url] of urls) {
  test(`registry client: ${registry} is asked at ${url}`, () => assert.equal(registryUrl(registry), url));
}
