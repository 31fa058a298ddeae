import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { SILENT_LOGGER } from '#base/log.ts';
import { VirtualClock } from '#base/virtual-clock.ts';
import { aNode, aPod, TestCluster } from '../cluster.fixture.ts';
import type { SchedulerOptions } from '../scheduler.ts';
import type { ExtenderOptions } from './extender-options.ts';
import { Extenders } from './extenders.ts';
import { httpPosters, type PostedAnswer, type PosterFactory } from './post-json.ts';

interface Asked {
  readonly url: string;
  readonly args: Readonly<Record<string, unknown>>;
}

type Answers = Readonly<Record<string, (args: Asked['args']) => unknown>>;

/** A cluster whose extender answers by verb from memory; a status in place of an answer is sent as it is. */
class ExtendedCluster extends TestCluster {
  readonly asked: Asked[];

  constructor(options: Partial<ExtenderOptions>, answers: Answers, more: SchedulerOptions = {}) {
    const asked: Asked[] = [];
    const posters: PosterFactory = () => ({
      post: async (url, json): Promise<PostedAnswer> => {
        const args = JSON.parse(json) as Asked['args'];
        asked.push({ url, args });
        const answer = answers[url.split('/').at(-1) ?? '']?.(args);
        if (answer instanceof Error) {
          throw answer;
        }
        return typeof answer === 'number'
          ? { status: answer, text: '' }
          : { status: 200, text: JSON.stringify(answer) };
      },
      close: () => undefined,
    });
    const verbs = Object.fromEntries(Object.keys(answers).map((verb) => [`${verb}Verb`, verb]));
    const extender = { urlPrefix: 'http://extender/v1/', nodeCacheCapable: true, ...verbs, ...options };
    super({ ...more, extenders: [extender] }, posters);
    this.asked = asked;
  }
}

test('extender: a filter leaves some of the nodes, asked by name', async () => {
  await using cluster = new ExtendedCluster(
    {},
    { filter: () => ({ NodeNames: ['b'], FailedNodes: { a: 'no licence' } }) },
  );
  cluster.addNodes(aNode('a'), aNode('b'));
  cluster.addPods(aPod('web'));
  await cluster.settle();
  assert.deepEqual(cluster.placements(), { web: 'b' });
  const [{ url, args } = { url: '', args: {} }] = cluster.asked;
  assert.equal(url, 'http://extender/v1/filter');
  assert.deepEqual(Object.keys(args), ['Pod', 'Nodes', 'NodeNames']);
  assert.deepEqual([args['Nodes'], args['NodeNames']], [null, ['a', 'b']]);
});

test('extender: one without a cache gets whole nodes and may answer in any case of letters', async () => {
  await using cluster = new ExtendedCluster(
    { nodeCacheCapable: false },
    { filter: ({ Nodes: nodes }) => ({ nodes, failedNodes: {} }) },
  );
  cluster.addNodes(aNode('a'));
  cluster.addPods(aPod('web'));
  await cluster.settle();
  assert.deepEqual(cluster.placements(), { web: 'a' });
  const { Nodes: nodes, NodeNames: names } = cluster.asked[0]?.args ?? {};
  assert.deepEqual(names, null);
  assert.deepEqual((nodes as { readonly items: readonly object[] }).items, [aNode('a')]);
});

test('extender: a pod that it refuses everywhere says why, and any event wakes it', async () => {
  let answer: object = {
    NodeNames: [],
    FailedNodes: { a: 'no licence' },
    FailedAndUnresolvableNodes: { b: 'no dongle' },
  };
  await using cluster = new ExtendedCluster({}, { filter: () => answer });
  cluster.addNodes(aNode('a'), aNode('b'));
  cluster.addPods(aPod('web'));
  await cluster.settle();
  assert.match(cluster.events[0]?.message ?? '', /^0\/2 nodes are available: 1 no dongle, 1 no licence\./);
  answer = { NodeNames: ['c'] };
  cluster.addNodes(aNode('c'));
  await cluster.clock.advance(1500);
  // Nodes that pass the plugins are the only ones that it may name.
  assert.deepEqual(cluster.placements(), { web: 'c' });
});

test('extender: its scores count with its weight, ten times what plugins give', async () => {
  await using cluster = new ExtendedCluster(
    { weight: 3 },
    { prioritize: () => [{ Host: 'busy', Score: 10 }] },
  );
  cluster.addNodes(aNode('busy'), aNode('idle'));
  cluster.addPods(aPod('there', { requests: { cpu: '3' }, nodeName: 'busy' }), aPod('web'));
  await cluster.settle();
  assert.equal(cluster.placements()['web'], 'busy');
  const last = cluster.scheduler.explain('default/web')?.attempts.at(-1);
  const scores = last?.outcome === 'scheduled' ? last.scores : [];
  assert.deepEqual(scores.at(-1), { plugin: 'http://extender/v1/', score: 300 });
});

