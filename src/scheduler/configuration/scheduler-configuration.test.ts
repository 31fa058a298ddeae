import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readSchedulerConfiguration, SchedulerConfigurationError } from './scheduler-configuration.ts';

const HEADER = { apiVersion: 'kubescheduler.config.k8s.io/v1', kind: 'KubeSchedulerConfiguration' };
const BACKOFF = { backoff: { firstMs: 1000, maxMs: 10_000 } };

function problemsOf(fields: object): readonly string[] {
  try {
    readSchedulerConfiguration(fields);
    return [];
  } catch (error) {
    assert.ok(error instanceof SchedulerConfigurationError);
    return error.problems;
  }
}

test('readSchedulerConfiguration: an empty one is the default', () => {
  assert.deepEqual(readSchedulerConfiguration(HEADER), BACKOFF);
});

test('readSchedulerConfiguration: profiles, weights and arguments are taken over', () => {
  const options = readSchedulerConfiguration({
    ...HEADER,
    parallelism: 16,
    leaderElection: { leaderElect: true },
    percentageOfNodesToScore: 0,
    podInitialBackoffSeconds: 2,
    podMaxBackoffSeconds: 20,
    profiles: [
      {
        schedulerName: 'packing',
        plugins: {
          multiPoint: { disabled: [{ name: 'InterPodAffinity' }] },
          score: {
            disabled: [{ name: 'ImageLocality' }],
            enabled: [{ name: 'NodeResourcesFit', weight: 5 }],
          },
        },
        pluginConfig: [
          {
            name: 'NodeResourcesFit',
            args: { scoringStrategy: { type: 'MostAllocated', resources: [{ name: 'cpu', weight: 3 }] } },
          },
          { name: 'DefaultPreemption', args: { minCandidateNodesAbsolute: 7 } },
        ],
      },
      {
        pluginConfig: [
          {
            name: 'PodTopologySpread',
            args: {
              defaultingType: 'List',
              defaultConstraints: [{ maxSkew: 2, topologyKey: 'zone', whenUnsatisfiable: 'ScheduleAnyway' }],
            },
          },
        ],
      },
    ],
  });
  assert.deepEqual(options, {
    backoff: { firstMs: 2000, maxMs: 20_000 },
    percentageOfNodesToScore: 0,
    profiles: [
      {
        schedulerName: 'packing',
        disabled: ['InterPodAffinity'],
        weights: { ImageLocality: 0, NodeResourcesFit: 5 },
        scoringStrategy: { type: 'MostAllocated', resources: [{ name: 'cpu', weight: 3 }] },
        preemption: { candidateNodesAbsoluteMin: 7 },
      },
      {
        schedulerName: 'default-scheduler',
        disabled: [],
        weights: {},
        defaultConstraints: [{ maxSkew: 2, topologyKey: 'zone', whenUnsatisfiable: 'ScheduleAnyway' }],
      },
    ],
  });
});

test('readSchedulerConfiguration: scores can be turned off all at once, and single ones back on', () => {
  const { profiles } = readSchedulerConfiguration({
    ...HEADER,
    profiles: [{ plugins: { score: { disabled: [{ name: '*' }], enabled: [{ name: 'NodeAffinity' }] } } }],
  });
  const weights = profiles?.[0]?.weights ?? {};
  assert.deepEqual(
    [weights['NodeAffinity'], weights['NodeResourcesFit'], weights['TaintToleration']],
    [1, 0, 0],
  );
});

const refused: readonly { name: string; fields: object; problems: readonly string[] }[] = [
  {
    name: 'another version',
    fields: { apiVersion: 'kubescheduler.config.k8s.io/v1beta3', kind: 'KubeSchedulerConfiguration' },
    problems: ['apiVersion, kind: must be kubescheduler.config.k8s.io/v1, KubeSchedulerConfiguration'],
  },
  { name: 'an unknown field', fields: { ...HEADER, profile: [] }, problems: ['profile: unknown field'] },
  {
    name: 'an unknown plugin',
    fields: { ...HEADER, profiles: [{ plugins: { multiPoint: { enabled: [{ name: 'Magic' }] } } }] },
    problems: ['profiles[0].plugins.multiPoint.enabled[0].name: there is no plugin Magic'],
  },
  {
    name: 'what would be ignored silently',
    fields: {
      ...HEADER,
      profiles: [
        {
          plugins: { filter: { disabled: [{ name: 'NodePorts' }] } },
          pluginConfig: [{ name: 'NodeAffinity', args: { addedAffinity: {} } }],
        },
      ],
    },
    problems: [
      'profiles[0].pluginConfig[0].args: arguments of NodeAffinity are not supported',
      'profiles[0].plugins.filter.disabled: a plugin can be disabled at multiPoint and at score only',
    ],
  },
  {
    name: 'numbers out of range and names used twice',
    fields: { ...HEADER, percentageOfNodesToScore: 101, podMaxBackoffSeconds: 0, profiles: [{}, {}] },
    problems: [
      'profiles: each needs a scheduler name of its own',
      'percentageOfNodesToScore: must be a whole number of at least 0 and at most 100',
      'podMaxBackoffSeconds: must be a whole number of at least 1',
    ],
  },
];

for (const { name, fields, problems } of refused) {
  test(`readSchedulerConfiguration: refuses ${name}`, () => {
    assert.deepEqual(problemsOf(fields), problems);
  });
}

test("readSchedulerConfiguration: a profile has the user's own plugins that it enables", () => {
  const plugins = [{ name: 'Quiet' }, { name: 'Loud' }];
  assert.deepEqual(readSchedulerConfiguration(HEADER, plugins).profiles, [{ disabled: ['Quiet', 'Loud'] }]);
  const { profiles } = readSchedulerConfiguration(
    {
      ...HEADER,
      profiles: [
        { plugins: { multiPoint: { enabled: [{ name: 'Quiet', weight: 4 }] } } },
        { schedulerName: 'two', plugins: { filter: { enabled: [{ name: 'Loud' }] } } },
      ],
    },
    plugins,
  );
  assert.deepEqual(
    profiles?.map(({ disabled, weights }) => ({ disabled, weights })),
    [
      { disabled: ['Loud'], weights: { Quiet: 4, Loud: 0 } },
      { disabled: ['Quiet'], weights: { Quiet: 0, Loud: 0 } },
    ],
  );
});
