import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Server, ServerCredentials, type UntypedHandleCall } from '@grpc/grpc-js';
import { SystemClock } from '#base/clock.ts';
import { SILENT_LOGGER } from '#base/log.ts';
import { SeededRandom } from '#base/random.ts';
import { VirtualClock } from '#base/virtual-clock.ts';
import type { MessageType } from '#store/etcd/message.ts';
import {
  DECRYPT_REQUEST,
  DECRYPT_RESPONSE,
  ENCRYPT_REQUEST,
  ENCRYPT_RESPONSE,
  STATUS_REQUEST,
  STATUS_RESPONSE,
} from './kms-messages.ts';
import { GrpcKmsPlugin, type KmsPlugin } from './kms-plugin.ts';
import { KmsProvider } from './kms-provider.ts';

const KEY = '/registry/secrets/default/a';
const VALUE = Buffer.from('{"kind":"Secret"}');
const flipped = (bytes: Uint8Array): Uint8Array => bytes.map((byte) => byte ^ 0xff);

/** Hides bytes by flipping them; which key it says it does that with can be changed. */
class FakePlugin implements KmsPlugin {
  keyId = 'key-1';
  /** What it encrypts with when that is not what its status says. */
  encryptKeyId: string | undefined;
  health = 'ok';
  isDown = false;
  readonly asked: string[] = [];

  async status() {
    this.#ask('status');
    return { version: 'v2', health: this.health, keyId: this.keyId };
  }

  async encrypt(_uid: string, plaintext: Uint8Array) {
    this.#ask('encrypt');
    const annotations = [{ key: 'kms.example.com', value: Buffer.from('1') }];
    return { ciphertext: flipped(plaintext), keyId: this.encryptKeyId ?? this.keyId, annotations };
  }

  async decrypt(_uid: string, { source }: { source: Uint8Array }) {
    this.#ask('decrypt');
    return flipped(source);
  }

  [Symbol.dispose](): void {
    this.isDown = true;
  }

  #ask(what: string): void {
    this.asked.push(what);
    if (this.isDown) {
      throw new Error('connection refused');
    }
  }
}

interface Started {
  readonly plugin: FakePlugin;
  readonly clock: VirtualClock;
  readonly provider: KmsProvider;
}

async function start(plugin = new FakePlugin(), seed = 1): Promise<Started> {
  const clock = new VirtualClock();
  const random = new SeededRandom(seed);
  const provider = new KmsProvider({ name: 'fake', plugin, clock, random, log: SILENT_LOGGER });
  await provider.check();
  return { plugin, clock, provider };
}

async function messageOf(run: () => Promise<unknown>): Promise<string> {
  try {
    await run();
    return 'done';
  } catch (error) {
    return (error as Error).message;
  }
}

test('KMS: one seed serves all values, and the plugin is asked once for it', async () => {
  const { plugin, provider } = await start();
  const stored = await provider.write(VALUE, KEY);
  await provider.write(VALUE, KEY);
  const { value, isStale } = await provider.read(stored, KEY);
  assert.deepEqual([Buffer.from(value), isStale], [VALUE, false]);
  assert.deepEqual(plugin.asked, ['status', 'encrypt']);
});

test('KMS: another process asks the plugin once for the seed of the first', async () => {
  const first = await start();
  const stored = await Promise.all([first.provider.write(VALUE, KEY), first.provider.write(VALUE, KEY)]);
  const { plugin, provider } = await start(new FakePlugin(), 2);
  for (const each of stored) {
    assert.deepEqual(Buffer.from((await provider.read(each, KEY)).value), VALUE);
  }
  assert.deepEqual(plugin.asked, ['status', 'encrypt', 'decrypt']);
});

test('KMS: when the plugin changes its key, new values get a new seed and old ones are stale', async () => {
  const { plugin, clock, provider } = await start();
  const stored = await provider.write(VALUE, KEY);
  plugin.keyId = 'key-2';
  await clock.advance(20_000);
  assert.equal(await provider.check(), undefined);
  assert.equal((await provider.read(stored, KEY)).isStale, true);
  assert.equal((await provider.read(await provider.write(VALUE, KEY), KEY)).isStale, false);
});

