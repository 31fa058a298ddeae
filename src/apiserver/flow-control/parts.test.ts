import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FlowSchema, PolicyRulesWithSubjects, Subject } from '#api/types/flowcontrol.v1.ts';
import type { UserInfo } from '../authn/user.ts';
import { parseRequestInfo, type RequestInfo } from '../request-info.ts';
import { MANDATORY_LEVELS, SUGGESTED_LEVELS, SUGGESTED_SCHEMAS } from './bootstrap-config.ts';
import { allocateSeats, isUsable, limitsOf, sharesOf } from './level-limits.ts';
import { distinguisherOf, matchesSchema } from './match-request.ts';
import { RetryAfter } from './retry-after.ts';
import { SeatDemand } from './seat-demand.ts';
import { shareSeats } from './share-seats.ts';
import { dealHand, entropyBits, hashOf, ShuffleShard } from './shuffle-shard.ts';
import { WatchCounts } from './watch-counts.ts';
import { estimateWork, seatsPerRequest } from './work-estimate.ts';

function aRequest(method: string, url: string): { info: RequestInfo; query: URLSearchParams } {
  const [path = '', search = ''] = url.split('?');
  const query = new URLSearchParams(search);
  return { info: parseRequestInfo(method, path, query), query };
}

const ALICE: UserInfo = { name: 'alice', groups: ['devs', 'system:authenticated'], extra: {} };

test('shuffle shard: a hand holds different queues of the deck, and always the same', () => {
  for (let index = 0; index < 200; index++) {
    const hand = dealHand(hashOf(`flow-${index}`), 64, 6);
    assert.equal(new Set(hand).size, 6);
    assert.ok(hand.every((card) => card >= 0 && card < 64));
  }
  const shard = new ShuffleShard(128, 6);
  assert.deepEqual(shard.handOf('s', 'alice'), new ShuffleShard(128, 6).handOf('s', 'alice'));
  assert.notDeepEqual(shard.handOf('s', 'alice'), shard.handOf('s', 'bob'));
});

test('shuffle shard: every card is dealt in the order the hash says', () => {
  // 0: always the first of what is left; 5 + 6 * 4: the last of six, then the last of five.
  assert.deepEqual(dealHand(0n, 6, 3), [0, 1, 2]);
  assert.deepEqual(dealHand(5n + 6n * 4n, 6, 2), [5, 4]);
  assert.deepEqual(dealHand(2n + 6n * 2n, 6, 2), [2, 3]);
  assert.equal(entropyBits(128, 6), 42);
});

const MATCHES: readonly [
  what: string,
  rule: Partial<PolicyRulesWithSubjects>,
  request: string,
  matches: boolean,
][] = [
  ['any resource', resource({}), 'GET /api/v1/namespaces/a/pods', true],
  ['another verb', resource({ verbs: ['list'] }), 'GET /api/v1/namespaces/a/pods/p', false],
  ['another group', resource({ apiGroups: ['apps'] }), 'GET /api/v1/namespaces/a/pods/p', false],
  ['the core group', resource({ apiGroups: [''] }), 'GET /api/v1/namespaces/a/pods/p', true],
  [
    'a subresource is not its resource',
    resource({ resources: ['pods'] }),
    'PUT /api/v1/namespaces/a/pods/p/status',
    false,
  ],
  ['a subresource', resource({ resources: ['pods/status'] }), 'PUT /api/v1/namespaces/a/pods/p/status', true],
  ['one namespace', resource({ namespaces: ['a'] }), 'GET /api/v1/namespaces/b/pods', false],
  ['all namespaces are the cluster', resource({ clusterScope: false }), 'GET /api/v1/pods', false],
  [
    'a star beside others is a name',
    resource({ verbs: ['*', 'list'] }),
    'GET /api/v1/namespaces/a/pods/p',
    false,
  ],
  ['a path', paths('/healthz'), 'GET /healthz', true],
  ['what is below a path', paths('/healthz'), 'GET /healthz/etcd', true],
  ['what only begins alike', paths('/healthz'), 'GET /healthzz', false],
  ['a path with a star', paths('/apis/*'), 'GET /apis/apps', true],
  ['a path rule is not for resources', paths('*'), 'GET /api/v1/pods', false],
];

test('flow schema: rules match requests as upstream has them', () => {
  for (const [what, rule, request, matches] of MATCHES) {
    const [method = '', url = ''] = request.split(' ');
    const schema = aSchema({ subjects: [{ kind: 'User', user: { name: 'alice' } }], ...rule });
    assert.equal(matchesSchema(schema, ALICE, aRequest(method, url).info), matches, what);
  }
});

