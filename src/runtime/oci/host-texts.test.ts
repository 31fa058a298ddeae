import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cpuWeight, limitFilesV1, limitFilesV2, parseCgroupMounts } from './cgroups.ts';
import { InstancePaths } from './instance-paths.ts';
import { parseLogPiece } from './log-follower.ts';
import { chooseRuntime } from './low-runtime.ts';
import { mountsBelow } from './mount-table.ts';
import { hostPortScript, podTableScript } from './nft-rules.ts';
import { parseNetDev } from './oci-stats.ts';
import { resolvConf } from './sandbox-files.ts';
import { seccompProfile } from './seccomp.ts';
import { pauseProgram } from './pause-process.ts';
import { signalName, signalNumber } from './signals.ts';

const HYBRID = `cgroup /sys/fs/cgroup/cpu cgroup rw,relatime,cpu 0 0
cgroup /sys/fs/cgroup/memory cgroup rw,relatime,memory 0 0
cgroup /sys/fs/cgroup/systemd cgroup rw,relatime,name=systemd 0 0
cgroup2 /sys/fs/cgroup/unified cgroup2 rw,relatime 0 0
`;

test('cgroups: mounts tell the hierarchies', () => {
  const { v1, v2 } = parseCgroupMounts(HYBRID);
  assert.deepEqual([...v1.keys()], ['cpu', 'memory', 'name=systemd']);
  assert.equal(v2, '/sys/fs/cgroup/unified');
});

test('cgroups: shares become weights', () => {
  assert.deepEqual([2, 102, 1024, 262_144].map(cpuWeight), [1, 4, 39, 10_000]);
});

test('cgroups: limits are written in both versions', () => {
  const limits = { cpuShares: 1024, cpuQuota: 50_000, cpuPeriod: 100_000, memoryLimitInBytes: 1000 };
  assert.deepEqual(
    limitFilesV1(limits).map(({ file, value }) => `${file}=${value}`),
    ['cpu.shares=1024', 'cpu.cfs_period_us=100000', 'cpu.cfs_quota_us=50000', 'memory.limit_in_bytes=1000'],
  );
  assert.deepEqual(
    limitFilesV2(limits).map(({ file, value }) => `${file}=${value}`),
    ['cpu.weight=39', 'cpu.max=50000 100000', 'memory.max=1000'],
  );
});

test('low runtime: crun is chosen where it works', () => {
  const both = new Map([
    ['crun', '/usr/bin/crun'],
    ['runc', '/usr/sbin/runc'],
  ]);
  const layout = { v1: new Map<string, string>(), v2: '/sys/fs/cgroup', v2Controllers: ['cpu', 'memory'] };
  assert.equal(chooseRuntime(both, { kind: 'v2', ...layout }), '/usr/bin/crun');
  assert.equal(chooseRuntime(both, { kind: 'hybrid', ...layout }), '/usr/sbin/runc');
  assert.equal(chooseRuntime(both, { kind: 'hybrid', ...layout, v2Controllers: [] }), '/usr/bin/crun');
  assert.equal(chooseRuntime(new Map([['crun', '/usr/bin/crun']]), { kind: 'hybrid', ...layout }), undefined);
});

test('mount table: what lies below comes deepest first', () => {
  const table = ['/', '/data', '/data/a', '/data/a/with\\040space', '/database'].map(
    (target, index) => `${index} 0 0:1 / ${target} rw - t s rw`,
  );
  assert.deepEqual(mountsBelow('/data', table.join('\n')), ['/data/a/with space', '/data/a', '/data']);
});

test('log follower: lines give back what was written', () => {
  const at = '2026-11-21T05:48:36.851962446+00:00';
  const full = parseLogPiece(Buffer.from(`${at} stdout F hello world`));
  assert.equal(full?.bytes.toString(), 'hello world\n');
  const partial = parseLogPiece(Buffer.from(`${at} stderr P  half`));
  assert.deepEqual([partial?.stream, partial?.bytes.toString()], ['stderr', ' half']);
  assert.equal(parseLogPiece(Buffer.from(`${at} stdout F `))?.bytes.toString(), '\n');
  assert.equal(parseLogPiece(Buffer.from('something else')), undefined);
});

