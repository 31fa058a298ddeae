import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FlowSchema, PriorityLevelConfiguration } from '#api/types/flowcontrol.v1.ts';
import { FLOW_SCHEMA, PRIORITY_LEVEL_CONFIGURATION } from '#api/types/resources.ts';
import { MetricsRegistry } from '#base/metrics.ts';
import { VirtualClock } from '#base/virtual-clock.ts';
import type { UserInfo } from '../authn/user.ts';
import { ObjectsInMemory } from '../object-reader.fixture.ts';
import { parseRequestInfo } from '../request-info.ts';
import {
  MANDATORY_LEVELS,
  MANDATORY_SCHEMAS,
  SUGGESTED_LEVELS,
  SUGGESTED_SCHEMAS,
} from './bootstrap-config.ts';
import { FlowController } from './flow-controller.ts';
import { MaxInFlight } from './max-in-flight.ts';
import type { ClientPresence, Passage } from './request-limiter.ts';

const ADMIN = aUser('admin', 'system:masters');
const STAYING: ClientPresence = { onGone: () => () => undefined };
const GET_POD = 'GET /api/v1/namespaces/a/pods/p';

function aUser(name: string, ...groups: readonly string[]): UserInfo {
  return { name, groups: [...groups, 'system:authenticated'], extra: {} };
}

interface World {
  readonly clock: VirtualClock;
  readonly reader: ObjectsInMemory;
  readonly metrics: MetricsRegistry;
  readonly controller: FlowController;
  /** Lets the event loop turn once. */
  turn(): void;
  ask(user: UserInfo, request?: string, client?: ClientPresence): Passage | Promise<Passage>;
  /** As `ask`, of a request that has to be answered at once. */
  askNow(user: UserInfo, request?: string): Passage;
}

function aWorld(serverSeats = 600): World {
  const clock = new VirtualClock();
  const reader = new ObjectsInMemory();
  const metrics = new MetricsRegistry();
  reader.put(
    ...[...MANDATORY_LEVELS, ...SUGGESTED_LEVELS, ...MANDATORY_SCHEMAS, ...SUGGESTED_SCHEMAS].map(stored),
  );
  const due: (() => void)[] = [];
  const controller = new FlowController(
    { reader, clock, metrics, stats: () => undefined, onNextTurn: (callback) => due.push(callback) },
    { serverSeats, queueWaitMs: 15_000, turnMs: 0 },
  );
  const ask: World['ask'] = (user, request = GET_POD, client = STAYING) => {
    const [method = '', url = ''] = request.split(' ');
    const [path = '', search = ''] = url.split('?');
    const query = new URLSearchParams(search);
    return controller.admit({ info: parseRequestInfo(method, path, query), user, query }, client);
  };
  return {
    clock,
    reader,
    metrics,
    controller,
    ask,
    turn: () => due.splice(0).forEach((callback) => callback()),
    askNow(user, request) {
      const answer = ask(user, request);
      assert.ok(!(answer instanceof Promise), 'the request has to wait');
      return answer;
    },
  };
}

function stored<T extends FlowSchema | PriorityLevelConfiguration>(object: T): T {
  return { ...object, metadata: { ...object.metadata, uid: `${object.kind}/${object.metadata.name}` } };
}

function aLevel(name: string, limited: object): PriorityLevelConfiguration {
  return stored({
    ...(SUGGESTED_LEVELS[0] as PriorityLevelConfiguration),
    metadata: { name, uid: '', resourceVersion: '1', creationTimestamp: '' },
    spec: {
      type: 'Limited',
      limited: {
        nominalConcurrencyShares: 1,
        borrowingLimitPercent: 0,
        limitResponse: { type: 'Reject' },
        ...limited,
      },
    },
  });
}