const SUBJECTS: readonly [subject: Subject, name: string, matches: boolean][] = [
  [{ kind: 'User', user: { name: '*' } }, 'alice', true],
  [{ kind: 'User', user: { name: 'bob' } }, 'alice', false],
  [{ kind: 'Group', group: { name: 'devs' } }, 'alice', true],
  [{ kind: 'Group', group: { name: '*' } }, 'alice', true],
  [{ kind: 'Group', group: { name: 'ops' } }, 'alice', false],
  [account('kube-system', '*'), 'system:serviceaccount:kube-system:x', true],
  [account('kube-system', 'x'), 'system:serviceaccount:kube-system:x', true],
  [account('kube-system', 'x'), 'system:serviceaccount:kube-system:y', false],
  [account('kube', '*'), 'system:serviceaccount:kube-system:x', false],
  [{ kind: 'Else' }, 'alice', false],
];

test('flow schema: subjects are users, groups and service accounts', () => {
  for (const [subject, name, matches] of SUBJECTS) {
    const schema = aSchema({ subjects: [subject], ...resource({}) });
    const { info } = aRequest('GET', '/api/v1/pods');
    assert.equal(matchesSchema(schema, { ...ALICE, name }, info), matches, JSON.stringify(subject));
  }
  const { info } = aRequest('GET', '/api/v1/namespaces/a/pods');
  const by = (type: string): string =>
    distinguisherOf(aSchema({}, { distinguisherMethod: { type } }), ALICE, info);
  assert.deepEqual([by('ByUser'), by('ByNamespace')], ['alice', 'a']);
  assert.equal(distinguisherOf(aSchema({}), ALICE, info), '');
});

test('level limits: 600 seats go to the default levels as upstream documents it', () => {
  const all = [...SUGGESTED_LEVELS, ...MANDATORY_LEVELS];
  const shareSum = all.reduce((sum, level) => sum + sharesOf(level), 0);
  assert.equal(shareSum, 245);
  const limits = Object.fromEntries(
    all.map((level) => [level.metadata.name, Object.values(limitsOf(level, { serverSeats: 600, shareSum }))]),
  );
  assert.deepEqual(limits, {
    system: [74, 50, 674],
    'node-high': [98, 73, 698],
    'leader-election': [25, 25, 625],
    'workload-high': [98, 49, 698],
    'workload-low': [245, 24, 845],
    'global-default': [49, 24, 649],
    'catch-all': [13, 13, 613],
    exempt: [0, 0, 600],
  });
  assert.ok(all.every(isUsable));
  assert.deepEqual(
    SUGGESTED_SCHEMAS.filter(
      ({ spec }) => !all.some(({ metadata }) => metadata.name === spec.priorityLevelConfiguration.name),
    ),
    [],
  );
});

const DEMAND_OF = (
  seats: number,
): { highWatermark: number; average: number; deviation: number; smoothed: number } => ({
  highWatermark: seats,
  average: seats,
  deviation: 0,
  smoothed: seats,
});

test('level limits: idle levels lend what they may, and who needs more gets it', () => {
  const level = (needs: number, isExempt = false): Parameters<typeof allocateSeats>[0][number] => ({
    isExempt,
    limits: isExempt ? { nominal: 0, lower: 0, upper: 600 } : { nominal: 100, lower: 50, upper: 400 },
    demand: DEMAND_OF(needs),
    current: 75,
  });
  assert.deepEqual(allocateSeats([level(0), level(0)], 200).seats, [100, 100], 'nobody needs anything');
  assert.deepEqual(allocateSeats([level(0), level(300)], 200).seats, [50, 150], 'one is flooded');
  assert.deepEqual(
    allocateSeats([level(90), level(300)], 200).seats,
    [90, 110],
    'what a level uses of its own stays',
  );
  assert.deepEqual(
    allocateSeats([level(0), level(300), level(110, true)], 200).seats,
    [50, 50, 110],
    'exempt requests go first',
  );
  assert.deepEqual(
    allocateSeats([level(90), level(90), level(60, true)], 200).seats,
    [70, 70, 60],
    'then each gives up the same part',
  );
});

test('seat shares: the same part of each target, within bounds', () => {
  const sharers = [
    { lower: 0, upper: 10, target: 5 },
    { lower: 4, upper: 10, target: 4 },
  ];
  assert.deepEqual(shareSeats(9, sharers), { seats: [5, 4], fairFraction: 1 });
  assert.deepEqual(shareSeats(6, sharers)?.seats, [2, 4]);
  assert.deepEqual(shareSeats(18, sharers)?.seats, [10, 8]);
  assert.deepEqual(shareSeats(20, sharers)?.seats, [10, 10]);
  assert.deepEqual(shareSeats(0, [{ lower: 0, upper: 1, target: 0 }])?.seats, [0]);
  assert.equal(shareSeats(3, sharers), undefined);
  assert.equal(shareSeats(21, sharers), undefined);
});

test('seat demand: rises at once and is forgotten slowly', () => {
  const demand = new SeatDemand(0);
  demand.set(10, 0);
  demand.set(0, 5_000);
  const first = demand.next(10_000);
  assert.deepEqual([first.highWatermark, first.average, first.deviation], [10, 5, 5]);
  assert.equal(first.smoothed, 10);
  const second = demand.next(20_000);
  assert.deepEqual([second.highWatermark, second.average], [0, 0]);
  assert.ok(Math.abs(second.smoothed - 9.77) < 1e-9);
});

