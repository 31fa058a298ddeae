import type { ApiObject } from '#api/object.ts';
import type {
  Container,
  LimitRange,
  LimitRangeItem,
  PersistentVolumeClaim,
  Pod,
} from '#api/types/core.v1.ts';
import { LIMIT_RANGE } from '#api/types/resources.ts';
import type { ObjectReader } from '../../object-reader.ts';
import type { AdmissionAttributes, AdmissionScope, MutatingPlugin, ValidatingPlugin } from '../admission.ts';
import { forbid } from '../forbid.ts';
import { podResources } from '#api/quota/pod-resources.ts';
import type { ResourceList } from '#api/quota/resource-list.ts';
import { claimViolations, limitViolations } from './limit-check.ts';

const ANNOTATION = 'kubernetes.io/limit-ranger';

/** Fills in the resources a namespace's LimitRanges give to containers, and keeps pods and claims within bounds. */
export class LimitRanger implements MutatingPlugin, ValidatingPlugin {
  readonly name = 'LimitRanger';
  readonly scope: AdmissionScope = {
    operations: ['CREATE', 'UPDATE'],
    resources: ['pods', 'pods/resize', 'persistentvolumeclaims'],
  };
  readonly #reader: ObjectReader;

  constructor(reader: ObjectReader) {
    this.#reader = reader;
  }

  admit(attributes: AdmissionAttributes): ApiObject | undefined {
    const isPod = attributes.resource.resource === 'pods';
    const ranges = isPod && isJudged(attributes) ? this.#ranges(attributes) : [];
    return ranges.reduce(
      (pod, range) => withDefaults(pod as Pod, itemsOf(range, 'Container')),
      attributes.object,
    );
  }

  validate(attributes: AdmissionAttributes): void {
    if (!isJudged(attributes)) {
      return;
    }
    for (const range of this.#ranges(attributes)) {
      const violations =
        attributes.resource.resource === 'pods'
          ? podViolations(attributes.object as Pod, range)
          : itemsOf(range, 'PersistentVolumeClaim').flatMap((item) =>
              claimViolations(
                item,
                (attributes.object as PersistentVolumeClaim).spec.resources.requests ?? {},
              ),
            );
      if (violations.length > 0) {
        throw forbid(
          attributes,
          violations.length === 1 ? (violations[0] ?? '') : `[${violations.join(', ')}]`,
        );
      }
    }
  }

  #ranges({ namespace }: AdmissionAttributes): readonly LimitRange[] {
    return this.#reader.list(LIMIT_RANGE, namespace);
  }
}

/** A pod's resources change by `resize` alone; what is being deleted may always be written. */
function isJudged({ operation, resource, subresource, oldObject }: AdmissionAttributes): boolean {
  if (operation === 'CREATE') {
    return subresource === '';
  }
  return (
    oldObject?.metadata.deletionTimestamp === undefined &&
    (resource.resource !== 'pods' || subresource === 'resize')
  );
}

function itemsOf({ spec }: LimitRange, type: string): readonly LimitRangeItem[] {
  return (spec.limits ?? []).filter((item) => item.type === type);
}

function withDefaults(pod: Pod, items: readonly LimitRangeItem[]): Pod {
  const requests: ResourceList = Object.assign({}, ...items.map((item) => item.defaultRequest ?? {}));
  const limits: ResourceList = Object.assign({}, ...items.map((item) => item.default ?? {}));
  const remarks: string[] = [];
  const fill = (what: string) => (container: Container) => {
    const filled = fillContainer(container, requests, limits);
    const of = `for ${what} ${container.name}`;
    if (filled.requests.length > 0) {
      remarks.push(`${filled.requests.join(', ')} request ${of}`);
    }
    if (filled.limits.length > 0) {
      remarks.push(`${filled.limits.join(', ')} limit ${of}`);
    }
    return filled.container;
  };
  const containers = (pod.spec.containers ?? []).map(fill('container'));
  const initContainers = pod.spec.initContainers?.map(fill('init container'));
  if (remarks.length === 0) {
    return pod;
  }
  const annotations = {
    ...pod.metadata.annotations,
    [ANNOTATION]: `LimitRanger plugin set: ${remarks.join('; ')}`,
  };
  return {
    ...pod,
    metadata: { ...pod.metadata, annotations },
    spec: { ...pod.spec, containers, ...(initContainers === undefined ? {} : { initContainers }) },
  };
}

interface FilledContainer {
  readonly container: Container;
  /** Names of the resources that were filled in. */
  readonly requests: readonly string[];
  readonly limits: readonly string[];
}

function fillContainer(container: Container, requests: ResourceList, limits: ResourceList): FilledContainer {
  const own = container.resources;
  const missing = (given: ResourceList, present: ResourceList | undefined): string[] =>
    Object.keys(given)
      .filter((name) => present?.[name] === undefined)
      .toSorted();
  const filled = { requests: missing(requests, own.requests), limits: missing(limits, own.limits) };
  if (filled.requests.length + filled.limits.length === 0) {
    return { container, ...filled };
  }
  const resources = {
    ...own,
    ...(filled.limits.length > 0 ? { limits: { ...limits, ...own.limits } } : {}),
    ...(filled.requests.length > 0 ? { requests: { ...requests, ...own.requests } } : {}),
  };
  return { container: { ...container, resources }, ...filled };
}

function podViolations(pod: Pod, { spec }: LimitRange): readonly string[] {
  const containers = [...(pod.spec.containers ?? []), ...(pod.spec.initContainers ?? [])];
  return (spec.limits ?? []).flatMap((item) => {
    switch (item.type) {
      case 'Container':
        return containers.flatMap(({ resources }) =>
          limitViolations(item, { requests: resources.requests ?? {}, limits: resources.limits ?? {} }),
        );
      case 'Pod':
        return limitViolations(item, {
          requests: podResources(pod, 'requests'),
          limits: podResources(pod, 'limits'),
        });
      default:
        return [];
    }
  });
}
