import type { NewObject } from '#api/object.ts';
import type { Pod, PodStatus } from '#api/types/core.v1.ts';

export interface PodSketch {
  readonly name: string;
  readonly namespace?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly node?: string;
  readonly phase?: 'Pending' | 'Running' | 'Succeeded' | 'Failed';
  /** Time from which on the pod is ready. */
  readonly readySince?: string;
  readonly created?: string;
  readonly restarts?: number;
  readonly ip?: string;
}

/** A pod as far as controllers look at one. */
export function aPod({
  name,
  namespace = 'ns',
  labels = {},
  annotations,
  node,
  phase = 'Running',
  ...rest
}: PodSketch): NewObject<Pod> {
  const { readySince, created, restarts, ip } = rest;
  return {
    metadata: {
      name,
      namespace,
      labels,
      uid: `uid-of-${name}`,
      ...(annotations === undefined ? {} : { annotations }),
      ...(created === undefined ? {} : { creationTimestamp: created }),
    },
    spec: { containers: [{ name: 'c' }], ...(node === undefined ? {} : { nodeName: node }) },
    status: {
      ...aPodStatus(phase, readySince),
      ...(ip === undefined ? {} : { podIP: ip, podIPs: [{ ip }] }),
      ...(restarts === undefined ? {} : { containerStatuses: [{ name: 'c', restartCount: restarts }] }),
    },
  };
}

export function aPodStatus(phase: PodSketch['phase'] = 'Running', readySince?: string): PodStatus {
  return {
    phase,
    ...(readySince === undefined
      ? {}
      : { conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: readySince }] }),
  };
}
