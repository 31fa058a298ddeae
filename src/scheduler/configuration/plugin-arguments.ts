import type { TopologySpreadConstraint } from '#api/types/core.v1.ts';
import type {
  ShapePoint,
  ScoringStrategy,
  WeightedResource,
} from '../plugins/node-resources-fit/scoring-strategy.ts';
import type { ProfileOptions } from '../profile.ts';
import type { ValueReader } from './value-reader.ts';

/** Reads the arguments of one plugin into the options of its profile. */
type ArgumentReader = (reader: ValueReader, args: unknown, path: string) => ProfileOptions;

const ENVELOPE = ['apiVersion', 'kind'];
const PERCENT = { min: 0, max: 100 };

/** By plugin; others take no arguments. */
export const ARGUMENT_READERS: Readonly<Record<string, ArgumentReader>> = {
  NodeResourcesFit(reader, args, path) {
    const known = ['scoringStrategy', 'ignoredResources', 'ignoredResourceGroups'];
    const fields = reader.object(args, path, [...ENVELOPE, ...known]);
    const texts = (name: string): readonly string[] =>
      reader.list(fields[name], `${path}.${name}`, (item, itemPath) => reader.text(item, itemPath));
    const ignored = { names: texts('ignoredResources'), groups: texts('ignoredResourceGroups') };
    const strategy = fields['scoringStrategy'];
    return {
      ...(ignored.names.length + ignored.groups.length === 0 ? {} : { ignoredResources: ignored }),
      ...(strategy === undefined
        ? {}
        : { scoringStrategy: readStrategy(reader, strategy, `${path}.scoringStrategy`) }),
    };
  },
  NodeResourcesBalancedAllocation(reader, args, path) {
    const { resources } = reader.object(args, path, [...ENVELOPE, 'resources']);
    return resources === undefined
      ? {}
      : { balancedResources: readResources(reader, resources, `${path}.resources`) };
  },
  PodTopologySpread(reader, args, path) {
    const fields = reader.object(args, path, [...ENVELOPE, 'defaultConstraints', 'defaultingType']);
    if (fields['defaultingType'] !== 'List') {
      return {};
    }
    const at = `${path}.defaultConstraints`;
    return {
      defaultConstraints: reader.list(fields['defaultConstraints'], at, (item, itemPath) =>
        readConstraint(reader, item, itemPath),
      ),
    };
  },
  InterPodAffinity(reader, args, path) {
    const known = ['hardPodAffinityWeight', 'ignorePreferredTermsOfExistingPods'];
    const fields = reader.object(args, path, [...ENVELOPE, ...known]);
    const weight = reader.integer(fields['hardPodAffinityWeight'], `${path}.hardPodAffinityWeight`, PERCENT);
    return {
      interPodAffinity: {
        ...(weight === undefined ? {} : { hardPodAffinityWeight: weight }),
        ignorePreferredTermsOfExistingPods: fields['ignorePreferredTermsOfExistingPods'] === true,
      },
    };
  },
  DefaultPreemption(reader, args, path) {
    const known = ['minCandidateNodesPercentage', 'minCandidateNodesAbsolute'];
    const fields = reader.object(args, path, [...ENVELOPE, ...known]);
    const share = reader.integer(
      fields['minCandidateNodesPercentage'],
      `${path}.minCandidateNodesPercentage`,
      PERCENT,
    );
    const count = reader.integer(fields['minCandidateNodesAbsolute'], `${path}.minCandidateNodesAbsolute`, {
      min: 0,
    });
    return {
      preemption: {
        ...(share === undefined ? {} : { candidateNodesPercentageMin: share }),
        ...(count === undefined ? {} : { candidateNodesAbsoluteMin: count }),
      },
    };
  },
};

function readStrategy(reader: ValueReader, value: unknown, path: string): ScoringStrategy {
  const fields = reader.object(value, path, ['type', 'resources', 'requestedToCapacityRatio']);
  const resources = readResources(reader, fields['resources'], `${path}.resources`);
  const type = fields['type'] ?? 'LeastAllocated';
  if (type === 'LeastAllocated' || type === 'MostAllocated') {
    return { type, resources };
  }
  const at = `${path}.requestedToCapacityRatio`;
  if (type !== 'RequestedToCapacityRatio') {
    reader.report(`${path}.type`, 'must be LeastAllocated, MostAllocated or RequestedToCapacityRatio');
    return { type: 'LeastAllocated', resources };
  }
  const { shape } = reader.object(fields['requestedToCapacityRatio'], at, ['shape']);
  const points = reader.list(shape, `${at}.shape`, (item, itemPath): ShapePoint => {
    const point = reader.object(item, itemPath, ['utilization', 'score']);
    return {
      utilization: reader.integer(point['utilization'], `${itemPath}.utilization`, PERCENT) ?? 0,
      score: reader.integer(point['score'], `${itemPath}.score`, { min: 0, max: 10 }) ?? 0,
    };
  });
  if (points.length === 0) {
    reader.report(`${at}.shape`, 'must have at least one point');
  }
  return { type, resources, shape: points };
}

function readResources(reader: ValueReader, value: unknown, path: string): readonly WeightedResource[] {
  const resources = reader.list(value, path, (item, itemPath): WeightedResource => {
    const { name, weight } = reader.object(item, itemPath, ['name', 'weight']);
    return {
      name: reader.text(name, `${itemPath}.name`),
      weight: reader.integer(weight, `${itemPath}.weight`, { min: 1, max: 100 }) ?? 1,
    };
  });
  return resources.length > 0
    ? resources
    : [
        { name: 'cpu', weight: 1 },
        { name: 'memory', weight: 1 },
      ];
}

function readConstraint(reader: ValueReader, value: unknown, path: string): TopologySpreadConstraint {
  const fields = reader.object(value, path, ['maxSkew', 'topologyKey', 'whenUnsatisfiable']);
  const whenUnsatisfiable = fields['whenUnsatisfiable'];
  if (whenUnsatisfiable !== 'DoNotSchedule' && whenUnsatisfiable !== 'ScheduleAnyway') {
    reader.report(`${path}.whenUnsatisfiable`, 'must be DoNotSchedule or ScheduleAnyway');
  }
  return {
    maxSkew: reader.integer(fields['maxSkew'], `${path}.maxSkew`, { min: 1 }) ?? 1,
    topologyKey: reader.text(fields['topologyKey'], `${path}.topologyKey`),
    whenUnsatisfiable: whenUnsatisfiable === 'DoNotSchedule' ? 'DoNotSchedule' : 'ScheduleAnyway',
  };
}
