import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ContainerConfig, PodSandboxConfig } from '../cri.ts';
import { buildSpec, ociResources, type BundleInput, type ImageRunConfig } from './bundle.ts';
import { containerCapabilities, capabilitiesOfMask } from './capabilities.ts';
import { resolveUser } from './image-user.ts';

const NAMESPACES = { network: 'pod', pid: 'container', ipc: 'pod' } as const;
const SANDBOX: PodSandboxConfig = {
  metadata: { name: 'web', uid: 'u', namespace: 'default', attempt: 0 },
  hostname: 'web',
  logDirectory: '/logs',
  labels: {},
  annotations: {},
  linux: { cgroupParent: '/kubepods/podu', securityContext: { namespaceOptions: NAMESPACES } },
};

function input(config: Partial<ContainerConfig> = {}, more: Partial<BundleInput> = {}): BundleInput {
  return {
    config: {
      metadata: { name: 'main', attempt: 0 },
      image: { image: 'x' },
      envs: [],
      mounts: [],
      labels: {},
      annotations: {},
      logPath: '',
      linux: { resources: {}, securityContext: { namespaceOptions: NAMESPACES } },
      ...config,
    },
    sandbox: SANDBOX,
    image: { Entrypoint: ['/entry'], Cmd: ['cmd'], Env: ['A=1', 'B=2'] },
    user: { uid: 0, gid: 0, supplementalGroups: [0], home: '/root' },
    rootfs: '/rootfs',
    cgroupsPath: '/x/kubepods/podu/id',
    namespaces: { net: '/ns/net', ipc: '/ns/ipc', uts: '/ns/uts' },
    pid: { kind: 'own' },
    files: { resolvConf: '/s/resolv.conf', hostname: '/s/hostname', shm: '/s/shm' },
    devices: [],
    host: { capabilities: new Set(['CHOWN', 'SYS_ADMIN']), oomScoreAdjMin: 0 },
    ...more,
  };
}

const commands: readonly {
  name: string;
  config: Partial<ContainerConfig>;
  image: ImageRunConfig;
  args: string[];
}[] = [
  { name: 'the image alone', config: {}, image: { Entrypoint: ['e'], Cmd: ['c'] }, args: ['e', 'c'] },
  {
    name: 'arguments replace the image’s',
    config: { args: ['a'] },
    image: { Entrypoint: ['e'], Cmd: ['c'] },
    args: ['e', 'a'],
  },
  {
    name: 'a command drops both',
    config: { command: ['x'] },
    image: { Entrypoint: ['e'], Cmd: ['c'] },
    args: ['x'],
  },
  {
    name: 'command and arguments',
    config: { command: ['x'], args: ['a'] },
    image: { Cmd: ['c'] },
    args: ['x', 'a'],
  },
  { name: 'only a Cmd', config: {}, image: { Entrypoint: null, Cmd: ['c'] }, args: ['c'] },
];
for (const { name, config, image, args } of commands) {
  test(`bundle: what runs: ${name}`, () => {
    assert.deepEqual(buildSpec(input(config, { image })).process.args, args);
  });
}

test('bundle: nothing to run is an error of the user', () => {
  assert.throws(() => buildSpec(input({}, { image: {} })), {
    code: 'invalid-argument',
    message: 'no command specified',
  });
});

test('bundle: the environment is the image’s, then the pod’s, each name once', () => {
  const { env } = buildSpec(
    input({
      envs: [
        { key: 'B', value: '3' },
        { key: 'B', value: '4=5' },
      ],
    }),
  ).process;
  assert.deepEqual(env, [
    'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    'HOSTNAME=web',
    'A=1',
    'B=4=5',
    'HOME=/root',
  ]);
});

test('bundle: the oom score is cut to what the host grants', () => {
  const linux = { resources: { oomScoreAdj: -998 }, securityContext: { namespaceOptions: NAMESPACES } };
  assert.equal(buildSpec(input({ linux })).process.oomScoreAdj, 0);
});

test('bundle: a privileged container has all of the host’s capabilities, devices and no masks', () => {
  const linux = { resources: {}, securityContext: { namespaceOptions: NAMESPACES, privileged: true } };
  const spec = buildSpec(input({ linux }));
  assert.deepEqual(spec.process.capabilities.bounding, ['CAP_CHOWN', 'CAP_SYS_ADMIN']);
  assert.deepEqual(spec.linux.maskedPaths, []);
  assert.deepEqual(spec.linux.resources.devices, [{ allow: true, access: 'rwm' }]);
  assert.ok(spec.mounts.find(({ destination }) => destination === '/sys')?.options.includes('rw'));
});

