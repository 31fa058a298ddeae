import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CONFIG_MAP, CUSTOM_RESOURCE_DEFINITION, SECRET } from '#api/types/resources.ts';
import { EncryptionAtRest } from '#apiserver/encryption/encryption-at-rest.ts';
import { parseEncryptionConfiguration } from '#apiserver/encryption/encryption-configuration.ts';
import { SILENT_LOGGER } from '#base/log.ts';
import { SeededRandom } from '#base/random.ts';
import { VirtualClock } from '#base/virtual-clock.ts';
import { MemoryStore } from '#store/memory-store.ts';
import { startInProcessCluster, type InProcessCluster } from './in-process-cluster.ts';
import { outcome } from './outcome.fixture.ts';

const HEAD = 'apiVersion: apiserver.config.k8s.io/v1\nkind: EncryptionConfiguration\nresources:\n';
const keyOf = (byte: number): string => Buffer.alloc(32, byte).toString('base64');
const provider = (kind: string, name: string, byte: number): string =>
  `{${kind}: {keys: [{name: ${name}, secret: ${keyOf(byte)}}]}}`;

async function encryption(resources: string, ...providers: readonly string[]): Promise<EncryptionAtRest> {
  const text = `${HEAD}- resources: [${resources}]\n  providers: [${providers.join(', ')}]\n`;
  return EncryptionAtRest.start(parseEncryptionConfiguration(text), {
    clock: new VirtualClock(),
    random: new SeededRandom(1),
    log: SILENT_LOGGER,
    openPlugin: () => assert.fail('no plugin is configured'),
  });
}

/** A store that outlives the clusters over it. */
class KeptStore extends MemoryStore {
  override close(): Promise<void> {
    return Promise.resolve();
  }
}

const NAME = { namespace: 'default', name: 'password' };
const STORED_AT = '/registry/secrets/default/password';

async function storedText(store: MemoryStore, key = STORED_AT): Promise<string> {
  return Buffer.from((await store.get(key))?.value ?? []).toString('latin1');
}

async function start(store: MemoryStore, encrypted: EncryptionAtRest): Promise<InProcessCluster> {
  return startInProcessCluster({ store, encryption: encrypted });
}

