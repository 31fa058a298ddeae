import type { ApiObject } from '#api/object.ts';
import type { Pod, PreemptionPolicy } from '#api/types/core.v1.ts';
import type { PriorityClass } from '#api/types/scheduling.v1.ts';
import { PRIORITY_CLASS } from '#api/types/resources.ts';
import type { ObjectReader } from '../../object-reader.ts';
import type { AdmissionAttributes, AdmissionScope, MutatingPlugin, ValidatingPlugin } from '../admission.ts';
import { forbid } from '../forbid.ts';

/** What a pod is given by its class. */
interface Resolved {
  readonly priority: number;
  readonly className: string;
  readonly preemptionPolicy: PreemptionPolicy;
}

/** Turns the name of a pod's priority class into the number that the scheduler compares. */
export class Priority implements MutatingPlugin, ValidatingPlugin {
  readonly name = 'Priority';
  readonly scope: AdmissionScope = {
    operations: ['CREATE', 'UPDATE'],
    resources: ['pods', 'priorityclasses.scheduling.k8s.io'],
  };
  readonly #reader: ObjectReader;

  constructor(reader: ObjectReader) {
    this.#reader = reader;
  }

  admit(attributes: AdmissionAttributes): ApiObject | undefined {
    if (attributes.resource.resource !== 'pods') {
      return attributes.object;
    }
    return attributes.operation === 'CREATE'
      ? this.#admitNewPod(attributes)
      : keepPriority(attributes.object as Pod, attributes.oldObject as Pod);
  }

  validate(attributes: AdmissionAttributes): void {
    if (attributes.resource.resource !== 'priorityclasses') {
      return;
    }
    const wanted = attributes.object as PriorityClass;
    const present = wanted.globalDefault === true ? this.#defaultClass() : undefined;
    if (present !== undefined && present.metadata.name !== wanted.metadata.name) {
      throw forbid(
        attributes,
        `PriorityClass ${present.metadata.name} is already marked as default. Only one default can exist`,
      );
    }
  }

  #admitNewPod(attributes: AdmissionAttributes): Pod {
    const pod = attributes.object as Pod;
    const { priority, className, preemptionPolicy } = this.#resolve(
      attributes,
      pod.spec.priorityClassName ?? '',
    );
    if (pod.spec.priority !== undefined && pod.spec.priority !== priority) {
      throw forbid(
        attributes,
        `the integer value of priority (${pod.spec.priority}) must not be provided in pod spec; priority admission controller computed ${priority} from the given PriorityClass name`,
      );
    }
    const givenPolicy = pod.spec.preemptionPolicy;
    if (givenPolicy !== undefined && givenPolicy !== preemptionPolicy) {
      throw forbid(
        attributes,
        `the string value of PreemptionPolicy (${givenPolicy}) must not be provided in pod spec; priority admission controller computed ${preemptionPolicy} from the given PriorityClass name`,
      );
    }
    const named = className === '' ? {} : { priorityClassName: className };
    return { ...pod, spec: { ...pod.spec, ...named, priority, preemptionPolicy } };
  }

  #resolve(attributes: AdmissionAttributes, className: string): Resolved {
    const found = className === '' ? this.#defaultClass() : this.#reader.get(PRIORITY_CLASS, '', className);
    if (found === undefined && className !== '') {
      throw forbid(attributes, `no PriorityClass with name ${className} was found`);
    }
    return {
      priority: found?.value ?? 0,
      className: found?.metadata.name ?? '',
      preemptionPolicy: found?.preemptionPolicy ?? 'PreemptLowerPriority',
    };
  }

  /** Two can be marked when they were written at once; then the lower one counts. */
  #defaultClass(): PriorityClass | undefined {
    return this.#reader
      .list(PRIORITY_CLASS, '')
      .filter(({ globalDefault }) => globalDefault === true)
      .toSorted((a, b) => a.value - b.value)[0];
  }
}

/** Clients that do not know the fields leave them out; they were set when the pod was made. */
function keepPriority(pod: Pod, old: Pod): Pod {
  const { priority, preemptionPolicy } = old.spec;
  const lacksPriority = pod.spec.priority === undefined && priority !== undefined;
  const lacksPolicy = pod.spec.preemptionPolicy === undefined && preemptionPolicy !== undefined;
  if (!lacksPriority && !lacksPolicy) {
    return pod;
  }
  return {
    ...pod,
    spec: {
      ...pod.spec,
      ...(lacksPriority ? { priority } : {}),
      ...(lacksPolicy ? { preemptionPolicy } : {}),
    },
  };
}

/** The classes every cluster has; pods in them outrank everything a user can name. */
export const SYSTEM_PRIORITY_CLASSES: readonly {
  readonly metadata: { readonly name: string };
  readonly value: number;
  readonly description: string;
  readonly preemptionPolicy: 'PreemptLowerPriority';
}[] = [
  {
    metadata: { name: 'system-node-critical' },
    value: 2_000_001_000,
    description: 'Used for system critical pods that must not be moved from their current node.',
    preemptionPolicy: 'PreemptLowerPriority',
  },
  {
    metadata: { name: 'system-cluster-critical' },
    value: 2_000_000_000,
    description:
      'Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.',
    preemptionPolicy: 'PreemptLowerPriority',
  },
];
