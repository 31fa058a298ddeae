import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Pod } from '#api/types/core.v1.ts';
import { defined } from '#base/assert.ts';
import type { Attributes } from '../../authz/authorizer.ts';
import { ObjectsInMemory } from '../../object-reader.fixture.ts';
import type { AdmissionAttributes, AdmissionPlugin } from '../admission.ts';
import { admittedBy, refusalOf, writeOf } from '../admission.fixture.ts';
import { AlwaysPullImages } from './always-pull-images.ts';
import { optionalPlugins } from './optional-plugins.ts';

interface Setting {
  readonly annotations?: Readonly<Record<string, string>>;
  /** What the sender may do, as `verb resource/subresource name`. */
  readonly grants?: readonly string[];
}

/** One of the plugins, in a cluster with the namespace `default`. */
function pluginOf(name: string, { annotations = {}, grants = [] }: Setting = {}): AdmissionPlugin {
  const reader = new ObjectsInMemory();
  reader.put({ kind: 'Namespace', metadata: { name: 'default', annotations } });
  const plugins = optionalPlugins({
    reader,
    authorizer: {
      authorize: ({ verb, resource, subresource, name: asked }: Attributes) => ({
        outcome: grants.includes(`${verb} ${resource}/${subresource} ${asked}`) ? 'allow' : 'noOpinion',
        reason: '',
      }),
    },
    kinds: {
      find: ({ kind }) =>
        kind === 'ConfigMap'
          ? { resource: 'configmaps', isNamespaced: true, get: async () => undefined, list: async () => [] }
          : undefined,
      structOf: () => undefined,
    },
  });
  return defined(
    plugins.find((plugin) => plugin.name === name),
    name,
  );
}

function pod(spec: object, metadata: object = {}): AdmissionAttributes {
  return writeOf({
    kind: 'Pod',
    metadata: { name: 'p', ...metadata },
    spec: { containers: [{ name: 'c', image: 'one', resources: {} }], ...spec },
  } as Parameters<typeof writeOf>[0]);
}

function update(attributes: AdmissionAttributes, old: AdmissionAttributes): AdmissionAttributes {
  return { ...attributes, operation: 'UPDATE', oldObject: old.object };
}

test('AlwaysPullImages: every new image is asked for at its registry', async () => {
  const plugin = new AlwaysPullImages();
  const image = (text: string, imagePullPolicy: string) =>
    pod({ containers: [{ name: 'c', image: text, imagePullPolicy }] });
  const { spec } = await admittedBy<Pod>(
    plugin,
    pod({ initContainers: [{ name: 'i', imagePullPolicy: 'Never' }] }),
  );
  assert.deepEqual(
    [...(spec.initContainers ?? []), ...spec.containers].map((each) => each.imagePullPolicy),
    ['Always', 'Always'],
  );
  assert.throws(
    () => plugin.validate(image('one', 'Never')),
    /^StatusError: pods "p" is forbidden: spec\.containers\[0\]\.imagePullPolicy: Unsupported value: "Never": supported values: "Always"$/,
  );
  plugin.validate(update(image('one', 'Never'), image('one', 'Never')));
  assert.throws(() => plugin.validate(update(image('two', 'Never'), image('one', 'Never'))));
});

test('DenyServiceExternalIPs: addresses may be kept, not added', async () => {
  const plugin = pluginOf('DenyServiceExternalIPs');
  const service = (...externalIPs: readonly string[]) =>
    writeOf({ kind: 'Service', metadata: { name: 's' }, spec: { externalIPs } } as Parameters<
      typeof writeOf
    >[0]);
  const refused = '403 services "s" is forbidden: Use of external IPs is denied by admission control';
  assert.deepEqual(
    [
      await refusalOf(plugin, service()),
      await refusalOf(plugin, service('1.2.3.4')),
      await refusalOf(plugin, update(service('1.2.3.4'), service('1.2.3.4', '5.6.7.8'))),
      await refusalOf(plugin, update(service('1.2.3.4', '9.9.9.9'), service('1.2.3.4'))),
    ],
    ['admitted', refused, 'admitted', refused],
  );
});

test('ExtendedResourceToleration: who asks for a device tolerates its taint', async () => {
  const plugin = pluginOf('ExtendedResourceToleration');
  const requests = { 'example.com/gpu': '1', cpu: '1', 'example.com/fpga': '1' };
  const { spec } = await admittedBy<Pod>(
    plugin,
    pod({
      containers: [{ name: 'c', resources: { requests } }],
      tolerations: [{ key: 'example.com/gpu', operator: 'Exists', effect: 'NoSchedule' }],
    }),
  );
  assert.deepEqual(
    spec.tolerations?.map(({ key }) => key),
    ['example.com/gpu', 'example.com/fpga'],
  );
});