test('extender: what it manages decides whether it is asked, and its own resources need no capacity', async () => {
  await using cluster = new ExtendedCluster(
    { managedResources: [{ name: 'example.com/gpu', ignoredByScheduler: true }] },
    { filter: ({ NodeNames }) => ({ NodeNames }) },
  );
  cluster.addNodes(aNode('a'));
  cluster.addPods(aPod('plain'), aPod('gpu', { requests: { 'example.com/gpu': '1' } }));
  await cluster.settle();
  assert.deepEqual(cluster.placements(), { plain: 'a', gpu: 'a' });
  assert.equal(cluster.asked.length, 1);
});

const FAILURES: readonly (readonly [
  name: string,
  answer: unknown,
  options: Partial<ExtenderOptions>,
  result: object,
])[] = [
  [
    'a status other than 200 fails the attempt',
    503,
    {},
    { event: 'failed filter with extender at URL http://extender/v1/filter, code 503' },
  ],
  ['an error fails the attempt', { Error: 'out of order' }, {}, { event: 'out of order' }],
  [
    'a node that it was not asked about fails the attempt',
    { NodeNames: ['elsewhere'] },
    {},
    {
      event:
        'extender "http://extender/v1/" claims a filtered node "elsewhere" which is not found in the input node list',
    },
  ],
  [
    'one that cannot be reached fails the attempt',
    new Error('connection refused'),
    {},
    { event: 'Post "http://extender/v1/filter": connection refused' },
  ],
  ['one that may be ignored is', 503, { ignorable: true }, { placed: 'a' }],
];

for (const [name, answer, options, result] of FAILURES) {
  test(`extender: ${name}`, async () => {
    await using cluster = new ExtendedCluster(options, { filter: () => answer });
    cluster.addNodes(aNode('a'));
    cluster.addPods(aPod('web'));
    await cluster.settle();
    const { web } = cluster.placements();
    assert.deepEqual(web === undefined ? { event: cluster.events[0]?.message } : { placed: web }, result);
  });
}

test('extender: it binds the pods that it is interested in, and only those', async () => {
  await using cluster: ExtendedCluster = new ExtendedCluster(
    { managedResources: [{ name: 'example.com/gpu', ignoredByScheduler: true }] },
    { bind: ({ Node: node }) => (bound.push(node), {}) },
  );
  const bound: unknown[] = [];
  cluster.addNodes(aNode('a'));
  cluster.addPods(aPod('gpu', { requests: { 'example.com/gpu': '1' } }), aPod('plain'));
  await cluster.settle();
  assert.deepEqual(cluster.asked[0]?.args, {
    PodName: 'gpu',
    PodNamespace: 'default',
    PodUID: cluster.pod('gpu').metadata.uid,
    Node: 'a',
  });
  assert.deepEqual(bound, ['a']);
  assert.deepEqual(cluster.placements(), { plain: 'a' }, 'the other one is the extender’s to bind');
});

test('extender: a binding that it refuses is repeated', async () => {
  await using cluster = new ExtendedCluster({}, { bind: () => ({ Error: 'not now' }) });
  cluster.addNodes(aNode('a'));
  cluster.addPods(aPod('web'));
  await cluster.settle();
  assert.equal(cluster.events[0]?.message, 'binding rejected: not now');
});

test('extender: it chooses among the nodes where pods could be evicted', async () => {
  await using cluster = new ExtendedCluster(
    {},
    {
      preempt: ({ NodeNameToMetaVictims: victims }) => ({
        NodeNameToMetaVictims: { b: (victims as Record<string, object>)['b'] },
      }),
    },
  );
  cluster.addNodes(aNode('a', { cpu: '1' }), aNode('b', { cpu: '1' }));
  const onB = aPod('on-b', { requests: { cpu: '1' }, nodeName: 'b', priority: 1 });
  cluster.addPods(
    aPod('on-a', { requests: { cpu: '1' }, nodeName: 'a' }),
    onB,
    aPod('urgent', { requests: { cpu: '1' }, priority: 100 }),
  );
  await cluster.clock.advance(2000);
  const victims = cluster.asked[0]?.args['NodeNameToMetaVictims'] as Record<string, object>;
  assert.deepEqual(victims['b'], { Pods: [{ UID: onB.metadata.uid }], NumPDBViolations: 0 });
  // Left alone, the less important pod on the other node would have gone.
  assert.deepEqual(cluster.placements(), { 'on-a': 'a', urgent: 'b' });
});

