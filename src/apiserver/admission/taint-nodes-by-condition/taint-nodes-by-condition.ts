import type { Node, Taint } from '#api/types/core.v1.ts';
import type { AdmissionAttributes, AdmissionScope, MutatingPlugin } from '../admission.ts';

const NOT_READY: Taint = { key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' };

/** A new node takes no pods until it has said that it is ready. */
export class TaintNodesByCondition implements MutatingPlugin {
  readonly name = 'TaintNodesByCondition';
  readonly scope: AdmissionScope = { operations: ['CREATE'], resources: ['nodes'] };

  admit({ object }: AdmissionAttributes): Node {
    const node = object as Node;
    const taints = node.spec.taints ?? [];
    const isTainted = taints.some(({ key, effect }) => key === NOT_READY.key && effect === NOT_READY.effect);
    return isTainted ? node : { ...node, spec: { ...node.spec, taints: [...taints, NOT_READY] } };
  }
}