test('KMS: without the plugin, values are read for ever and written for three minutes', async () => {
  const { plugin, clock, provider } = await start();
  const stored = await provider.write(VALUE, KEY);
  plugin.isDown = true;
  await clock.advance(180_000);
  assert.equal(
    await provider.check(),
    'failed to perform status section of the healthz check for KMS Provider fake, error: connection refused',
  );
  await provider.write(VALUE, KEY);
  await clock.advance(1000);
  assert.match(
    await messageOf(() => provider.write(VALUE, KEY)),
    /^encryptedDEKSource with keyID hash "sha256:[0-9a-f]{64}" expired at 2026-01-01T00:03:00Z \(current time is 2026-01-01T00:03:01Z\)$/,
  );
  assert.deepEqual(Buffer.from((await provider.read(stored, KEY)).value), VALUE);
});

test('KMS: what is wrong with the plugin is said, and asked again after a while', async () => {
  const { plugin, clock, provider } = await start();
  plugin.health = 'sealed';
  plugin.keyId = 'key-2';
  plugin.encryptKeyId = 'key-1';
  assert.equal(await provider.check(), undefined);
  await clock.advance(20_000);
  assert.match(
    (await provider.check()) ?? '',
    /^kmsv2 Provider fake is not healthy, error: \[got unexpected healthz status: sealed, failed to rotate DEK uid="[^"]+", errGen=the key of the status is not the one it encrypts with\]$/,
  );
  plugin.health = 'ok';
  plugin.encryptKeyId = undefined;
  await clock.advance(3000);
  assert.equal(await provider.check(), undefined);
});

test('KMS: until the plugin answers, nothing is read or written', async () => {
  const plugin = new FakePlugin();
  plugin.isDown = true;
  const { provider } = await start(plugin);
  assert.equal(await messageOf(() => provider.write(VALUE, KEY)), 'got unexpected nil transformer');
});

/** A plugin behind a real socket, in upstream's messages. */
async function startServer(path: string, plugin: FakePlugin): Promise<Server> {
  const server = new Server();
  const method = <Q extends object, A extends object>(
    name: string,
    { request, response }: { request: MessageType<Q>; response: MessageType<A> },
    answer: (message: Q) => Promise<Partial<A>>,
  ): void => {
    const handler = (call: { request: Q }, done: (error: null, value: Partial<A>) => void): void => {
      void answer(call.request).then((value) => done(null, value));
    };
    const definition = {
      path: `/v2.KeyManagementService/${name}`,
      requestStream: false,
      responseStream: false,
      requestSerialize: (value: Q) => request.encode(value),
      requestDeserialize: (bytes: Buffer) => request.decode(bytes),
      responseSerialize: (value: A) => response.encode(value),
      responseDeserialize: (bytes: Buffer) => response.decode(bytes),
    };
    server.addService({ [name]: definition }, { [name]: handler as UntypedHandleCall });
  };
  method('Status', { request: STATUS_REQUEST, response: STATUS_RESPONSE }, () => plugin.status());
  method('Encrypt', { request: ENCRYPT_REQUEST, response: ENCRYPT_RESPONSE }, ({ uid, plaintext }) =>
    plugin.encrypt(uid, plaintext),
  );
  method(
    'Decrypt',
    { request: DECRYPT_REQUEST, response: DECRYPT_RESPONSE },
    async ({ uid, ciphertext }) => ({
      plaintext: await plugin.decrypt(uid, { source: ciphertext }),
    }),
  );
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.bindAsync(path, ServerCredentials.createInsecure(), (error) =>
    error === null ? resolve() : reject(error),
  );
  await promise;
  return server;
}

test('KMS: a plugin behind a socket', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'kms-'));
  const endpoint = `unix://${join(directory, 'kms.sock')}`;
  const server = await startServer(endpoint, new FakePlugin());
  using plugin = new GrpcKmsPlugin(endpoint, 3000, new SystemClock());
  try {
    const deps = { name: 'fake', clock: new SystemClock(), random: new SeededRandom(1), log: SILENT_LOGGER };
    const writer = new KmsProvider({ ...deps, plugin });
    assert.equal(await writer.check(), undefined);
    const stored = await writer.write(VALUE, KEY);
    const reader = new KmsProvider({ ...deps, plugin, random: new SeededRandom(2) });
    await reader.check();
    assert.deepEqual(Buffer.from((await reader.read(stored, KEY)).value), VALUE);
    server.forceShutdown();
    assert.match(await messageOf(() => plugin.status()), /UNAVAILABLE/);
  } finally {
    server.forceShutdown();
    rmSync(directory, { recursive: true });
  }
});