test('retry after: doubles while refusals keep coming and shrinks when they stop', () => {
  const retryAfter = new RetryAfter();
  const refusals = (second: number, count: number): number => {
    let told = 0;
    for (let each = 0; each < count; each++) {
      told = retryAfter.refuse(second * 1000);
    }
    return told;
  };
  assert.deepEqual(
    [
      refusals(100, 5),
      refusals(101, 5),
      refusals(102, 1),
      refusals(103, 20),
      refusals(104, 1),
      refusals(120, 1),
    ],
    [1, 2, 2, 4, 4, 3],
  );
});

const STATS = { count: 1000, averageBytes: 1000 };
const ESTIMATES: readonly [request: string, watchers: number, seatsMax: number, seats: string][] = [
  ['GET /api/v1/pods', 0, 100, '10'],
  ['GET /api/v1/pods', 0, 5, '5'],
  ['GET /api/v1/pods?limit=100', 0, 100, '1'],
  ['GET /api/v1/pods?limit=200&labelSelector=a', 0, 100, '5'],
  ['GET /api/v1/pods?limit=500&resourceVersion=0', 0, 100, '5'],
  ['GET /api/v1/pods?watch=1', 0, 100, '10'],
  ['GET /api/v1/pods?watch=1&resourceVersion=5', 0, 100, '1'],
  ['GET /api/v1/pods?watch=1&resourceVersion=5&sendInitialEvents=true', 0, 100, '10'],
  ['GET /api/v1/namespaces/a/pods/p', 0, 100, '1'],
  ['POST /api/v1/namespaces/a/pods', 9, 100, '1'],
  ['POST /api/v1/namespaces/a/pods', 25, 100, '1+3 for 5 ms'],
  ['POST /api/v1/namespaces/a/pods', 400, 100, '1+10 for 20 ms'],
  ['POST /api/v1/namespaces/a/serviceaccounts/s/token', 400, 100, '1'],
  ['DELETE /api/v1/namespaces/a/pods', 400, 100, '1'],
];

test('work estimate: lists are as wide as what they touch, writes as whom they wake', () => {
  for (const [request, watchers, seatsMax, expected] of ESTIMATES) {
    const [method = '', url = ''] = request.split(' ');
    const { info, query } = aRequest(method, url);
    const work = estimateWork(info, query, seatsMax, { stats: () => STATS, watchersOf: () => watchers });
    const lingering = work.finalSeats === 0 ? '' : `+${work.finalSeats} for ${work.lingerMs} ms`;
    assert.equal(`${work.seats}${lingering}`, expected, request);
  }
  assert.deepEqual([seatsPerRequest(245, 6), seatsPerRequest(49, 6), seatsPerRequest(3, 6)], [37, 8, 1]);
});

test('watch counts: a write wakes watches of all, of its namespace and of its object', () => {
  const counts = new WatchCounts();
  const watch = (url: string): (() => void) => {
    const { info, query } = aRequest('GET', url);
    return counts.add(info, query);
  };
  watch('/api/v1/pods?watch=1');
  watch('/api/v1/namespaces/a/pods?watch=1');
  watch('/api/v1/namespaces/b/pods?watch=1');
  watch('/api/v1/pods?watch=1&fieldSelector=spec.nodeName%3Dn1');
  watch('/api/v1/pods?watch=1&fieldSelector=spec.nodeName%3D');
  const end = watch('/api/v1/namespaces/a/pods/p?watch=1');
  const woken = (url: string): number => counts.interestedIn(aRequest('PUT', url).info);
  assert.deepEqual([woken('/api/v1/namespaces/a/pods/p'), woken('/api/v1/namespaces/a/pods/q')], [4, 3]);
  end();
  end();
  assert.equal(woken('/api/v1/namespaces/a/pods/p'), 3);
});

function resource(rule: object): Partial<PolicyRulesWithSubjects> {
  const all = { verbs: ['*'], apiGroups: ['*'], resources: ['*'], namespaces: ['*'], clusterScope: true };
  return { resourceRules: [{ ...all, ...rule }] };
}

function paths(...nonResourceURLs: readonly string[]): Partial<PolicyRulesWithSubjects> {
  return { nonResourceRules: [{ verbs: ['get'], nonResourceURLs }] };
}

function account(namespace: string, name: string): Subject {
  return { kind: 'ServiceAccount', serviceAccount: { namespace, name } };
}

function aSchema(rule: Partial<PolicyRulesWithSubjects>, spec: Partial<FlowSchema['spec']> = {}): FlowSchema {
  return {
    apiVersion: 'flowcontrol.apiserver.k8s.io/v1',
    kind: 'FlowSchema',
    metadata: { name: 's', uid: 'u', resourceVersion: '1', creationTimestamp: '' },
    spec: {
      priorityLevelConfiguration: { name: 'l' },
      matchingPrecedence: 1,
      rules: [{ subjects: [], ...rule }],
      ...spec,
    },
    status: {},
  };
}
