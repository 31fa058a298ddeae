import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { packTar } from 'modern-tar';
import { findProgram } from '#runtime/oci/check-host.ts';
import { hostPlatform, MediaType } from '#runtime/oci/image-manifest.ts';
import { OciFixture, whyNoContainers } from './oci-host.fixture.ts';
import { digestOf, TestRegistry } from './registry.fixture.ts';

const INSTANCE = 'ociimg';
const skip = whyNoContainers() ?? false;
let fixture: OciFixture;
let registry: TestRegistry;
let lower: Buffer;
let upper: Buffer;
let config: Buffer;

before(async () => {
  if (skip === false) {
    fixture = await OciFixture.open(INSTANCE, '10.253.19.0/24');
    registry = await TestRegistry.start();
    lower = await archive([
      ['bin/busybox', readFileSync(findProgram('busybox') ?? ''), 0o755],
      ['etc/removed', Buffer.from('old'), 0o644],
      ['etc/hidden/old', Buffer.from('old'), 0o644],
      ['etc/changed', Buffer.from('old\n'), 0o644],
    ]);
    upper = await archive([
      ['etc/.wh.removed', Buffer.alloc(0), 0o644],
      ['etc/hidden/.wh..wh..opq', Buffer.alloc(0), 0o644],
      ['etc/hidden/new', Buffer.from('new'), 0o644],
      ['etc/changed', Buffer.from('new\n'), 0o644],
    ]);
    config = Buffer.from(
      JSON.stringify({
        ...hostPlatform(),
        config: {
          Entrypoint: ['/bin/busybox', 'sh', '-c'],
          Cmd: ['busybox cat /etc/changed; busybox find /etc | busybox sort'],
          Env: ['PATH=/bin'],
        },
        rootfs: { type: 'layers', diff_ids: [digestOf(lower), digestOf(upper)] },
      }),
    );
    const layers = [
      registry.blob(gzipSync(lower), `${MediaType.ociLayer}+gzip`),
      registry.blob(zstdCompressSync(upper), `${MediaType.ociLayer}+zstd`),
    ];
    const image = { config: registry.blob(config, MediaType.ociConfig), layers };
    const manifest = registry.manifest(
      'single',
      { schemaVersion: 2, mediaType: MediaType.ociManifest, ...image },
      MediaType.ociManifest,
    );
    const other = registry.manifest(
      'other',
      { schemaVersion: 2, ...image, layers: [] },
      MediaType.ociManifest,
    );
    const manifests = [
      { ...other, platform: { os: 'linux', architecture: 's390x' } },
      { ...manifest, platform: hostPlatform() },
    ];
    registry.manifest('latest', { schemaVersion: 2, manifests }, MediaType.ociIndex);
    registry.manifest('docker', { schemaVersion: 2, ...image }, MediaType.dockerManifest);
    registry.manifest('foreign', { schemaVersion: 2, manifests: manifests.slice(0, 1) }, MediaType.ociIndex);
  }
});

beforeEach(async () => {
  if (skip === false) {
    registry.auth = 'none';
    registry.tamper = (bytes) => bytes;
    registry.requests.length = 0;
    for (const { id } of await fixture.runtime.images.listImages()) {
      await fixture.runtime.images.removeImage({ image: id });
    }
  }
});

after(async () => {
  if (skip === false) {
    await registry.stop();
    await fixture.destroy();
  }
});

test('oci images: a pulled image of two layers runs as it should', { skip }, async () => {
  const { images } = fixture.runtime;
  const reference = await images.pullImage({ image: `${registry.host}/app` });
  const image = await images.imageStatus({ image: `${registry.host}/app:latest` });
  assert.equal(image?.id, reference);
  assert.equal(image?.id, digestOf(config));
  assert.match(image?.repoDigests[0] ?? '', /\/app@sha256:[0-9a-f]{64}$/);
  assert.ok((image?.size ?? 0) > 500_000);

  const pod = fixture.pod('pulled');
  const podId = await fixture.runtime.runPodSandbox(pod);
  const { command: _, ...container } = fixture.container(pod, '', { image: { image: reference } });
  const id = await fixture.runtime.createContainer(podId, container);
  await fixture.runtime.startContainer(id);
  await fixture.ended(id);
  const log = (await fixture.log(id)).split('\n');
  assert.deepEqual(
    log.filter((line) => !/resolv|hostname|mtab|passwd|group/.test(line)),
    ['new', '/etc', '/etc/changed', '/etc/hidden', '/etc/hidden/new'],
  );
  await fixture.runtime.removePodSandbox(podId);
});

test(
  'oci images: what is there is not fetched again, and equal pulls share their work',
  { skip },
  async () => {
    const { images } = fixture.runtime;
    await Promise.all(
      [1, 2, 3].map(async () => await images.pullImage({ image: `${registry.host}/app:docker` })),
    );
    assert.equal(registry.requests.filter((path) => path.includes('/blobs/')).length, 3);
    await images.pullImage({ image: `${registry.host}/app:single` });
    assert.equal(registry.requests.filter((path) => path.includes('/blobs/')).length, 4);
    const [image] = await images.listImages();
    assert.deepEqual(image?.repoTags, [`${registry.host}/app:docker`, `${registry.host}/app:single`]);
  },
);

