import type {
  Container,
  Pod,
  PodSpec,
  Toleration,
  TopologySpreadConstraint,
  WeightedPodAffinityTerm,
  PodAffinityTerm,
} from '#api/types/core.v1.ts';
import { accountedSpec } from './accounted-spec.ts';
import { hostPortsOf, type HostPort } from './host-ports.ts';
import { podSelectorOfTerm, type LabelSet, type LabelSets, type PodSelector } from './label-set.ts';
import {
  compilePreferredNodes,
  compileRequiredNodes,
  type NodeMatcher,
  type WeightedNodeMatcher,
} from './node-selector.ts';
import { isCountedResource, podRequests } from './pod-requests.ts';
import type { ResourceId, ResourceIds } from './resource-ids.ts';

/** One resource of a pod's requests, more than zero. */
export interface Demand {
  readonly resource: ResourceId;
  readonly amount: number;
}

/** An affinity term made ready: which pods, and over which node label. */
export interface AffinityTerm {
  readonly key: string;
  readonly selector: PodSelector;
  readonly topologyKey: string;
}

export interface WeightedTerm {
  readonly term: AffinityTerm;
  /** Negative for anti-affinity. */
  readonly weight: number;
}

/**
 * Everything about a pod that scheduling reads, made ready once and shared by all pods that are alike. Pods of
 * one template have one shape, so what was found out for the first is there for the rest.
 */
export interface PodShape {
  readonly labelSet: LabelSet;
  /** The spec of the first pod of this shape; alike in all that scheduling reads, apart from names. */
  readonly spec: PodSpec;
  readonly demands: readonly Demand[];
  readonly nonZeroCpuMillis: number;
  readonly nonZeroMemoryBytes: number;
  readonly tolerations: readonly Toleration[];
  /** Text that is the same for equal tolerations, nodeSelector and required node affinity. */
  readonly nodeFilterKey: string;
  /**
   * Text that is the same for pods that no plugin of reach `node` can tell apart: what they ask of a node itself,
   * whatever their labels, their owner, and the pods they want near.
   */
  readonly rowKey: string;
  readonly requiredNodes: NodeMatcher | undefined;
  readonly preferredNodes: readonly WeightedNodeMatcher[];
  readonly hostPorts: readonly HostPort[];
  readonly requiredAffinity: readonly AffinityTerm[];
  readonly requiredAntiAffinity: readonly AffinityTerm[];
  readonly preferredAffinity: readonly WeightedTerm[];
  readonly spreadConstraints: readonly TopologySpreadConstraint[];
  /** The controlling owner, for the spread that applies when a pod asks for none. */
  readonly controller:
    | { readonly apiVersion: string; readonly kind: string; readonly name: string }
    | undefined;
}

/** Shapes kept at once. Beyond, the table starts anew; pods keep the shapes they have. */
const SHAPES_MAX = 16_384;

/** Gives alike pods the same {@link PodShape} object. */
export class PodShapes {
  readonly #shapes = new Map<string, PodShape>();
  /** A pod is asked about several times on its way to a node, and making its signature takes a while. */
  readonly #known = new WeakMap<Pod, PodShape>();
  readonly #resources: ResourceIds;
  readonly #labelSets: LabelSets;

  constructor(resources: ResourceIds, labelSets: LabelSets) {
    this.#resources = resources;
    this.#labelSets = labelSets;
  }

  of(pod: Pod): PodShape {
    const known = this.#known.get(pod);
    if (known !== undefined) {
      return known;
    }
    const spec = accountedSpec(pod);
    const signature = signatureOf(pod, spec);
    let shape = this.#shapes.get(signature);
    if (shape === undefined) {
      if (this.#shapes.size >= SHAPES_MAX) {
        this.#shapes.clear();
      }
      shape = this.#compile(pod, spec);
      this.#shapes.set(signature, shape);
    }
    this.#known.set(pod, shape);
    return shape;
  }

  /** The shape of a later state of `before`; a change that says nothing to scheduling costs no signature. */
  ofNext(pod: Pod, before: Pod): PodShape {
    const shape = this.#known.get(before);
    if (shape !== undefined && !this.#known.has(pod) && isAlikeAtSight(pod, before)) {
      this.#known.set(pod, shape);
    }
    return this.of(pod);
  }

