import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Pod } from '#api/types/core.v1.ts';
import { SeededRandom } from '#base/random.ts';
import { VirtualClock } from '#base/virtual-clock.ts';
import { ObjectsInMemory } from '../../object-reader.fixture.ts';
import { admittedBy, outcomeOf, refusalOf, writeOf } from '../admission.fixture.ts';
import { ServiceAccount } from './service-account.ts';

function setUp(...objects: readonly object[]) {
  const reader = new ObjectsInMemory();
  reader.put(...objects);
  const clock = new VirtualClock();
  return { reader, clock, plugin: new ServiceAccount({ reader, clock, random: new SeededRandom(3) }) };
}

const DEFAULT = {
  kind: 'ServiceAccount',
  metadata: { name: 'default' },
  imagePullSecrets: [{ name: 'pull' }],
};

function pod(spec: object, annotations: object = {}): object {
  return {
    kind: 'Pod',
    metadata: { name: 'p', annotations },
    spec: { containers: [{ name: 'c' }], ...spec },
  };
}

function admit(plugin: ServiceAccount, object: object): Promise<Pod> {
  return admittedBy<Pod>(plugin, writeOf(object));
}

test('service account plugin: a plain pod gets the default account, its pull secrets and its token', async () => {
  const { plugin } = setUp(DEFAULT);
  const { spec } = await admit(plugin, pod({ initContainers: [{ name: 'i' }] }));
  const name = spec.volumes?.[0]?.name ?? '';
  assert.match(name, /^kube-api-access-[a-z0-9]{5}$/);
  const mount = { name, readOnly: true, mountPath: '/var/run/secrets/kubernetes.io/serviceaccount' };
  assert.deepEqual(spec, {
    containers: [{ name: 'c', volumeMounts: [mount] }],
    initContainers: [{ name: 'i', volumeMounts: [mount] }],
    serviceAccountName: 'default',
    serviceAccount: 'default',
    imagePullSecrets: [{ name: 'pull' }],
    volumes: [
      {
        name,
        projected: {
          sources: [
            { serviceAccountToken: { expirationSeconds: 3607, path: 'token' } },
            { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
            {
              downwardAPI: {
                items: [
                  { path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } },
                ],
              },
            },
          ],
          defaultMode: 420,
        },
      },
    ],
  });
});

test('service account plugin: no token for who wants none, where something is mounted already, or twice', async () => {
  const { plugin } = setUp(DEFAULT, {
    kind: 'ServiceAccount',
    metadata: { name: 'shy' },
    automountServiceAccountToken: false,
  });
  const mounted = {
    name: 'c',
    volumeMounts: [{ name: 'own', mountPath: '/var/run/secrets/kubernetes.io/serviceaccount' }],
  };
  const volumesOf = async (spec: object): Promise<unknown> =>
    (await admit(plugin, pod(spec))).spec.volumes?.length;
  assert.deepEqual(
    [
      await volumesOf({ automountServiceAccountToken: false }),
      await volumesOf({ serviceAccountName: 'shy' }),
      await volumesOf({ serviceAccountName: 'shy', automountServiceAccountToken: true }),
      await volumesOf({ containers: [mounted] }),
      await volumesOf({ volumes: [{ name: 'kube-api-access-abcde', projected: {} }] }),
    ],
    [undefined, undefined, 1, undefined, 1],
  );
});

test('service account plugin: an account that is not there refuses the pod', async () => {
  const { plugin } = setUp(DEFAULT);
  assert.equal(
    await outcomeOf(plugin, writeOf(pod({ serviceAccountName: 'gone' }))),
    '403 pods "p" is forbidden: error looking up service account default/gone: serviceaccount "gone" not found',
  );
});

test('service account plugin: the default account is waited for, but not for ever', async () => {
  const { plugin, reader, clock } = setUp();
  const waiting = outcomeOf<Pod>(plugin, writeOf(pod({})));
  await clock.advance(1000);
  reader.put(DEFAULT);
  assert.equal(typeof (await waiting), 'object');
  const elsewhere = refusalOf(plugin, writeOf({ ...pod({}), metadata: { name: 'p', namespace: 'new' } }));
  await clock.advance(2000);
  assert.match(await elsewhere, /error looking up service account new\/default/);
  assert.equal(clock.nextDueMs(), undefined);
});

test('service account plugin: a mirror pod is left as it is and gets at nothing', async () => {
  const { plugin } = setUp();
  const mirror = { 'kubernetes.io/config.mirror': 'x' };
  assert.deepEqual((await admit(plugin, pod({}, mirror))).spec, { containers: [{ name: 'c' }] });
  assert.match(
    await refusalOf(plugin, writeOf(pod({ serviceAccountName: 'default' }, mirror))),
    /a mirror pod may not reference service accounts/,
  );
  assert.match(
    await refusalOf(plugin, writeOf(pod({ volumes: [{ name: 'v', secret: { secretName: 's' } }] }, mirror))),
    /a mirror pod may not reference secrets/,
  );
});

test('service account plugin: an account can insist on the secrets it lists', async () => {
  const annotations = { 'kubernetes.io/enforce-mountable-secrets': 'true' };
  const { plugin } = setUp({
    kind: 'ServiceAccount',
    metadata: { name: 'default', annotations },
    secrets: [{ name: 'mine' }],
  });
  const secret = (secretName: string) => pod({ volumes: [{ name: 'v', secret: { secretName } }] });
  assert.equal(typeof (await outcomeOf(plugin, writeOf(secret('mine')))), 'object');
  assert.equal(
    await outcomeOf(plugin, writeOf(secret('other'))),
    '403 pods "p" is forbidden: volume with secret.secretName="other" is not allowed because service account default does not reference that secret',
  );
});

test('service account plugin: containers added to a running pod are held to the same secrets', async () => {
  const annotations = { 'kubernetes.io/enforce-mountable-secrets': 'T' };
  const { plugin } = setUp({ kind: 'ServiceAccount', metadata: { name: 'default', annotations } });
  const env = [{ name: 'PASSWORD', valueFrom: { secretKeyRef: { name: 'other', key: 'k' } } }];
  const running = pod({ serviceAccountName: 'default', ephemeralContainers: [{ name: 'debug', env }] });
  const update = { operation: 'UPDATE', subresource: 'ephemeralcontainers' } as const;
  assert.equal(
    await outcomeOf(plugin, writeOf(running, update)),
    '403 pods "p" is forbidden: ephemeral container debug with envVar PASSWORD referencing secret.secretName="other" is not allowed because service account default does not reference that secret',
  );
  assert.equal(
    typeof (await outcomeOf(plugin, writeOf(running, { ...update, subresource: '' }))),
    'object',
    'other changes of the pod are not asked about its secrets',
  );
});
