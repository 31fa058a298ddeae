import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { SECRET } from '#api/types/resources.ts';
import { SILENT_LOGGER } from '#base/log.ts';
import { SeededRandom } from '#base/random.ts';
import { VirtualClock } from '#base/virtual-clock.ts';
import { MemoryStore } from '#store/memory-store.ts';
import { startInProcessCluster } from './in-process-cluster.ts';
import { openSecurity, SecurityFileError } from './security-choice.ts';

function configuration(...names: readonly string[]): string {
  const keys = names.map((name) => {
    const secret = Buffer.alloc(32, name).toString('base64');
    return `{name: ${name}, secret: ${secret}}`;
  });
  return `apiVersion: apiserver.config.k8s.io/v1
kind: EncryptionConfiguration
resources: [{resources: [secrets], providers: [{aesgcm: {keys: [${keys.join(', ')}]}}]}]
`;
}

test('encryption at rest: a changed file is read again, one that is no good is not used', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'encryption-'));
  const encryptionConfig = join(directory, 'config.yaml');
  writeFileSync(encryptionConfig, configuration('one'));
  const clock = new VirtualClock();
  const deps = { clock, random: new SeededRandom(1), log: SILENT_LOGGER };
  await using security = await openSecurity({ encryptionConfig, reloadsEncryption: true }, deps);
  const store = new MemoryStore({ clock });
  const { encryption } = security;
  assert.ok(encryption !== undefined);
  await using cluster = await startInProcessCluster({ clock, store, encryption });
  const secrets = cluster.client.of(SECRET);
  const storedText = async (name: string): Promise<string> => {
    await secrets.create({ metadata: { namespace: 'default', name } });
    const stored = await store.get(`/registry/secrets/default/${name}`);
    return Buffer.from(stored?.value ?? []).toString('latin1');
  };
  try {
    assert.match(await storedText('a'), /^k8s:enc:aesgcm:v1:one:/);
    writeFileSync(encryptionConfig, configuration('two', 'one'));
    await clock.advance(60_000);
    assert.match(await storedText('b'), /^k8s:enc:aesgcm:v1:two:/);
    writeFileSync(encryptionConfig, 'kind: Nonsense');
    await clock.advance(60_000);
    assert.match(await storedText('c'), /^k8s:enc:aesgcm:v1:two:/);
    const old = await secrets.get('default', 'a');
    await secrets.update(old);
    const stored = await store.get('/registry/secrets/default/a');
    assert.match(Buffer.from(stored?.value ?? []).toString('latin1'), /^k8s:enc:aesgcm:v1:two:/);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test('encryption at rest: a file that is missing or no good is said at the start', async () => {
  const deps = { clock: new VirtualClock(), random: new SeededRandom(1), log: SILENT_LOGGER };
  await assert.rejects(openSecurity({ encryptionConfig: '/nowhere/config.yaml' }, deps), SecurityFileError);
});
