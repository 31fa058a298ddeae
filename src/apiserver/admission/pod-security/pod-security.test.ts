import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PodSpec } from '#api/types/core.v1.ts';
import { ObjectsInMemory } from '../../object-reader.fixture.ts';
import { refusalOf, writeOf } from '../admission.fixture.ts';
import { detailsText, violationsOf } from './evaluate-pod.ts';
import { DEFAULT_POLICY, policyOf } from './namespace-policy.ts';
import { PodSecurity } from './pod-security.ts';

const GOOD_CONTAINER = {
  name: 'a',
  securityContext: {
    allowPrivilegeEscalation: false,
    runAsNonRoot: true,
    capabilities: { drop: ['ALL'] },
    seccompProfile: { type: 'RuntimeDefault' },
  },
};

/** A pod whose one container is good by the strictest level, but for the given differences. */
function spec(changes: object, securityContext: object = {}): PodSpec {
  const container = {
    ...GOOD_CONTAINER,
    securityContext: { ...GOOD_CONTAINER.securityContext, ...securityContext },
  };
  return { containers: [container], ...changes } as unknown as PodSpec;
}

const cases: readonly {
  name: string;
  spec: PodSpec;
  annotations?: Record<string, string>;
  level?: 'restricted';
  minor?: number;
  violations: string;
}[] = [
  { name: 'a good pod', spec: spec({}), level: 'restricted', violations: '' },
  {
    name: 'host namespaces',
    spec: spec({ hostNetwork: true, hostPID: true }),
    violations: 'host namespaces (hostNetwork=true, hostPID=true)',
  },
  {
    name: 'privileged',
    spec: spec(
      { initContainers: [{ name: 'i', securityContext: { privileged: true } }] },
      { privileged: true },
    ),
    violations: 'privileged (containers "i", "a" must not set securityContext.privileged=true)',
  },
  {
    name: 'capabilities',
    spec: spec({}, { capabilities: { add: ['NET_RAW', 'CHOWN', 'SYS_ADMIN'] } }),
    violations:
      'non-default capabilities (container "a" must not include "NET_RAW", "SYS_ADMIN" in securityContext.capabilities.add)',
  },
  {
    name: 'hostPath',
    spec: spec({
      volumes: [
        { name: 'v', hostPath: {} },
        { name: 'w', emptyDir: {} },
      ],
    }),
    violations: 'hostPath volumes (volume "v")',
  },
  {
    name: 'host ports',
    spec: spec({
      containers: [{ name: 'a', ports: [{ hostPort: 80 }, { hostPort: 0 }, { hostPort: 443 }] }],
    }),
    violations: 'hostPort (container "a" uses hostPorts 443, 80)',
  },
  {
    name: 'probe host',
    spec: spec({ containers: [{ name: 'a', livenessProbe: { httpGet: { host: '1.2.3.4' } } }] }),
    violations: 'probe or lifecycle host (container "a" uses probe or lifecycle host "1.2.3.4")',
  },
  {
    name: 'probe host before it was checked',
    spec: spec({ containers: [{ name: 'a', livenessProbe: { httpGet: { host: '1.2.3.4' } } }] }),
    minor: 33,
    violations: '',
  },
  {
    name: 'AppArmor',
    spec: spec({ securityContext: { appArmorProfile: { type: 'Unconfined' } } }),
    annotations: { 'container.apparmor.security.beta.kubernetes.io/a': 'unconfined' },
    violations:
      'forbidden AppArmor profiles (pod and annotation must not set AppArmor profile type to "Unconfined", "container.apparmor.security.beta.kubernetes.io/a="unconfined"")',
  },
  {
    name: 'procMount',
    spec: spec({}, { procMount: 'Unmasked' }),
    violations: 'procMount (container "a" must not set securityContext.procMount to "Unmasked")',
  },
  {
    name: 'procMount with users of its own',
    spec: spec({ hostUsers: false }, { procMount: 'Unmasked' }),
    violations: '',
  },
  {
    name: 'SELinux',
    spec: spec({ securityContext: { seLinuxOptions: { type: 'spc_t', user: 'u' } } }),
    violations:
      'seLinuxOptions (pod set forbidden securityContext.seLinuxOptions: type "spc_t"; user may not be set)',
  },
  {
    name: 'seccomp',
    spec: spec({}, { seccompProfile: { type: 'Unconfined' } }),
    violations:
      'seccompProfile (container "a" must not set securityContext.seccompProfile.type to "Unconfined")',
  },
  {
    name: 'sysctls',
    spec: spec({ securityContext: { sysctls: [{ name: 'kernel.sem' }, { name: 'net.ipv4.tcp_rmem' }] } }),
    minor: 31,
    violations: 'forbidden sysctls (kernel.sem, net.ipv4.tcp_rmem)',
  },
  {
    name: 'host process',
    spec: spec({ securityContext: { windowsOptions: { hostProcess: true } } }),
    violations: 'hostProcess (pod must not set securityContext.windowsOptions.hostProcess=true)',
  },
  {
    name: 'a plain pod',
    spec: { containers: [{ name: 'a' }] } as unknown as PodSpec,
    level: 'restricted',
    violations:
      'allowPrivilegeEscalation != false (container "a" must set securityContext.allowPrivilegeEscalation=false), unrestricted capabilities (container "a" must set securityContext.capabilities.drop=["ALL"]), runAsNonRoot != true (pod or container "a" must set securityContext.runAsNonRoot=true), seccompProfile (pod or container "a" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")',
  },
  {
    name: 'root',
    spec: spec({ securityContext: { runAsUser: 0 } }, { runAsNonRoot: false }),
    level: 'restricted',
    violations:
      'runAsNonRoot != true (container "a" must not set securityContext.runAsNonRoot=false), runAsUser=0 (pod must not set runAsUser=0)',
  },
  {
    name: 'root inside',
    spec: spec({ hostUsers: false, securityContext: { runAsUser: 0 } }),
    level: 'restricted',
    violations: '',
  },
  {
    name: 'volumes',
    spec: spec({
      volumes: [
        { name: 'v', hostPath: {} },
        { name: 'w', nfs: {} },
        { name: 'x', secret: {} },
      ],
    }),
    level: 'restricted',
    violations: 'restricted volume types (volumes "v", "w" use restricted volume types "hostPath", "nfs")',
  },
  {
    name: 'an added capability',
    spec: spec({}, { capabilities: { drop: ['ALL'], add: ['CHOWN', 'NET_BIND_SERVICE'] } }),
    level: 'restricted',
    violations:
      'unrestricted capabilities (container "a" must not include "CHOWN" in securityContext.capabilities.add)',
  },
];