test('nft rules: host ports are elements', () => {
  const ports = [
    { protocol: 'TCP', containerPort: 80, hostPort: 8080 },
    { protocol: 'UDP', containerPort: 53, hostPort: 5353, hostIp: '127.0.0.1' },
    { protocol: 'TCP', containerPort: 81, hostPort: 0 },
  ] as const;
  assert.equal(
    hostPortScript('add', 't', '10.0.0.2', ports),
    'add element ip t hostports { tcp . 8080 : 10.0.0.2 . 80 }\n' +
      'add element ip t hostports_by_address { 127.0.0.1 . udp . 5353 : 10.0.0.2 . 53 }\n',
  );
  const table = podTableScript({
    table: 't',
    bridge: 'b',
    podCidr: '10.0.0.0/24',
    clusterCidr: '10.0.0.0/16',
    hostAddresses: ['10.88.0.1', '192.0.2.7'],
  });
  assert.match(table, /ip saddr 10\.0\.0\.0\/24 ip daddr != 10\.0\.0\.0\/16 .* masquerade/);
});

test('statistics: interface counters are read by column', () => {
  const text = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
  eth0:     100       1    2    0    0     0          0         0      300       3    4    0    0     0       0          0
`;
  assert.deepEqual(parseNetDev(text), [
    { name: 'eth0', rxBytes: 100, rxErrors: 2, txBytes: 300, txErrors: 4 },
  ]);
});

test('sandbox files: a resolver configuration in the usual order', () => {
  const dns = {
    servers: ['10.96.0.10'],
    searches: ['default.svc.cluster.local', 'svc.cluster.local'],
    options: ['ndots:5'],
  };
  assert.equal(
    resolvConf(dns),
    'search default.svc.cluster.local svc.cluster.local\nnameserver 10.96.0.10\noptions ndots:5\n',
  );
});

test('seccomp: a capability lifts its own refusals', () => {
  const refused = (capabilities: string[]): string[] =>
    (seccompProfile({ profileType: 'RuntimeDefault' }, capabilities)?.syscalls ?? []).flatMap(
      ({ names }) => names,
    );
  assert.ok(
    refused([]).includes('mount') && refused([]).includes('clone3') && refused([]).includes('keyctl'),
  );
  assert.ok(!refused(['CAP_SYS_ADMIN']).includes('mount') && !refused(['CAP_SYS_ADMIN']).includes('clone3'));
  assert.ok(refused(['CAP_SYS_ADMIN']).includes('keyctl'));
  assert.equal(seccompProfile({ profileType: 'Unconfined' }, []), undefined);
});

const signals: readonly (readonly [text: string, name: string, number: number])[] = [
  ['SIGQUIT', 'SIGQUIT', 3],
  ['quit', 'SIGQUIT', 3],
  ['9', 'SIGKILL', 9],
  ['SIGRTMIN+3', 'SIGRTMIN+3', 37],
  ['SIGRTMINPLUS3', 'SIGRTMINPLUS3', 37],
  ['RTMAX-1', 'SIGRTMAX-1', 63],
  ['nonsense', 'SIGTERM', 15],
  ['', 'SIGTERM', 15],
];
for (const [text, name, number] of signals) {
  test(`signals: ${JSON.stringify(text)} is ${name}`, () => {
    assert.deepEqual([signalName(text), signalNumber(signalName(text))], [name, number]);
  });
}

test('instance paths: names fit the kernel', () => {
  const paths = new InstancePaths('abcd1234', '/data');
  assert.ok(paths.bridge.length <= 15 && paths.veth('f'.repeat(64)).length <= 15);
  for (const bad of ['', 'UPPER', 'with-dash', 'ninechars', '../x']) {
    assert.throws(() => new InstancePaths(bad, '/data'), { code: 'invalid-argument' });
  }
});

for (const arch of ['x64', 'arm64']) {
  test(`pause program: is a small executable for ${arch}`, () => {
    const program = pauseProgram(arch);
    assert.equal(program.toString('latin1', 1, 4), 'ELF');
    assert.ok(program.length < 256);
    assert.equal(program.readBigUInt64LE(96), BigInt(program.length));
  });
}
