import type { Pod } from '#api/types/core.v1.ts';
import { NODE } from '#api/types/resources.ts';
import type { ObjectReader } from '../../object-reader.ts';
import type { AdmissionAttributes, AdmissionScope, MutatingPlugin } from '../admission.ts';

const COPIED = ['topology.kubernetes.io/zone', 'topology.kubernetes.io/region'] as const;

/** A pod learns where its node stands: when it is bound, or made for a node, it gets the node's zone and region. */
export class PodTopologyLabels implements MutatingPlugin {
  readonly name = 'PodTopologyLabels';
  readonly scope: AdmissionScope = { operations: ['CREATE', 'UPDATE'], resources: ['pods', 'pods/binding'] };
  readonly #reader: ObjectReader;

  constructor(reader: ObjectReader) {
    this.#reader = reader;
  }

  admit({ object, oldObject }: AdmissionAttributes): Pod {
    const pod = object as Pod;
    const nodeName = pod.spec.nodeName ?? '';
    const isNewlyBound = nodeName !== '' && (oldObject as Pod | undefined)?.spec.nodeName !== nodeName;
    const node = isNewlyBound ? this.#reader.get(NODE, '', nodeName) : undefined;
    const labels = Object.fromEntries(
      COPIED.flatMap((label) => {
        const value = node?.metadata.labels?.[label];
        return value === undefined ? [] : [[label, value]];
      }),
    );
    return Object.keys(labels).length === 0
      ? pod
      : { ...pod, metadata: { ...pod.metadata, labels: { ...pod.metadata.labels, ...labels } } };
  }
}