test('bundle: a pod in the host network makes no namespace for it', () => {
  const spec = buildSpec(input({}, { namespaces: { ipc: '/ns/ipc' }, pid: { kind: 'host' } }));
  assert.deepEqual(spec.linux.namespaces, [{ type: 'mount' }, { type: 'ipc', path: '/ns/ipc' }]);
  assert.equal(spec.hostname, undefined);
});

test('bundle: the container’s own mounts hide those of the pod', () => {
  const mounts = [{ containerPath: '/etc/resolv.conf', hostPath: '/mine', readonly: true }];
  const found = buildSpec(input({ mounts })).mounts.filter(
    ({ destination }) => destination === '/etc/resolv.conf',
  );
  assert.deepEqual(found, [
    { destination: '/etc/resolv.conf', type: 'bind', source: '/mine', options: ['rbind', 'rprivate', 'ro'] },
  ]);
});

test('bundle: limits of zero are no limits', () => {
  assert.deepEqual(ociResources({ memoryLimitInBytes: 0, cpuShares: 2, cpuQuota: 0, cpuPeriod: 100_000 }), {
    memory: {},
    cpu: { shares: 2, period: 100_000 },
  });
});

const AVAILABLE = new Set(['CHOWN', 'NET_ADMIN', 'SYS_ADMIN']);
const capabilities: readonly {
  name: string;
  add: string[];
  drop: string[];
  has: string[];
  lacks: string[];
}[] = [
  { name: 'the default set', add: [], drop: [], has: ['CAP_CHOWN', 'CAP_NET_RAW'], lacks: ['CAP_SYS_ADMIN'] },
  { name: 'one more', add: ['NET_ADMIN'], drop: [], has: ['CAP_NET_ADMIN', 'CAP_CHOWN'], lacks: [] },
  {
    name: 'all dropped but one',
    add: ['CAP_net_admin'],
    drop: ['ALL'],
    has: ['CAP_NET_ADMIN'],
    lacks: ['CAP_CHOWN'],
  },
  {
    name: 'all that there is but one',
    add: ['ALL'],
    drop: ['CHOWN'],
    has: ['CAP_SYS_ADMIN'],
    lacks: ['CAP_CHOWN', 'CAP_NET_RAW'],
  },
];
for (const { name, add, drop, has, lacks } of capabilities) {
  test(`capabilities: ${name}`, () => {
    const context = {
      namespaceOptions: NAMESPACES,
      capabilities: { addCapabilities: add, dropCapabilities: drop },
    };
    const kept = containerCapabilities(context, AVAILABLE);
    assert.deepEqual(
      [has.filter((cap) => !kept.includes(cap)), lacks.filter((cap) => kept.includes(cap))],
      [[], []],
    );
  });
}

test('capabilities: a mask names its bits', () => {
  assert.deepEqual([...capabilitiesOfMask('0000000001000021')], ['CHOWN', 'KILL', 'SYS_RESOURCE']);
});

const FILES = {
  passwd: 'root:x:0:0:root:/root:/bin/sh\nweb:x:1000:1001::/home/web:/bin/sh\n',
  group: 'root:x:0:\nweb:x:1001:\nextra:x:2000:web,other\n',
};
const users: readonly { name: string; context: object; image: string; expected: object }[] = [
  {
    name: 'root without a word',
    context: {},
    image: '',
    expected: { uid: 0, gid: 0, supplementalGroups: [0], home: '/root' },
  },
  {
    name: 'the image’s user by name',
    context: {},
    image: 'web',
    expected: { uid: 1000, gid: 1001, supplementalGroups: [1001, 2000], home: '/home/web' },
  },
  {
    name: 'user and group',
    context: {},
    image: '5:extra',
    expected: { uid: 5, gid: 2000, supplementalGroups: [2000], home: '/' },
  },
  {
    name: 'the pod wins',
    context: { runAsUser: 1000, runAsGroup: 7 },
    image: 'root',
    expected: { uid: 1000, gid: 7, supplementalGroups: [7, 2000], home: '/home/web' },
  },
  {
    name: 'strict groups',
    context: { runAsUser: 1000, supplementalGroups: [9], supplementalGroupsPolicy: 'Strict' },
    image: '',
    expected: { uid: 1000, gid: 1001, supplementalGroups: [1001, 9], home: '/home/web' },
  },
];
for (const { name, context, image, expected } of users) {
  test(`image user: ${name}`, () => {
    assert.deepEqual(resolveUser({ namespaceOptions: NAMESPACES, ...context }, image, FILES), expected);
  });
}

test('image user: an unknown name is an error', () => {
  assert.throws(
    () => resolveUser({ namespaceOptions: NAMESPACES }, 'nobody', FILES),
    /unable to find user nobody/,
  );
});