test('extender: a node that filled up while it was asked is not taken', async () => {
  const waiting = Promise.withResolvers<void>();
  const posters: PosterFactory = () => ({
    post: async (_, json) => {
      await waiting.promise;
      const { NodeNames } = JSON.parse(json) as { readonly NodeNames: readonly string[] };
      return { status: 200, text: JSON.stringify({ NodeNames }) };
    },
    close: () => undefined,
  });
  const extenders = [{ urlPrefix: 'http://extender', filterVerb: 'filter', nodeCacheCapable: true }];
  await using cluster = new TestCluster({ extenders }, posters);
  cluster.addNodes(aNode('a', { cpu: '1' }));
  cluster.addPods(aPod('web', { requests: { cpu: '1' } }));
  await cluster.settle();
  cluster.addPods(aPod('first', { requests: { cpu: '1' }, nodeName: 'a' }));
  await cluster.settle();
  cluster.addNodes(aNode('b'));
  waiting.resolve();
  await cluster.clock.advance(1500);
  assert.equal(cluster.placements()['web'], 'b');
  assert.match(
    cluster.events[0]?.message ?? '',
    /^0\/2 nodes are available: 1 Insufficient cpu, 1 node\(s\) appeared while extenders were asked\./,
  );
});

test('httpPosters: a server gets the JSON, and its answer comes back', async (t) => {
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      response.statusCode = request.url === '/slow' ? 500 : 200;
      response.end(`${request.method} ${request.url} ${request.headers['content-type']} ${body}`);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const clock = new VirtualClock();
  const poster = httpPosters(clock)({ timeoutMs: 5000, tls: undefined });
  t.after(() => {
    poster.close();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const { signal } = new AbortController();
  assert.deepEqual(await poster.post(`http://127.0.0.1:${port}/filter`, '{"Pod":null}', signal), {
    status: 200,
    text: 'POST /filter application/json {"Pod":null}',
  });
});

test('httpPosters: no answer in time is an error', async (t) => {
  const arrived = Promise.withResolvers<void>();
  const server = createServer(() => arrived.resolve());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const clock = new VirtualClock();
  const poster = httpPosters(clock)({ timeoutMs: 5000, tls: undefined });
  t.after(() => {
    poster.close();
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const answer = poster.post(`http://127.0.0.1:${port}/filter`, '{}', new AbortController().signal);
  const refused = assert.rejects(answer, /no answer within 5000 ms/);
  await arrived.promise;
  await clock.advance(5000);
  await refused;
});

test('extender: a pod goes through filter, scores and binding of a server over HTTP', async (t) => {
  const bound = Promise.withResolvers<unknown>();
  const answers: Readonly<Record<string, object>> = {
    '/v1/filter': { NodeNames: ['a', 'b'], FailedNodes: { c: 'no licence' } },
    '/v1/prioritize': [{ Host: 'b', Score: 10 }],
    '/v1/bind': {},
  };
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      response.end(JSON.stringify(answers[request.url ?? '']));
      if (request.url === '/v1/bind') {
        bound.resolve(JSON.parse(body));
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const cluster = new TestCluster({
    extenders: [
      {
        urlPrefix: `http://127.0.0.1:${port}/v1`,
        filterVerb: 'filter',
        prioritizeVerb: 'prioritize',
        bindVerb: 'bind',
        nodeCacheCapable: true,
      },
    ],
  });
  t.after(async () => {
    await cluster[Symbol.asyncDispose]();
    server.close();
  });
  cluster.addNodes(aNode('a'), aNode('b'), aNode('c'));
  const web = aPod('web');
  cluster.addPods(web);
  await cluster.settle();
  assert.deepEqual(await bound.promise, {
    PodName: 'web',
    PodNamespace: 'default',
    PodUID: web.metadata.uid,
    Node: 'b',
  });
});

test('extenders: one pod is asked about at a time, also after a task that threw', async () => {
  const posters: PosterFactory = () => ({
    post: () => Promise.reject(new Error('nothing is sent')),
    close: () => undefined,
  });
  const extenders = new Extenders([], posters, SILENT_LOGGER);
  const first = Promise.withResolvers<void>();
  const done: string[] = [];
  const failing = extenders.inTurn(async () => {
    await first.promise;
    done.push('first');
    throw new Error('a mistake');
  });
  const second = extenders.inTurn(async () => void done.push('second'));
  assert.deepEqual(done, []);
  first.resolve();
  await assert.rejects(failing, /a mistake/);
  await second;
  assert.deepEqual(done, ['first', 'second']);
});