  #compile({ metadata }: Pod, spec: PodSpec): PodShape {
    const requests = podRequests(spec);
    const { podAffinity, podAntiAffinity } = spec.affinity ?? {};
    const terms = (list: readonly PodAffinityTerm[] | undefined): readonly AffinityTerm[] =>
      (list ?? []).map((term) => compileTerm(term, metadata.namespace));
    const weighted = (list: readonly WeightedPodAffinityTerm[] | undefined, sign: 1 | -1): WeightedTerm[] =>
      (list ?? []).map(({ weight, podAffinityTerm }) => ({
        term: compileTerm(podAffinityTerm, metadata.namespace),
        weight: sign * weight,
      }));
    const demands = [...requests.amounts]
      .filter(([name, amount]) => amount > 0 && isCountedResource(name))
      .map(([name, amount]) => ({ resource: this.#resources.idOf(name), amount }));
    const hostPorts = hostPortsOf(spec);
    return {
      labelSet: this.#labelSets.of(metadata.namespace, metadata.labels),
      spec,
      demands,
      rowKey: JSON.stringify([
        demands,
        requests.nonZeroCpuMillis,
        requests.nonZeroMemoryBytes,
        hostPorts,
        spec.tolerations,
        spec.nodeSelector,
        spec.affinity?.nodeAffinity,
      ]),
      nonZeroCpuMillis: requests.nonZeroCpuMillis,
      nonZeroMemoryBytes: requests.nonZeroMemoryBytes,
      tolerations: spec.tolerations ?? [],
      nodeFilterKey: JSON.stringify([
        spec.nodeSelector,
        spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution,
        spec.tolerations,
      ]),
      requiredNodes: compileRequiredNodes(spec.nodeSelector, spec.affinity),
      preferredNodes: compilePreferredNodes(spec.affinity),
      hostPorts,
      requiredAffinity: terms(podAffinity?.requiredDuringSchedulingIgnoredDuringExecution),
      requiredAntiAffinity: terms(podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution),
      preferredAffinity: [
        ...weighted(podAffinity?.preferredDuringSchedulingIgnoredDuringExecution, 1),
        ...weighted(podAntiAffinity?.preferredDuringSchedulingIgnoredDuringExecution, -1),
      ],
      spreadConstraints: spec.topologySpreadConstraints ?? [],
      controller: metadata.ownerReferences?.find(({ controller }) => controller === true),
    };
  }
}

function compileTerm(term: PodAffinityTerm, ownNamespace: string): AffinityTerm {
  const selector = podSelectorOfTerm(term, ownNamespace);
  return {
    key: JSON.stringify([term.topologyKey, selector.key]),
    selector,
    topologyKey: term.topologyKey,
  };
}

/** True when all that a signature is made of is the same object: equal parts of two states of one pod mostly are. */
function isAlikeAtSight(pod: Pod, before: Pod): boolean {
  const { metadata, spec } = pod;
  return (
    metadata.uid === before.metadata.uid &&
    metadata.labels === before.metadata.labels &&
    metadata.ownerReferences === before.metadata.ownerReferences &&
    accountedSpec(pod) === spec &&
    accountedSpec(before) === before.spec &&
    isSpecAlikeAtSight(spec, before.spec)
  );
}

/** The node's name is not in the signature, and binding changes nothing else. */
function isSpecAlikeAtSight(spec: PodSpec, before: PodSpec): boolean {
  if (spec === before) {
    return true;
  }
  const names = new Set([...Object.keys(spec), ...Object.keys(before)]) as Set<keyof PodSpec>;
  names.delete('nodeName');
  return names.values().every((name) => spec[name] === before[name]);
}

/** Text that is equal for pods that no plugin of the default set can tell apart. */
function signatureOf({ metadata }: Pod, spec: PodSpec): string {
  const owner = metadata.ownerReferences?.find(({ controller }) => controller === true);
  return JSON.stringify([
    metadata.namespace,
    metadata.labels,
    owner?.kind,
    owner?.name,
    spec.containers.map(containerSignature),
    spec.initContainers?.map(containerSignature),
    spec.overhead,
    spec.resources,
    spec.hostNetwork,
    spec.nodeSelector,
    spec.affinity,
    spec.tolerations,
    spec.topologySpreadConstraints,
    spec.priority,
    spec.resourceClaims,
    spec.volumes?.map(
      ({ persistentVolumeClaim, ephemeral, gcePersistentDisk, awsElasticBlockStore, iscsi, rbd }) => [
        persistentVolumeClaim,
        ephemeral === undefined ? undefined : metadata.name,
        gcePersistentDisk,
        awsElasticBlockStore,
        iscsi,
        rbd,
      ],
    ),
    spec.schedulingGates?.length,
  ]);
}

function containerSignature({ image, resources, ports, restartPolicy }: Container): unknown {
  return [image, resources, ports?.filter(({ hostPort = 0 }) => hostPort !== 0), restartPolicy];
}