test('encryption at rest: what is stored is hidden; every way of reading shows it', async () => {
  const store = new MemoryStore({ clock: new VirtualClock() });
  await using cluster = await start(store, await encryption('secrets', provider('secretbox', 'k1', 1)));
  const { client } = cluster;
  const stop = new AbortController();
  const seen: string[] = [];
  const watching = (async () => {
    for await (const { type, object } of client.of(SECRET).watch('default', {}, stop.signal)) {
      seen.push(`${type} ${(object as { data?: { key?: string } }).data?.key ?? ''}`);
      if (seen.length === 3) {
        return;
      }
    }
  })();
  await client.of(SECRET).create({ metadata: NAME, stringData: { key: 'one' } });
  assert.match(await storedText(store), /^k8s:enc:secretbox:v1:k1:[^]{60}/);
  assert.ok(!(await storedText(store)).includes('password'));
  await client.of(SECRET).patch('default', 'password', { stringData: { key: 'two' } }, { type: 'merge' });
  const one = await client.of(SECRET).get('default', 'password');
  const { items } = await client.of(SECRET).list('default');
  assert.deepEqual([one.data, items[0]?.data], [{ key: 'dHdv' }, { key: 'dHdv' }]);
  assert.equal(
    await outcome(() => client.of(SECRET).create({ metadata: NAME })),
    '409 secrets "password" already exists',
  );
  await client.of(SECRET).delete('default', 'password');
  await watching;
  stop.abort();
  assert.deepEqual(seen, ['ADDED b25l', 'MODIFIED dHdv', 'DELETED dHdv']);
  await client.of(CONFIG_MAP).create({ metadata: NAME, data: { key: 'plain' } });
  assert.match(await storedText(store, '/registry/configmaps/default/password'), /^\{"apiVersion":"v1"/);
});

test('encryption at rest: a new key reads what the old one wrote, and an empty update writes it anew', async () => {
  const store = new KeptStore({ clock: new VirtualClock() });
  const old = provider('aescbc', 'old', 1);
  const fresh = provider('aesgcm', 'new', 2);
  {
    await using cluster = await start(store, await encryption('secrets', '{identity: {}}'));
    await cluster.client.of(SECRET).create({ metadata: NAME, stringData: { key: 'one' } });
  }
  assert.match(await storedText(store), /^\{"apiVersion":"v1"/);
  for (const { providers, before, after } of [
    { providers: [old, '{identity: {}}'], before: /^\{"api/, after: /^k8s:enc:aescbc:v1:old:/ },
    { providers: [fresh, old], before: /^k8s:enc:aescbc:v1:old:/, after: /^k8s:enc:aesgcm:v1:new:/ },
    { providers: ['{identity: {}}', fresh], before: /^k8s:enc:aesgcm:v1:new:/, after: /^\{"api/ },
  ]) {
    await using cluster = await start(store, await encryption('secrets', ...providers));
    const secrets = cluster.client.of(SECRET);
    const read = await secrets.get('default', 'password');
    assert.deepEqual(read.data, { key: 'b25l' });
    assert.match(await storedText(store), before);
    await secrets.update(read);
    assert.match(await storedText(store), after);
    const { metadata } = await secrets.get('default', 'password');
    assert.equal(
      (await secrets.update(await secrets.get('default', 'password'))).metadata.resourceVersion,
      metadata.resourceVersion,
    );
  }
});

test('encryption at rest: without the key, reading is an error of the server', async () => {
  const store = new KeptStore({ clock: new VirtualClock() });
  const maps = '/registry/configmaps/default/password';
  {
    await using cluster = await start(store, await encryption('configmaps', provider('aesgcm', 'a', 1)));
    await cluster.client.of(CONFIG_MAP).create({ metadata: NAME, data: { key: 'one' } });
  }
  const prefix = `500 Internal error occurred: unable to transform key "${maps}": `;
  for (const { resources, providers, message } of [
    {
      resources: 'configmaps',
      providers: provider('aesgcm', 'b', 1),
      message: 'no matching key was found for the provided AES transformer',
    },
    {
      resources: 'configmaps',
      providers: provider('aesgcm', 'a', 2),
      message: 'cipher: message authentication failed',
    },
    {
      resources: 'secrets',
      providers: provider('aesgcm', 'a', 1),
      message: 'identity transformer tried to read encrypted data',
    },
  ]) {
    await using cluster = await start(store, await encryption(resources, providers));
    const configMaps = cluster.client.of(CONFIG_MAP);
    assert.equal(await outcome(() => configMaps.get('default', 'password')), `${prefix}${message}`);
    assert.equal(await outcome(() => configMaps.list('')), `${prefix}${message}`);
  }
});

const FOOS = { group: 'example.com', version: 'v1', resource: 'foos', kind: 'Foo', isNamespaced: true };

test('encryption at rest: wildcards take custom resources along', async () => {
  const store = new MemoryStore({ clock: new VirtualClock() });
  await using cluster = await start(store, await encryption('"*.example.com"', provider('aescbc', 'k', 1)));
  await cluster.client.of(CUSTOM_RESOURCE_DEFINITION).create({
    metadata: { name: 'foos.example.com' },
    spec: {
      group: 'example.com',
      scope: 'Namespaced',
      names: { plural: 'foos', kind: 'Foo' },
      versions: [
        {
          name: 'v1',
          served: true,
          storage: true,
          schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
        },
      ],
    },
  });
  await cluster.clock.advance(0);
  const created = await cluster.client.of(FOOS).create({ metadata: NAME, spec: { a: 1 } } as never);
  assert.match(
    await storedText(store, '/registry/example.com/foos/default/password'),
    /^k8s:enc:aescbc:v1:k:/,
  );
  assert.deepEqual(await cluster.client.of(FOOS).get('default', 'password'), created);
});
