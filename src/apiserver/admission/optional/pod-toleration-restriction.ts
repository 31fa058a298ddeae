import { podQosClass } from '#api/pod-qos.ts';
import type { Pod, Toleration } from '#api/types/core.v1.ts';
import { NAMESPACE } from '#api/types/resources.ts';
import { notFound } from '#api/status-error.ts';
import type { ObjectReader } from '../../object-reader.ts';
import type { AdmissionAttributes, AdmissionScope, MutatingPlugin, ValidatingPlugin } from '../admission.ts';
import { coversToleration, mergeTolerations } from '../merge-tolerations.ts';
import { plainError } from './plain-error.ts';

const DEFAULTS = 'scheduler.alpha.kubernetes.io/defaultTolerations';
const ALLOWED = 'scheduler.alpha.kubernetes.io/tolerationsWhitelist';
const MEMORY_PRESSURE: Toleration = {
  key: 'node.kubernetes.io/memory-pressure',
  operator: 'Exists',
  effect: 'NoSchedule',
};

/** A namespace says what its pods tolerate, and what they may. Upstream's file with the same for all is not read. */
export class PodTolerationRestriction implements MutatingPlugin, ValidatingPlugin {
  readonly name = 'PodTolerationRestriction';
  readonly scope: AdmissionScope = { operations: ['CREATE', 'UPDATE'], resources: ['pods'] };
  readonly #reader: ObjectReader;

  constructor(reader: ObjectReader) {
    this.#reader = reader;
  }

  admit(attributes: AdmissionAttributes): Pod {
    const pod = attributes.object as Pod;
    const added = [
      ...(attributes.operation === 'CREATE' ? this.#listed(attributes, DEFAULTS) : []),
      ...(podQosClass(pod.spec) === 'BestEffort' ? [] : [MEMORY_PRESSURE]),
    ];
    const admitted =
      added.length === 0
        ? pod
        : { ...pod, spec: { ...pod.spec, tolerations: mergeTolerations(pod.spec.tolerations ?? [], added) } };
    this.validate({ ...attributes, object: admitted });
    return admitted;
  }

  validate(attributes: AdmissionAttributes): void {
    const { tolerations = [] } = (attributes.object as Pod).spec;
    const allowed = tolerations.length === 0 ? [] : this.#listed(attributes, ALLOWED);
    if (
      allowed.length > 0 &&
      !tolerations.every((each) => allowed.some((wide) => coversToleration(wide, each)))
    ) {
      throw plainError(
        'pod tolerations (possibly merged with namespace default tolerations) conflict with its namespace whitelist',
      );
    }
  }

  #listed({ namespace }: AdmissionAttributes, annotation: string): readonly Toleration[] {
    const found = this.#reader.get(NAMESPACE, '', namespace);
    if (found === undefined) {
      throw notFound(NAMESPACE, namespace);
    }
    const text = found.metadata.annotations?.[annotation] ?? '';
    return text === '' ? [] : readTolerations(text);
  }
}

function readTolerations(text: string): readonly Toleration[] {
  try {
    const read: unknown = JSON.parse(text);
    if (Array.isArray(read)) {
      return read as readonly Toleration[];
    }
  } catch (error) {
    if (!(error instanceof SyntaxError)) {
      throw error;
    }
    throw plainError(error.message);
  }
  throw plainError('json: cannot unmarshal object into Go value of type []v1.Toleration');
}