test('LimitPodHardAntiAffinityTopology: pods keep others off their node only', async () => {
  const plugin = pluginOf('LimitPodHardAntiAffinityTopology');
  const apart = (topologyKey: string) =>
    pod({
      affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey }] } },
    });
  assert.equal(await refusalOf(plugin, apart('kubernetes.io/hostname')), 'admitted');
  assert.equal(
    await refusalOf(plugin, apart('zone')),
    '403 pods "p" is forbidden: affinity.PodAntiAffinity.RequiredDuringScheduling has TopologyKey zone but only key kubernetes.io/hostname is allowed',
  );
});

test('NamespaceExists, AlwaysAdmit and AlwaysDeny: as they are called', async () => {
  assert.deepEqual(
    [
      await refusalOf(pluginOf('NamespaceExists'), pod({})),
      await refusalOf(pluginOf('NamespaceExists'), pod({}, { namespace: 'gone' })),
      await refusalOf(pluginOf('AlwaysAdmit'), pod({})),
      await refusalOf(pluginOf('AlwaysDeny'), pod({})),
    ],
    [
      'admitted',
      '404 namespaces "gone" not found',
      'admitted',
      '403 pods "p" is forbidden: admission control is denying all modifications',
    ],
  );
});

test('PodNodeSelector: pods run where their namespace says', async () => {
  const named = (text: string) =>
    pluginOf('PodNodeSelector', { annotations: { 'scheduler.alpha.kubernetes.io/node-selector': text } });
  const admitted = await admittedBy<Pod>(
    named('env=test, tier=low'),
    pod({ nodeSelector: { disk: 'ssd', env: 'test' } }),
  );
  assert.deepEqual(admitted.spec.nodeSelector, { env: 'test', tier: 'low', disk: 'ssd' });
  assert.deepEqual(
    [
      await refusalOf(named('env=test'), pod({ nodeSelector: { env: 'live' } })),
      await refusalOf(named('env=a=b'), pod({})),
      await refusalOf(named(''), pod({ nodeSelector: { env: 'live' } })),
    ],
    [
      '403 pods "p" is forbidden: pod node label selector conflicts with its namespace node label selector',
      '500 invalid selector: [env a b]',
      'admitted',
    ],
  );
});

test('PodTolerationRestriction: namespaces say what pods tolerate, and what they may', async () => {
  const key = 'scheduler.alpha.kubernetes.io/';
  const plugin = pluginOf('PodTolerationRestriction', {
    annotations: {
      [`${key}defaultTolerations`]: '[{"operator":"Exists","effect":"NoSchedule","key":"a"}]',
      [`${key}tolerationsWhitelist`]: '[{"operator":"Exists","key":"a"},{"operator":"Exists","key":"b"}]',
    },
  });
  const tolerating = (name: string) =>
    pod({ tolerations: [{ key: name, operator: 'Equal', value: 'x', effect: 'NoSchedule' }] });
  assert.deepEqual((await admittedBy<Pod>(plugin, tolerating('a'))).spec.tolerations, [
    { operator: 'Exists', effect: 'NoSchedule', key: 'a' },
  ]);
  assert.equal(
    await refusalOf(plugin, tolerating('c')),
    '500 pod tolerations (possibly merged with namespace default tolerations) conflict with its namespace whitelist',
  );
  const burstable = pod({ containers: [{ name: 'c', resources: { requests: { cpu: '1' } } }] });
  assert.deepEqual(
    (await admittedBy<Pod>(pluginOf('PodTolerationRestriction'), burstable)).spec.tolerations,
    [{ key: 'node.kubernetes.io/memory-pressure', operator: 'Exists', effect: 'NoSchedule' }],
  );
});

test('OwnerReferencesPermissionEnforcement: owners are named by those who could delete', async () => {
  const owned = (kind: string, blockOwnerDeletion: boolean) =>
    pod({}, { ownerReferences: [{ apiVersion: 'v1', kind, name: 'o', uid: kind, blockOwnerDeletion }] });
  const name = 'OwnerReferencesPermissionEnforcement';
  const nobody = pluginOf(name);
  const deleter = pluginOf(name, { grants: ['delete pods/ p', 'update configmaps/finalizers o'] });
  assert.deepEqual(
    [
      await refusalOf(nobody, owned('ConfigMap', false)),
      await refusalOf(nobody, owned('ConfigMap', true)),
      await refusalOf(nobody, owned('Gone', true)),
      await refusalOf(nobody, update(owned('ConfigMap', false), pod({}))),
      await refusalOf(nobody, update(owned('ConfigMap', true), owned('ConfigMap', true))),
      await refusalOf(deleter, update(owned('ConfigMap', true), owned('ConfigMap', false))),
      await refusalOf(pluginOf(name, { grants: ['update */finalizers *'] }), owned('Gone', true)),
    ],
    [
      'admitted',
      `403 pods "p" is forbidden: cannot set blockOwnerDeletion if an ownerReference refers to a resource you can't set finalizers on: , <nil>`,
      '403 pods "p" is forbidden: cannot set blockOwnerDeletion in this case because cannot find RESTMapping for APIVersion v1 Kind Gone: no matches for kind "Gone" in version "v1"',
      `403 pods "p" is forbidden: cannot set an ownerRef on a resource you can't delete: , <nil>`,
      'admitted',
      'admitted',
      'admitted',
    ],
  );
});