function aSchema(name: string, level: string, subject: string): FlowSchema {
  const [all] = MANDATORY_SCHEMAS[0]?.spec.rules ?? [];
  assert.ok(all !== undefined);
  return stored({
    ...(MANDATORY_SCHEMAS[0] as FlowSchema),
    metadata: { name, uid: '', resourceVersion: '1', creationTimestamp: '' },
    spec: {
      priorityLevelConfiguration: { name: level },
      matchingPrecedence: 50,
      distinguisherMethod: { type: 'ByUser' },
      rules: [{ ...all, subjects: [{ kind: 'User', user: { name: subject } }] }],
    },
  });
}

const CLASSES: readonly [user: UserInfo, request: string, schema: string, level: string][] = [
  [ADMIN, GET_POD, 'exempt', 'exempt'],
  [aUser('eve'), 'GET /readyz', 'probes', 'exempt'],
  [aUser('eve'), 'GET /livez/etcd', 'probes', 'exempt'],
  [aUser('eve'), GET_POD, 'global-default', 'global-default'],
  [aUser('system:kube-scheduler'), GET_POD, 'kube-scheduler', 'workload-high'],
  [
    aUser('system:kube-scheduler'),
    'PUT /apis/coordination.k8s.io/v1/namespaces/kube-system/leases/l',
    'system-leader-election',
    'leader-election',
  ],
  [aUser('system:node:n', 'system:nodes'), 'PATCH /api/v1/nodes/n/status', 'system-node-high', 'node-high'],
  [aUser('system:node:n', 'system:nodes'), GET_POD, 'system-nodes', 'system'],
  [
    aUser('system:serviceaccount:kube-system:x', 'system:serviceaccounts'),
    GET_POD,
    'kube-system-service-accounts',
    'workload-high',
  ],
  [aUser('system:serviceaccount:a:x', 'system:serviceaccounts'), GET_POD, 'service-accounts', 'workload-low'],
  [{ name: 'nobody', groups: [], extra: {} }, GET_POD, 'catch-all', 'catch-all'],
];

test('flow control: requests are sorted as the default objects say', () => {
  const world = aWorld();
  for (const [user, request, schema, level] of CLASSES) {
    const passage = world.askNow(user, request);
    assert.deepEqual(passage.headers, {
      'x-kubernetes-pf-flowschema-uid': `FlowSchema/${schema}`,
      'x-kubernetes-pf-prioritylevel-uid': `PriorityLevelConfiguration/${level}`,
    });
    passage.leave();
    world.turn();
  }
  assert.equal(
    world.askNow(aUser('eve'), 'GET /api/v1/namespaces/a/pods/p/log').headers[
      'x-kubernetes-pf-flowschema-uid'
    ],
    undefined,
  );
});

test('flow control: without stored objects the mandatory ones are imagined', () => {
  const world = aWorld();
  for (const { metadata } of [...SUGGESTED_SCHEMAS, ...MANDATORY_SCHEMAS]) {
    world.reader.remove(FLOW_SCHEMA, '', metadata.name);
  }
  for (const { metadata } of [...SUGGESTED_LEVELS, ...MANDATORY_LEVELS]) {
    world.reader.remove(PRIORITY_LEVEL_CONFIGURATION, '', metadata.name);
  }
  world.askNow(ADMIN);
  assert.equal(world.askNow(aUser('eve')).isRejected, false);
  const rendered = world.metrics.render();
  assert.match(rendered, /dispatched_requests_total\{priority_level="exempt",flow_schema="exempt"\} 1/);
  assert.match(rendered, /dispatched_requests_total\{priority_level="catch-all",flow_schema="catch-all"\} 1/);
  assert.match(rendered, /nominal_limit_seats\{priority_level="catch-all"\} 600/);
});

