import { parseQuantity } from '#api/quantity.ts';
import { podResources } from '#api/quota/pod-resources.ts';
import type { Node, Pod } from '#api/types/core.v1.ts';
import { NODE } from '#api/types/resources.ts';
import type { ObjectReader } from '../../object-reader.ts';
import type { AdmissionAttributes, AdmissionScope, ValidatingPlugin } from '../admission.ts';
import { forbid } from '../forbid.ts';

const NANOS_PER_MILLI = 1_000_000n;
const NANOS = 1_000_000_000n;

/** A running pod may not grow beyond what its node has, nor on a node that cannot resize at all. */
export class PodResizeValidator implements ValidatingPlugin {
  readonly name = 'PodResizeValidator';
  readonly scope: AdmissionScope = { operations: ['UPDATE'], resources: ['pods/resize'] };
  readonly #reader: ObjectReader;

  constructor(reader: ObjectReader) {
    this.#reader = reader;
  }

  validate(attributes: AdmissionAttributes): void {
    const pod = attributes.object as Pod;
    const nodeName = pod.spec.nodeName ?? '';
    // Only what changes the pod's specification counts up its generation.
    if (nodeName === '' || attributes.oldObject?.metadata.generation === pod.metadata.generation) {
      return;
    }
    const node = this.#reader.get(NODE, '', nodeName);
    if (node === undefined) {
      throw forbid(attributes, `node ${JSON.stringify(nodeName)} not found`);
    }
    const refusal = refuseSize(pod, node) ?? refuseSystem(node);
    if (refusal !== undefined) {
      throw forbid(attributes, refusal);
    }
  }
}

function refuseSize(pod: Pod, node: Node): string | undefined {
  const requests = podResources(pod, 'requests');
  const allocatable = node.status.allocatable ?? {};
  const lacking = (
    [
      ['cpu', NANOS_PER_MILLI],
      ['memory', NANOS],
    ] as const
  ).flatMap(([name, unit]) => {
    const [requested, there] = [requests[name], allocatable[name]].map((text) => inUnits(text ?? '0', unit));
    return requested !== undefined && there !== undefined && requested > there
      ? [`${name}, requested: ${requested}, allocatable: ${there}`]
      : [];
  });
  return lacking.length === 0
    ? undefined
    : `Node didn't have enough allocatable resources: ${lacking.join('; ')}`;
}

/** Rounded up, as upstream counts in whole units. */
function inUnits(text: string, unit: bigint): bigint {
  const { nanos } = parseQuantity(text);
  return (nanos + unit - 1n) / unit;
}

function refuseSystem({ metadata }: Node): string | undefined {
  const system = metadata.labels?.['kubernetes.io/os'] ?? '';
  return system === 'linux'
    ? undefined
    : `pod resize is only supported on linux nodes, node ${JSON.stringify(metadata.name)} is ${JSON.stringify(system)}`;
}
