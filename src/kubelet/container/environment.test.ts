import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DeepPartial } from '#api/object.ts';
import type { ConfigMap, EnvVar, Pod, Secret, Service } from '#api/types/core.v1.ts';
import { aContainer, aPod } from '../pod/pod.fixture.ts';
import type { AnyContainer } from '../pod/pod-containers.ts';
import type { ConfigSources } from './config-sources.ts';
import { containerEnvironment, type EnvironmentDeps } from './environment.ts';
import { expandVariables } from './expansion.ts';

test('expansion: references, escapes and unknown names', () => {
  const variables = new Map([
    ['A', 'one'],
    ['EMPTY', ''],
  ]);
  const cases: readonly (readonly [string, string])[] = [
    ['$(A)', 'one'],
    ['x-$(A)-$(A)', 'x-one-one'],
    ['$$(A)', '$(A)'],
    ['$$$(A)', '$one'],
    ['$(NOPE)', '$(NOPE)'],
    ['$A ${A} $', '$A ${A} $'],
    ['$(A', '$(A'],
    ['[$(EMPTY)]', '[]'],
  ];
  for (const [text, expected] of cases) {
    assert.equal(expandVariables(text, variables), expected, text);
  }
});

// Objects of the server as far as the environment reads them.
const CONFIG_MAP = { data: { color: 'blue', 'not-a-name': 'x' } } as unknown as ConfigMap;
const SECRET = { data: { password: Buffer.from('s3cret').toString('base64') } } as unknown as Secret;
const SOURCES: ConfigSources = {
  configMap: async (_namespace, name) => (name === 'palette' ? CONFIG_MAP : undefined),
  secret: async (_namespace, name) => (name === 'login' ? SECRET : undefined),
};

const DEPS: EnvironmentDeps = {
  sources: SOURCES,
  services: [],
  fields: {
    nodeName: 'node-1',
    hostIps: ['192.168.0.1'],
    podIps: ['10.0.0.5'],
    allocatable: { cpu: '4', memory: '8Gi' },
  },
  warn: () => undefined,
};

async function environmentOf(
  container: DeepPartial<AnyContainer>,
  deps = DEPS,
): Promise<Record<string, string>> {
  const labels = { app: 'web' };
  const pod = aPod(
    { containers: [aContainer(container)], serviceAccountName: 'robot' },
    { labels },
  ) as unknown as Pod;
  const [own] = pod.spec.containers;
  assert.ok(own !== undefined);
  return Object.fromEntries(await containerEnvironment(pod, own, deps));
}

test('environment: every form of a value', async () => {
  const resources = { limits: { cpu: '1500m', memory: '64Mi' }, requests: { cpu: '250m' } };
  const from = (
    name: string,
    valueFrom: DeepPartial<NonNullable<EnvVar['valueFrom']>>,
  ): DeepPartial<EnvVar> => ({
    name,
    valueFrom,
  });
  const field = (name: string, fieldPath: string): DeepPartial<EnvVar> =>
    from(name, { fieldRef: { fieldPath } });
  const amount = (name: string, resource: string, divisor?: string): DeepPartial<EnvVar> =>
    from(name, { resourceFieldRef: { resource, ...(divisor === undefined ? {} : { divisor }) } });
  const env = [
    { name: 'PLAIN', value: 'a' },
    { name: 'USES', value: '$(PLAIN)-$(LATER)' },
    { name: 'LATER', value: 'b' },
    from('COLOR', { configMapKeyRef: { name: 'palette', key: 'color' } }),
    from('PASSWORD', { secretKeyRef: { name: 'login', key: 'password' } }),
    from('MAYBE', { secretKeyRef: { name: 'none', key: 'x', optional: true } }),
    field('POD', 'metadata.name'),
    field('LABEL', "metadata.labels['app']"),
    field('NODE', 'spec.nodeName'),
    field('ACCOUNT', 'spec.serviceAccountName'),
    field('HOST_IP', 'status.hostIP'),
    field('POD_IP', 'status.podIP'),
    amount('CPU', 'limits.cpu'),
    amount('CPU_MILLIS', 'limits.cpu', '1m'),
    amount('MEMORY_MI', 'limits.memory', '1Mi'),
    amount('REQUEST', 'requests.cpu', '1m'),
  ];
  assert.deepEqual(await environmentOf({ env, resources }), {
    PLAIN: 'a',
    USES: 'a-$(LATER)',
    LATER: 'b',
    COLOR: 'blue',
    PASSWORD: 's3cret',
    POD: 'web',
    LABEL: 'web',
    NODE: 'node-1',
    ACCOUNT: 'robot',
    HOST_IP: '192.168.0.1',
    POD_IP: '10.0.0.5',
    CPU: '2',
    CPU_MILLIS: '1500',
    MEMORY_MI: '64',
    REQUEST: '250',
  });
});

test('environment: whole sources come with their prefix, and single variables go before them', async () => {
  const envFrom = [
    { prefix: 'P_', configMapRef: { name: 'palette' } },
    { secretRef: { name: 'none', optional: true } },
  ];
  const env = [{ name: 'P_color', value: 'red' }];
  assert.deepEqual(await environmentOf({ envFrom, env }), { P_color: 'red', 'P_not-a-name': 'x' });
});

test('environment: what is missing is told in the words people know', async () => {
  const cases: readonly (readonly [DeepPartial<AnyContainer>, string])[] = [
    [{ envFrom: [{ configMapRef: { name: 'none' } }] }, 'configmap "none" not found'],
    [
      { env: [{ name: 'X', valueFrom: { secretKeyRef: { name: 'none', key: 'k' } } }] },
      'secret "none" not found',
    ],
    [
      { env: [{ name: 'X', valueFrom: { configMapKeyRef: { name: 'palette', key: 'k' } } }] },
      "couldn't find key k in ConfigMap default/palette",
    ],
    [
      { env: [{ name: 'X', valueFrom: { fieldRef: { fieldPath: 'spec.nope' } } }] },
      'unsupported fieldPath: spec.nope',
    ],
  ];
  for (const [container, message] of cases) {
    await assert.rejects(environmentOf(container), { message, reason: 'CreateContainerConfigError' });
  }
});

test('environment: services of the namespace, and the API itself, are variables', async () => {
  const service = (namespace: string, name: string, clusterIP: string): Service =>
    ({
      metadata: { name, namespace },
      spec: { clusterIP, ports: [{ name: 'http', port: 80, protocol: 'TCP' }] },
    }) as unknown as Service;
  const services = [
    service('default', 'kubernetes', '10.96.0.1'),
    service('default', 'my-db', '10.96.0.7'),
    service('other', 'far', '10.96.0.8'),
    service('default', 'headless', 'None'),
  ];
  const environment = await environmentOf(
    { env: [{ name: 'URL', value: '$(MY_DB_SERVICE_HOST)' }] },
    { ...DEPS, services },
  );
  assert.equal(environment['URL'], '10.96.0.7');
  assert.equal(environment['KUBERNETES_SERVICE_HOST'], '10.96.0.1');
  assert.equal(environment['MY_DB_SERVICE_PORT_HTTP'], '80');
  assert.equal(environment['MY_DB_PORT'], 'tcp://10.96.0.7:80');
  assert.equal(environment['MY_DB_PORT_80_TCP_ADDR'], '10.96.0.7');
  assert.ok(
    Object.keys(environment).every((name) => !name.startsWith('FAR') && !name.startsWith('HEADLESS')),
  );
});