test('flow control: a level without queues refuses what it has no seats for', () => {
  const world = aWorld(2);
  world.reader.put(aLevel('narrow', { nominalConcurrencyShares: 1000 }), aSchema('narrow', 'narrow', 'eve'));
  const eve = aUser('eve');
  const first = world.askNow(eve);
  world.askNow(eve);
  const refused = world.askNow(eve);
  assert.deepEqual([refused.isRejected, refused.retryAfterSeconds], [true, 1]);
  assert.equal(refused.headers['x-kubernetes-pf-prioritylevel-uid'], 'PriorityLevelConfiguration/narrow');
  first.leave();
  first.leave();
  assert.equal(world.askNow(eve).isRejected, false);
  assert.equal(world.askNow(eve).isRejected, true, 'leaving twice gives one seat back');
  assert.match(
    world.metrics.render(),
    /rejected_requests_total\{priority_level="narrow",flow_schema="narrow",reason="concurrency-limit"\} 2/,
  );
});

/** One seat, one queue, two places in it. */
function aNarrowWorld(): World {
  const world = aWorld(1);
  const queuing = { queues: 1, handSize: 1, queueLengthLimit: 2 };
  const limitResponse = { type: 'Queue', queuing };
  world.reader.put(
    aLevel('narrow', { nominalConcurrencyShares: 1000, limitResponse }),
    aSchema('narrow', 'narrow', 'eve'),
  );
  return world;
}

test('flow control: requests wait for seats in order, as many as the queue is long', async () => {
  const world = aNarrowWorld();
  const eve = aUser('eve');
  const order: string[] = [];
  const first = world.askNow(eve);
  const waiting = ['second', 'third'].map(async (name) => {
    const passage = await world.ask(eve);
    order.push(name);
    passage.leave();
  });
  assert.equal(world.askNow(eve).isRejected, true);
  assert.match(world.metrics.render(), /flow_schema="narrow",reason="queue-full"\} 1/);
  assert.deepEqual(order, []);
  first.leave();
  await Promise.all(waiting);
  assert.deepEqual(order, ['second', 'third']);
  assert.match(
    world.metrics.render(),
    /current_inqueue_requests\{priority_level="narrow",flow_schema="narrow"\} 0/,
  );
});

test('flow control: a level without shares lets its requests wait in vain', async () => {
  const world = aWorld(10);
  const queuing = { queues: 1, handSize: 1, queueLengthLimit: 2 };
  const limitResponse = { type: 'Queue', queuing };
  world.reader.put(
    aLevel('jail', { nominalConcurrencyShares: 0, limitResponse }),
    aSchema('jail', 'jail', 'eve'),
  );
  const jailed = world.ask(aUser('eve'));
  await world.clock.advance(15_000);
  assert.equal((await jailed).isRejected, true);
});

test('flow control: who waits too long, or leaves, is taken out of the queue', async () => {
  const world = aNarrowWorld();
  const eve = aUser('eve');
  world.askNow(eve);
  const slow = world.ask(eve);
  await world.clock.advance(15_000);
  assert.equal((await slow).isRejected, true);
  const hasty = world.ask(eve, `${GET_POD}?timeout=8s`);
  await world.clock.advance(2_000);
  assert.equal((await hasty).isRejected, true);
  let leave: (() => void) | undefined;
  const left = world.ask(eve, GET_POD, { onGone: (callback) => ((leave = callback), () => undefined) });
  leave?.();
  assert.equal((await left).isRejected, true);
  assert.match(world.metrics.render(), /flow_schema="narrow",reason="time-out"\} 3/);
  assert.match(
    world.metrics.render(),
    /current_inqueue_seats\{priority_level="narrow",flow_schema="narrow"\} 0/,
  );
});