for (const auth of ['basic', 'bearer'] as const) {
  test(`oci images: a registry with ${auth} authentication wants the right password`, { skip }, async () => {
    const { images } = fixture.runtime;
    registry.auth = auth;
    const image = { image: `${registry.host}/private/app` };
    await assert.rejects(images.pullImage(image), { code: 'image-unauthorized' });
    await assert.rejects(images.pullImage(image, { auth: { username: 'user', password: 'wrong' } }), {
      code: 'image-unauthorized',
    });
    await images.pullImage(image, { auth: { auth: Buffer.from('user:secret').toString('base64') } });
    assert.ok((await images.imageStatus(image)) !== undefined);
  });
}

test('oci images: bytes that are not what they should be are refused', { skip }, async () => {
  const {
    images,
    images: { layers },
  } = fixture.runtime;
  registry.tamper = (bytes) => Buffer.concat([bytes.subarray(0, -1), Buffer.of((bytes.at(-1) ?? 0) ^ 1)]);
  await assert.rejects(images.pullImage({ image: `${registry.host}/app` }), { name: 'RuntimeError' });
  registry.tamper = (bytes) => bytes.subarray(0, bytes.length - 100);
  await assert.rejects(images.pullImage({ image: `${registry.host}/app` }));
  assert.deepEqual(await images.listImages(), []);
  assert.ok(!layers.has(digestOf(upper)) && !layers.has(digestOf(lower)));
});

const failures: readonly { name: string; image: () => string; code: string; message: RegExp }[] = [
  {
    name: 'a tag that is not there',
    image: () => `${registry.host}/app:nope`,
    code: 'image-not-found',
    message: /app:nope: not found/,
  },
  {
    name: 'an image for other machines',
    image: () => `${registry.host}/app:foreign`,
    code: 'image-not-found',
    message: /no match for platform/,
  },
  {
    name: 'a registry that is down',
    image: () => '127.0.0.1:1/app',
    code: 'registry-unavailable',
    message: /ECONNREFUSED|bad port/,
  },
  {
    name: 'a wrong name',
    image: () => 'App:1',
    code: 'invalid-argument',
    message: /invalid reference format/,
  },
];
for (const { name, image, code, message } of failures) {
  test(`oci images: ${name} is told apart`, { skip }, async () => {
    await assert.rejects(fixture.runtime.images.pullImage({ image: image() }), { code, message });
  });
}

test('oci images: archives of docker and of the OCI layout are taken in', { skip }, async () => {
  const { images } = fixture.runtime;
  const docker = await archive([
    ['config.json', config, 0o644],
    ['lower/layer.tar', lower, 0o644],
    ['upper/layer.tar', gzipSync(upper), 0o644],
    [
      'manifest.json',
      Buffer.from(
        JSON.stringify([
          { Config: 'config.json', RepoTags: ['saved:1'], Layers: ['lower/layer.tar', 'upper/layer.tar'] },
        ]),
      ),
      0o644,
    ],
  ]);
  const path = join(fixture.directory, 'docker.tar');
  writeFileSync(path, docker);
  const [saved] = await images.importArchive(path);
  assert.equal(saved?.id, digestOf(config));
  assert.deepEqual((await images.imageStatus({ image: 'saved:1' }))?.repoTags, ['docker.io/library/saved:1']);

  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      config: { mediaType: MediaType.ociConfig, digest: digestOf(config), size: config.length },
      layers: [lower, upper].map((layer) => ({
        mediaType: MediaType.ociLayer,
        digest: digestOf(layer),
        size: layer.length,
      })),
    }),
  );
  const annotations = { 'io.containerd.image.name': 'docker.io/library/laid-out:2' };
  const index = {
    schemaVersion: 2,
    manifests: [
      { mediaType: MediaType.ociManifest, digest: digestOf(manifest), size: manifest.length, annotations },
    ],
  };
  const layout = await archive([
    ['index.json', Buffer.from(JSON.stringify(index)), 0o644],
    ...[config, manifest, lower, upper].map(
      (blob) => [`blobs/${digestOf(blob).replace(':', '/')}`, blob, 0o644] as const,
    ),
  ]);
  writeFileSync(path, gzipSync(layout));
  await images.importArchive(path);
  assert.ok((await images.imageStatus({ image: 'laid-out:2' })) !== undefined);
  await assert.rejects(images.importArchive(findProgram('busybox') ?? ''), { code: 'tar/invalid' });
});

test('oci images: a removed image leaves no layer', { skip }, async () => {
  const {
    images,
    images: { layers },
  } = fixture.runtime;
  await images.pullImage({ image: `${registry.host}/app` });
  assert.ok(layers.has(digestOf(lower)));
  await fixture.reopen();
  const kept = fixture.runtime.images;
  assert.ok((await kept.imageStatus({ image: `${registry.host}/app` })) !== undefined);
  await kept.removeImage({ image: `${registry.host}/app` });
  assert.ok(!kept.layers.has(digestOf(lower)));
  assert.deepEqual((await kept.imageFsInfo()).imageFilesystems[0]?.usedBytes, 0);
});

async function archive(
  files: readonly (readonly [name: string, bytes: Buffer, mode: number])[],
): Promise<Buffer> {
  return Buffer.from(
    await packTar(
      files.map(([name, bytes, mode]) => ({
        header: { name, size: bytes.length, mode, uid: 0, gid: 0, mtime: new Date(0) },
        body: bytes,
      })),
    ),
  );
}
