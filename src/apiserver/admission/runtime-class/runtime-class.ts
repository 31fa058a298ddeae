import { compareQuantities, parseQuantity } from '#api/quantity.ts';
import type { ApiObject } from '#api/object.ts';
import type { Pod } from '#api/types/core.v1.ts';
import type { RuntimeClass as RuntimeClassObject } from '#api/types/node.v1.ts';
import { RUNTIME_CLASS } from '#api/types/resources.ts';
import type { ObjectReader } from '../../object-reader.ts';
import type { AdmissionAttributes, AdmissionScope, MutatingPlugin, ValidatingPlugin } from '../admission.ts';
import { forbid } from '../forbid.ts';
import { mergeTolerations } from '../merge-tolerations.ts';

type Quantities = Readonly<Record<string, string>>;

/** Brings a pod's overhead and the places it may run at in line with its runtime class. */
export class RuntimeClass implements MutatingPlugin, ValidatingPlugin {
  readonly name = 'RuntimeClass';
  readonly scope: AdmissionScope = { operations: ['CREATE'], resources: ['pods'] };
  readonly #reader: ObjectReader;

  constructor(reader: ObjectReader) {
    this.#reader = reader;
  }

  admit(attributes: AdmissionAttributes): ApiObject | undefined {
    const pod = attributes.object as Pod;
    const runtimeClass = this.#classOf(attributes);
    return runtimeClass === undefined
      ? pod
      : withScheduling(attributes, withOverhead(attributes, pod, runtimeClass), runtimeClass);
  }

  validate(attributes: AdmissionAttributes): void {
    const { overhead } = (attributes.object as Pod).spec;
    const wanted = this.#classOf(attributes)?.overhead?.podFixed;
    if (wanted === undefined && overhead !== undefined) {
      throw forbid(
        attributes,
        'pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead',
      );
    }
    if (wanted !== undefined && !isSame(overhead, wanted)) {
      throw forbid(attributes, "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead");
    }
  }

  #classOf(attributes: AdmissionAttributes): RuntimeClassObject | undefined {
    const { runtimeClassName } = (attributes.object as Pod).spec;
    if (runtimeClassName === undefined) {
      return undefined;
    }
    const found = this.#reader.get(RUNTIME_CLASS, '', runtimeClassName);
    if (found === undefined) {
      throw forbid(attributes, `pod rejected: RuntimeClass ${JSON.stringify(runtimeClassName)} not found`);
    }
    return found;
  }
}

function withOverhead(attributes: AdmissionAttributes, pod: Pod, runtimeClass: RuntimeClassObject): Pod {
  const overhead = runtimeClass.overhead?.podFixed;
  if (overhead === undefined) {
    return pod;
  }
  if (pod.spec.overhead !== undefined && !isSame(pod.spec.overhead, overhead)) {
    throw forbid(attributes, "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead");
  }
  return { ...pod, spec: { ...pod.spec, overhead } };
}

function withScheduling(attributes: AdmissionAttributes, pod: Pod, runtimeClass: RuntimeClassObject): Pod {
  const { nodeSelector = {}, tolerations = [] } = runtimeClass.scheduling ?? {};
  const own = pod.spec.nodeSelector ?? {};
  for (const [key, value] of Object.entries(nodeSelector)) {
    if (own[key] !== undefined && own[key] !== value) {
      throw forbid(
        attributes,
        `conflict: runtimeClass.scheduling.nodeSelector[${key}] = ${value}; pod.spec.nodeSelector[${key}] = ${own[key]}`,
      );
    }
  }
  const isSelecting = Object.keys(nodeSelector).length > 0;
  if (!isSelecting && tolerations.length === 0) {
    return pod;
  }
  const merged = mergeTolerations(pod.spec.tolerations ?? [], tolerations);
  return {
    ...pod,
    spec: {
      ...pod.spec,
      ...(isSelecting ? { nodeSelector: { ...own, ...nodeSelector } } : {}),
      ...(merged.length > 0 ? { tolerations: merged } : {}),
    },
  };
}

function isSame(left: Quantities | undefined, right: Quantities): boolean {
  const names = Object.keys(right);
  return (
    left !== undefined &&
    Object.keys(left).length === names.length &&
    names.every((name) => {
      const [mine, theirs] = [left[name], right[name]];
      return (
        mine !== undefined &&
        theirs !== undefined &&
        compareQuantities(parseQuantity(mine), parseQuantity(theirs)) === 0
      );
    })
  );
}