for (const { name, spec, annotations, level = 'baseline', minor = 'latest', violations } of cases) {
  test(`pod security: ${level}, ${minor}: ${name}`, () => {
    assert.equal(detailsText(violationsOf({ level, minor }, annotations, spec)), violations);
  });
}

const labelCases: readonly { labels: Record<string, string>; policy: string; errors: number }[] = [
  { labels: {}, policy: 'privileged/latest privileged/latest privileged/latest', errors: 0 },
  { labels: { enforce: 'baseline' }, policy: 'baseline/latest privileged/latest baseline/latest', errors: 0 },
  {
    labels: { enforce: 'restricted', 'enforce-version': 'v1.25' },
    policy: 'restricted/25 privileged/latest restricted/25',
    errors: 0,
  },
  {
    labels: { enforce: 'restricted', warn: 'baseline' },
    policy: 'restricted/latest privileged/latest baseline/latest',
    errors: 0,
  },
  {
    labels: { enforce: 'strict', audit: 'x', 'warn-version': '1.2' },
    policy: 'restricted/latest privileged/latest privileged/latest',
    errors: 3,
  },
];

for (const { labels, policy, errors } of labelCases) {
  test(`pod security: labels ${JSON.stringify(labels)} mean ${policy}`, () => {
    const full = Object.fromEntries(
      Object.entries(labels).map(([key, value]) => [`pod-security.kubernetes.io/${key}`, value]),
    );
    const parsed = policyOf(full, DEFAULT_POLICY);
    const { enforce, audit, warn } = parsed.policy;
    assert.equal([enforce, audit, warn].map(({ level, minor }) => `${level}/${minor}`).join(' '), policy);
    assert.equal(parsed.errors.length, errors);
  });
}

function inNamespace(labels: Record<string, string>): { plugin: PodSecurity; reader: ObjectsInMemory } {
  const reader = new ObjectsInMemory();
  const full = Object.fromEntries(
    Object.entries(labels).map(([key, value]) => [`pod-security.kubernetes.io/${key}`, value]),
  );
  reader.put({ kind: 'Namespace', metadata: { name: 'default', labels: full } });
  return { plugin: new PodSecurity(reader), reader };
}

const PRIVILEGED_POD = {
  kind: 'Pod',
  metadata: { name: 'p' },
  spec: { containers: [{ name: 'c', image: 'i', securityContext: { privileged: true } }] },
};