test('flow control: changes hold from the next request on, and a deleted level drains', () => {
  const world = aWorld();
  const eve = aUser('eve');
  world.reader.put(aLevel('own', {}), aSchema('own', 'own', 'eve'));
  const passage = world.askNow(eve);
  assert.equal(passage.headers['x-kubernetes-pf-prioritylevel-uid'], 'PriorityLevelConfiguration/own');
  assert.equal(world.controller.isDangling(aSchema('own', 'own', 'eve')), false);
  world.reader.remove(PRIORITY_LEVEL_CONFIGURATION, '', 'own');
  assert.equal(world.controller.isDangling(aSchema('own', 'own', 'eve')), true);
  assert.equal(world.askNow(eve).headers['x-kubernetes-pf-flowschema-uid'], 'FlowSchema/global-default');
  passage.leave();
  world.reader.put(aLevel('broken', { limitResponse: { type: 'Queue' } }), aSchema('own', 'broken', 'eve'));
  assert.equal(world.askNow(eve).headers['x-kubernetes-pf-flowschema-uid'], 'FlowSchema/global-default');
});

test('flow control: a busy level borrows what idle ones lend', async () => {
  const world = aWorld();
  const before = /current_limit_seats\{priority_level="global-default"\} (\d+)/;
  const limit = (): number => Number(before.exec(world.metrics.render())?.[1]);
  const idle = limit();
  const flood = Array.from({ length: 300 }, () => world.ask(aUser('eve')));
  for (let turn = 0; turn < 100; turn++) {
    world.turn();
  }
  await world.clock.advance(10_000);
  assert.ok(limit() > idle && limit() >= 200, `${idle} seats, then ${limit()}`);
  world.controller.close();
  assert.equal(flood.length, 300);
});

test('flow control: a watch is a request of its level until it has begun, and wakes cost lasting seats', async () => {
  const world = aWorld();
  const eve = aUser('eve');
  for (let watch = 0; watch < 20; watch++) {
    const passage = world.askNow(eve, 'GET /api/v1/pods?watch=1&resourceVersion=5');
    const query = new URLSearchParams();
    world.controller.watching({ ...parseRequestInfo('GET', '/api/v1/pods', query), verb: 'watch' }, query);
    passage.leave();
    world.turn();
  }
  world.askNow(eve, 'POST /api/v1/namespaces/a/pods').leave();
  const seats =
    /current_executing_seats\{priority_level="global-default",flow_schema="global-default"\} (\d+)/;
  assert.equal(seats.exec(world.metrics.render())?.[1], '2');
  await world.clock.advance(5);
  assert.equal(seats.exec(world.metrics.render())?.[1], '0');
});

/** What one request takes of the event loop, which does one thing at a time. */
const WORK_MS = 1;
/** What a turn of the loop takes by itself. */
const TURN_MS = 0.01;

/**
 * The waits of a user who asks once every 20 ms, in ms. A flood keeps `flooding` requests of another user open; those
 * that are turned away come back when they were told to.
 */
