import type { ApiObject } from '#api/object.ts';
import type { Binding, Pod } from '#api/types/core.v1.ts';
import { NODE } from '#api/types/resources.ts';
import type { ObjectReader } from '../../object-reader.ts';
import type { AdmissionAttributes, AdmissionScope, MutatingPlugin } from '../admission.ts';

const COPIED = ['topology.kubernetes.io/zone', 'topology.kubernetes.io/region'] as const;

/** A pod learns where its node stands: when it is bound, or made for a node, it gets the node's zone and region. */
export class PodTopologyLabels implements MutatingPlugin {
  readonly name = 'PodTopologyLabels';
  readonly scope: AdmissionScope = { operations: ['CREATE'], resources: ['pods', 'pods/binding'] };
  readonly #reader: ObjectReader;

  constructor(reader: ObjectReader) {
    this.#reader = reader;
  }

  admit({ object, subresource }: AdmissionAttributes): ApiObject | undefined {
    if (object === undefined) {
      return object;
    }
    const nodeName = subresource === 'binding' ? boundNode(object as Binding) : (object as Pod).spec.nodeName;
    const node = (nodeName ?? '') === '' ? undefined : this.#reader.get(NODE, '', nodeName ?? '');
    const labels = Object.fromEntries(
      COPIED.flatMap((label) => {
        const value = node?.metadata.labels?.[label];
        return value === undefined ? [] : [[label, value]];
      }),
    );
    return Object.keys(labels).length === 0
      ? object
      : { ...object, metadata: { ...object.metadata, labels: { ...object.metadata.labels, ...labels } } };
  }
}

function boundNode({ target }: Binding): string {
  return target.kind === 'Node' || target.kind === undefined ? (target.name ?? '') : '';
}
