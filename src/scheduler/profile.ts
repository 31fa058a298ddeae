import type { TopologySpreadConstraint } from '#api/types/core.v1.ts';
import type { PodDisruptionBudget } from '#api/types/policy.v1.ts';
import type { Random } from '#base/random.ts';
import { defaultBinder } from './plugins/default-binder/default-binder.ts';
import { defaultPreemption, type PreemptionLimits } from './plugins/default-preemption/default-preemption.ts';
import { dynamicResources } from './plugins/dynamic-resources/dynamic-resources.ts';
import { imageLocality } from './plugins/image-locality/image-locality.ts';
import {
  interPodAffinity,
  type InterPodAffinityOptions,
} from './plugins/inter-pod-affinity/inter-pod-affinity.ts';
import { nodeAffinity } from './plugins/node-affinity/node-affinity.ts';
import { nodeName } from './plugins/node-name/node-name.ts';
import { nodePorts } from './plugins/node-ports/node-ports.ts';
import { nodeResourcesBalancedAllocation } from './plugins/node-resources-balanced-allocation/node-resources-balanced-allocation.ts';
import { nodeResourcesFit, type IgnoredResources } from './plugins/node-resources-fit/node-resources-fit.ts';
import type { ScoringStrategy, WeightedResource } from './plugins/node-resources-fit/scoring-strategy.ts';
import { nodeUnschedulable } from './plugins/node-unschedulable/node-unschedulable.ts';
import type { OwnSelectors } from './plugins/pod-topology-spread/own-selectors.ts';
import { podTopologySpread } from './plugins/pod-topology-spread/pod-topology-spread.ts';
import { schedulingGates } from './plugins/scheduling-gates/scheduling-gates.ts';
import { taintToleration } from './plugins/taint-toleration/taint-toleration.ts';
import type { Client } from '#client/client.ts';
import type { Nominations } from './framework/nominations.ts';
import type { WeightedPlugin } from './framework/node-selection.ts';
import type { Plugin } from './framework/plugin.ts';

/** Choices of one profile; what is left out is as upstream has it by default. */
export interface ProfileOptions {
  /** Pods ask for a profile by this name. */
  readonly schedulerName?: string;
  readonly scoringStrategy?: ScoringStrategy;
  /** Extended resources that `NodeResourcesFit` does not look at. */
  readonly ignoredResources?: IgnoredResources;
  readonly balancedResources?: readonly WeightedResource[];
  readonly defaultConstraints?: readonly TopologySpreadConstraint[];
  readonly interPodAffinity?: InterPodAffinityOptions;
  readonly preemption?: PreemptionLimits;
  /** Weights of scores by plugin; 0 turns a plugin's score off. Plugins of the user's own count once when left out. */
  readonly weights?: Readonly<Record<string, number>>;
  /** Plugins that are left out. */
  readonly disabled?: readonly string[];
}

/** What the default plugins read besides the cluster state. */
export interface ProfileDeps {
  readonly client: Client;
  readonly random: Random;
  readonly nominations: Nominations;
  readonly ownSelectors: OwnSelectors;
  readonly budgets: () => readonly PodDisruptionBudget[];
  /** The plugins that read claims and volumes. */
  readonly volumePlugins: readonly Plugin[];
  /** The user's, asked after the default ones. */
  readonly ownPlugins?: readonly Plugin[];
  /** Extended resources that extenders look after alone. */
  readonly extenderResources?: readonly string[];
}

export const DEFAULT_SCHEDULER_NAME = 'default-scheduler';

/** Names of the plugins that a configuration may speak of. */
export const DEFAULT_PLUGINS: ReadonlySet<string> = new Set([
  'SchedulingGates',
  'PrioritySort',
  'NodeUnschedulable',
  'NodeName',
  'TaintToleration',
  'NodeAffinity',
  'NodePorts',
  'NodeResourcesFit',
  'VolumeRestrictions',
  'NodeVolumeLimits',
  'VolumeBinding',
  'VolumeZone',
  'PodTopologySpread',
  'InterPodAffinity',
  'DynamicResources',
  'DefaultPreemption',
  'NodeResourcesBalancedAllocation',
  'ImageLocality',
  'DefaultBinder',
]);

/** By plugin that scores, as upstream weighs them. */
export const DEFAULT_WEIGHTS: Readonly<Record<string, number>> = {
  TaintToleration: 3,
  NodeAffinity: 2,
  NodeResourcesFit: 1,
  PodTopologySpread: 2,
  InterPodAffinity: 2,
  NodeResourcesBalancedAllocation: 1,
  ImageLocality: 1,
};

/** The plugins of a profile, in the order in which they are asked. */
export function profilePlugins(deps: ProfileDeps, options: ProfileOptions = {}): readonly WeightedPlugin[] {
  const { ownSelectors, nominations, random, budgets } = deps;
  const plugins: readonly Plugin[] = [
    schedulingGates,
    nodeUnschedulable,
    nodeName,
    taintToleration,
    nodeAffinity,
    nodePorts,
    nodeResourcesFit(options.scoringStrategy, {
      ...options.ignoredResources,
      names: [...(options.ignoredResources?.names ?? []), ...(deps.extenderResources ?? [])],
    }),
    ...deps.volumePlugins,
    podTopologySpread({
      ownSelectors,
      ...(options.defaultConstraints === undefined ? {} : { defaultConstraints: options.defaultConstraints }),
    }),
    interPodAffinity(options.interPodAffinity),
    dynamicResources,
    defaultPreemption({ nominations, random, budgets, ...options.preemption }),
    nodeResourcesBalancedAllocation(options.balancedResources),
    imageLocality,
    defaultBinder(deps.client),
  ];
  const disabled = new Set(options.disabled);
  const weights = { ...DEFAULT_WEIGHTS, ...options.weights };
  const own = deps.ownPlugins ?? [];
  return [
    // A binder of the user's own goes first: the default one leaves no pod to others.
    ...plugins
      .filter((plugin) => plugin.bind === undefined)
      .map((plugin) => ({ plugin, weight: weights[plugin.name] ?? 0 })),
    ...own.map((plugin) => ({ plugin, weight: weights[plugin.name] ?? 1 })),
    ...plugins.filter((plugin) => plugin.bind !== undefined).map((plugin) => ({ plugin, weight: 0 })),
  ].filter(({ plugin }) => !disabled.has(plugin.name));
}

/** As many feasible nodes as upstream searches for before it scores: fewer, relatively, the larger the cluster. */
export function adaptiveNodesToFind(percentage: number): (nodeCount: number) => number {
  return (nodeCount) => {
    if (nodeCount < FEASIBLE_NODES_MIN) {
      return nodeCount;
    }
    const adaptive = Math.max(5, 50 - Math.trunc(nodeCount / 125));
    const share = percentage === 0 ? adaptive : percentage;
    return Math.max(FEASIBLE_NODES_MIN, Math.trunc((nodeCount * share) / 100));
  };
}

const FEASIBLE_NODES_MIN = 100;