async function waitsUnder(
  flooding: number,
): Promise<{ readonly waitsMs: number[]; readonly queuedMax: number }> {
  const clock = new VirtualClock();
  const reader = new ObjectsInMemory();
  reader.put(
    ...[...MANDATORY_LEVELS, ...SUGGESTED_LEVELS, ...MANDATORY_SCHEMAS, ...SUGGESTED_SCHEMAS].map(stored),
  );
  const due: (() => void)[] = [];
  let isBusy = false;
  const work: (() => void)[] = [];
  // The loop serves what has started, one after the other, and turns when all of it is done.
  const run = (): void => {
    const next = work.shift();
    isBusy = next !== undefined || due.length > 0;
    if (next !== undefined) {
      clock.schedule(WORK_MS, () => {
        next();
        run();
      });
    } else if (due.length > 0) {
      clock.schedule(TURN_MS, () => {
        due.splice(0).forEach((callback) => callback());
        clock.schedule(TURN_MS, run);
      });
    }
  };
  const metrics = new MetricsRegistry();
  const controller = new FlowController(
    { reader, clock, metrics, stats: () => undefined, onNextTurn: (callback) => due.push(callback) },
    { serverSeats: 600, queueWaitMs: 15_000, turnMs: 0 },
  );
  const serve = async (name: string): Promise<Passage> => {
    const query = new URLSearchParams();
    const info = parseRequestInfo('GET', '/api/v1/namespaces/a/pods/p', query);
    const passage = await controller.admit(
      {
        info,
        query,
        user: aUser(name),
      },
      STAYING,
    );
    if (!passage.isRejected) {
      const { promise, resolve } = Promise.withResolvers<void>();
      work.push(resolve);
      if (!isBusy) {
        isBusy = true;
        clock.schedule(0, run);
      }
      await promise;
      passage.leave();
    }
    return passage;
  };
  const over = new AbortController();
  const flood = Array.from({ length: flooding }, async () => {
    while (!over.signal.aborted) {
      const { isRejected, retryAfterSeconds } = await serve('flood');
      if (isRejected) {
        await clock.sleep(retryAfterSeconds * 1000);
      }
    }
  });
  const waitsMs: number[] = [];
  let queuedMax = 0;
  for (let index = 0; index < 100; index++) {
    await clock.advance(20);
    const startMs = clock.nowMs();
    void serve('polite').then(() => waitsMs.push(clock.nowMs() - startMs));
    queuedMax = Math.max(
      queuedMax,
      Number(/current_inqueue_requests\{[^}]*global-default"\} (\d+)/.exec(metrics.render())?.[1] ?? 0),
    );
  }
  await clock.advance(100);
  over.abort();
  await clock.advance(60_000);
  await Promise.all(flood);
  controller.close();
  return { waitsMs: waitsMs.toSorted((left, right) => left - right), queuedMax };
}

test('flow control: ten times the load of one user delays another by one turn at most', async () => {
  const atCapacity = await waitsUnder(60);
  const flooded = await waitsUnder(600);
  const p99 = ({ waitsMs }: { waitsMs: readonly number[] }): number => waitsMs[98] ?? NaN;
  assert.equal(flooded.waitsMs.length, 100);
  assert.ok(p99(flooded) <= 2 * p99(atCapacity), `${p99(atCapacity)} ms, then ${p99(flooded)} ms`);
  assert.ok(p99(flooded) <= 20, `${p99(flooded)} ms`);
  assert.ok(flooded.queuedMax <= 6 * 60, `${flooded.queuedMax} requests wait`);
});

test('requests in flight: reading and changing are limited apart, and administrators are not', () => {
  const limiter = new MaxInFlight({ reading: 1, mutating: 1 });
  const query = new URLSearchParams();
  const ask = (user: UserInfo, method: string, path = '/api/v1/namespaces/a/pods/p'): Passage =>
    limiter.admit({ info: parseRequestInfo(method, path, query), query, user });
  const eve = aUser('eve');
  const first = ask(eve, 'GET');
  assert.deepEqual([ask(eve, 'GET').isRejected, ask(eve, 'GET').retryAfterSeconds], [true, 1]);
  assert.equal(ask(ADMIN, 'GET').isRejected, false);
  assert.equal(ask(eve, 'PUT').isRejected, false);
  assert.equal(ask(eve, 'GET', '/api/v1/namespaces/a/pods/p/exec').isRejected, false);
  first.leave();
  first.leave();
  assert.equal(ask(eve, 'GET').isRejected, false);
  assert.equal(ask(eve, 'GET').isRejected, true);
});

test('flow control: a crowd that is turned away is not told so all at once', async () => {
  const world = aNarrowWorld();
  const eve = aUser('eve');
  world.askNow(eve);
  const told: number[] = [];
  const startMs = world.clock.monotonicMs();
  const crowd = Array.from({ length: 122 }, async () => {
    const { isRejected } = await world.ask(eve);
    assert.equal(isRejected, true);
    told.push(world.clock.monotonicMs() - startMs);
  });
  await world.clock.advance(499);
  const refused = told.filter((ms) => ms < 499).length;
  assert.deepEqual([told.filter((ms) => ms === 0).length, refused], [20, 119]);
  await world.clock.advance(15_000);
  await Promise.all(crowd);
  world.controller.close();
});
