import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Pod, PodSpec } from '#api/types/core.v1.ts';
import type { DeepPartial } from '#api/object.ts';
import { aContainer, aPod } from './pod.fixture.ts';
import { refusalOf } from './pod-admission.ts';

function podWith(spec: DeepPartial<PodSpec>): Pod {
  return aPod(spec) as unknown as Pod;
}

function asking(cpu: string, memory = '0'): Pod {
  return podWith({ containers: [aContainer({ resources: { requests: { cpu, memory } } })] });
}

function onPort(hostPort: number, more: object = {}): Pod {
  return podWith({
    containers: [aContainer({ ports: [{ containerPort: 80, hostPort, protocol: 'TCP', ...more }] })],
  });
}

test('admission: what does not fit is refused with the numbers', () => {
  const allocatable = { cpu: '2', memory: '1Gi', pods: '3' };
  const cases: readonly (readonly [string, Pod, readonly Pod[], string | undefined])[] = [
    ['fits', asking('1'), [asking('1')], undefined],
    [
      'CPU',
      asking('1500m'),
      [asking('1')],
      "OutOfcpu: Pod was rejected: Node didn't have enough resource: cpu, requested: 1500, used: 1000, capacity: 2000",
    ],
    [
      'memory',
      asking('0', '1Gi'),
      [asking('0', '1Mi')],
      "OutOfmemory: Pod was rejected: Node didn't have enough resource: memory, requested: 1073741824, used: 1048576, capacity: 1073741824",
    ],
    [
      'pods',
      asking('0'),
      [asking('0'), asking('0'), asking('0')],
      "OutOfpods: Pod was rejected: Node didn't have enough resource: pods, requested: 1, used: 3, capacity: 3",
    ],
    [
      'a port of the node',
      onPort(8080),
      [onPort(8080, { hostIP: '10.0.0.1' })],
      "NodePorts: Pod was rejected: Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports",
    ],
    [
      'ports that do not meet',
      onPort(8080, { hostIP: '10.0.0.2' }),
      [onPort(8080, { protocol: 'UDP' }), onPort(8080, { hostIP: '10.0.0.1' })],
      undefined,
    ],
    ['asks for nothing on a full node', asking('0'), [asking('2')], undefined],
    [
      'another system',
      podWith({ os: { name: 'windows' } }),
      [],
      "PodOSNotSupported: Failed to admit pod as the OS field doesn't match node OS",
    ],
    [
      'an unsafe sysctl',
      podWith({ securityContext: { sysctls: [{ name: 'kernel.msgmax', value: '1' }] } }),
      [],
      'SysctlForbidden: forbidden sysctl: "kernel.msgmax" not allowlisted',
    ],
  ];
  for (const [what, pod, others, expected] of cases) {
    const refusal = refusalOf(pod, { allocatable, others });
    assert.equal(refusal && `${refusal.reason}: ${refusal.message}`, expected, what);
  }
});