test('pod security: an enforced level refuses, a warned one warns, an update of nothing passes', async () => {
  const { plugin } = inNamespace({ enforce: 'baseline' });
  assert.equal(
    await refusalOf(plugin, writeOf(PRIVILEGED_POD)),
    '403 pods "p" is forbidden: violates PodSecurity "baseline:latest": privileged (container "c" must not set securityContext.privileged=true)',
  );
  const oldObject = writeOf(PRIVILEGED_POD).object;
  assert.equal(
    await refusalOf(plugin, writeOf(PRIVILEGED_POD, { operation: 'UPDATE', oldObject })),
    'admitted',
  );
  const warnings: string[] = [];
  const warned = inNamespace({ warn: 'baseline', audit: 'baseline' }).plugin;
  const notes = new Map<string, string>();
  const annotate = (key: string, value: string): unknown => notes.set(key, value);
  await refusalOf(warned, writeOf(PRIVILEGED_POD, { warn: (text) => warnings.push(text), annotate }));
  const sentence =
    'would violate PodSecurity "baseline:latest": privileged (container "c" must not set securityContext.privileged=true)';
  assert.deepEqual(warnings, [sentence]);
  assert.equal(notes.get('pod-security.kubernetes.io/audit-violations'), sentence);
});

test('pod security: what makes pods is warned about, not refused', async () => {
  const { plugin } = inNamespace({ enforce: 'restricted' });
  const warnings: string[] = [];
  const deployment = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'd' },
    spec: { template: { spec: PRIVILEGED_POD.spec } },
  };
  assert.equal(
    await refusalOf(plugin, writeOf(deployment, { warn: (text) => warnings.push(text) })),
    'admitted',
  );
  assert.match(warnings[0] ?? '', /^would violate PodSecurity "restricted:latest": privileged/);
});

test('pod security: a namespace that becomes stricter is told of its pods, and bad labels are refused', async () => {
  const { plugin, reader } = inNamespace({});
  reader.put(PRIVILEGED_POD, { ...PRIVILEGED_POD, metadata: { name: 'o' } });
  const namespace = (enforce: string) => ({
    kind: 'Namespace',
    metadata: { name: 'default', labels: { 'pod-security.kubernetes.io/enforce': enforce } },
  });
  const warnings: string[] = [];
  const oldObject = writeOf({ kind: 'Namespace', metadata: { name: 'default' } }).object;
  await refusalOf(
    plugin,
    writeOf(namespace('baseline'), { operation: 'UPDATE', oldObject, warn: (text) => warnings.push(text) }),
  );
  assert.deepEqual(warnings, [
    'existing pods in namespace "default" violate the new PodSecurity enforce level "baseline:latest"',
    'o (and 1 other pod): privileged',
  ]);
  assert.equal(
    await refusalOf(plugin, writeOf(namespace('x'))),
    '422 Namespace "default" is invalid: metadata.labels[pod-security.kubernetes.io/enforce]: Invalid value: "x": must be one of privileged, baseline, restricted',
  );
});

test('pod security: a cluster has defaults, and asks nothing of some', async () => {
  const { reader } = inNamespace({});
  const plugin = new PodSecurity(reader, {
    defaults: { ...DEFAULT_POLICY, enforce: { level: 'baseline', minor: 'latest' } },
    exemptions: {
      usernames: new Set(['root']),
      namespaces: new Set(['free']),
      runtimeClasses: new Set(['vm']),
    },
  });
  const notes: string[] = [];
  const judge = (pod: Parameters<typeof writeOf>[0], changes = {}): Promise<string> =>
    refusalOf(plugin, writeOf(pod, { annotate: (key, value) => notes.push(`${key}=${value}`), ...changes }));
  assert.match(await judge(PRIVILEGED_POD), /violates PodSecurity "baseline:latest"/);
  notes.length = 0;
  const inRuntime = { ...PRIVILEGED_POD, spec: { ...PRIVILEGED_POD.spec, runtimeClassName: 'vm' } };
  assert.deepEqual(
    [
      await judge(PRIVILEGED_POD, { user: { name: 'root', groups: [], extra: {} } }),
      await judge({ ...PRIVILEGED_POD, metadata: { name: 'p', namespace: 'free' } }),
      await judge(inRuntime),
    ],
    ['admitted', 'admitted', 'admitted'],
  );
  assert.deepEqual(
    notes,
    ['user', 'namespace', 'runtimeClass'].map((why) => `pod-security.kubernetes.io/exempt=${why}`),
  );
  const warnings: string[] = [];
  const labels = { 'pod-security.kubernetes.io/enforce': 'restricted' };
  const namespace = { kind: 'Namespace', metadata: { name: 'free', labels } };
  await refusalOf(plugin, writeOf(namespace, { warn: (text) => warnings.push(text) }));
  assert.deepEqual(warnings, [
    'namespace "free" is exempt from Pod Security, and the policy (enforce=restricted:latest) will be ignored',
  ]);
});
