// `coracle up --clock virtual` as a program in any language uses it: kubeconfig for the API, HTTPS for the rest.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { test } from 'node:test';
import { isNotFound } from '#api/status-error.ts';
import { CONFIG_MAP, DEPLOYMENT, NODE, POD } from '#api/types/resources.ts';
import type { NewObject } from '#api/object.ts';
import type { Deployment } from '#api/types/apps.v1.ts';
import { SILENT_LOGGER } from '#base/log.ts';
import { connect } from '#client/connection.ts';
import { controller } from '#operator/define-controller.ts';
import { startOperator } from '#operator/operator.ts';
import { clientOf, coracle, Workplace, type RunningProgram } from './program.fixture.ts';

interface Answer {
  readonly code: number;
  readonly body: Readonly<Record<string, unknown>>;
}

/** As curl with the files in `control/`; without them when `isAdmin` is false. */
async function control(
  { directory, control: base = '' }: RunningProgram,
  method: string,
  path: string,
  { body, isAdmin = true }: { readonly body?: object; readonly isAdmin?: boolean } = {},
): Promise<Answer> {
  const file = (name: string): string => readFileSync(join(directory, 'control', name), 'utf8');
  const credential = isAdmin ? { cert: file('admin.crt'), key: file('admin.key') } : {};
  const text = body === undefined ? '' : JSON.stringify(body);
  const request = httpsRequest(`${base}/v1${path}`, {
    method,
    ca: file('ca.crt'),
    ...credential,
    headers: { 'content-length': Buffer.byteLength(text) },
    agent: false,
  });
  request.end(text);
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  return { code: response.statusCode ?? 0, body: (await json(response)) as Answer['body'] };
}

function web(name: string): NewObject<Deployment> {
  const labels = { app: name };
  return {
    metadata: { namespace: 'default', name },
    spec: {
      replicas: 2,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'nginx' }] } },
    },
  };
}

const UP = ['--clock', 'virtual', '--nodes', 'sim:2', '--port', '0', '--control-port', '0'] as const;

test('virtual clock: time passes when told to, nodes crash, requests fail, and a reset takes it all back', async () => {
  await using workplace = new Workplace();
  const cluster = await workplace.up('c', ...UP);
  await using client = clientOf(cluster);
  assert.deepEqual(await control(cluster, 'GET', '/clock'), {
    code: 200,
    body: { now: '2026-01-01T00:00:00.000Z', rate: 0 },
  });

  await client.of(DEPLOYMENT).create(web('first'));
  const wait = { object: 'deployment/first', is: 'available' };
  const { body: available } = await control(cluster, 'POST', '/clock/until', { body: wait });
  assert.equal((available as unknown as Deployment).status.availableReplicas, 2);

  await control(cluster, 'POST', '/nodes/sim-0/crash');
  const { body: later } = await control(cluster, 'POST', '/clock/advance', { body: { minutes: 10 } });
  assert.match(String(later['now']), /^2026-01-01T00:1\d/);
  const node = await client.of(NODE).get('', 'sim-0');
  assert.equal(node.status.conditions?.find(({ type }) => type === 'Ready')?.status, 'Unknown');
  const { items } = await client.of(POD).list('default');
  const running = items.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  assert.deepEqual(
    running.map(({ spec }) => spec.nodeName),
    ['sim-1', 'sim-1'],
  );

  const fault = { filter: { verb: 'create', resource: 'pods' }, effect: { kind: 'refuse', code: 500 } };
  const { body: made } = await control(cluster, 'POST', '/faults', { body: fault });
  await client.of(DEPLOYMENT).create(web('second'));
  await control(cluster, 'POST', '/clock/advance', { body: { seconds: 5 } });
  assert.equal((await client.of(POD).list('default', { labelSelector: 'app=second' })).items.length, 0);
  assert.equal((await control(cluster, 'DELETE', `/faults/${String(made['id'])}`)).code, 200);
  await control(cluster, 'POST', '/clock/until', { body: { object: 'deployment/second', is: 'available' } });

  await control(cluster, 'POST', '/reset');
  assert.equal((await control(cluster, 'GET', '/clock')).body['now'], '2026-01-01T00:00:00.000Z');
  await using again = clientOf(cluster);
  await assert.rejects(again.of(DEPLOYMENT).get('default', 'first'), isNotFound);
});

const wrong: readonly (readonly [method: string, path: string, body: object, code: number, says: RegExp])[] =
  [
    ['POST', '/clock/advance', {}, 400, /length of time/],
    ['POST', '/clock/advance', { fortnights: 1 }, 400, /days, hours/],
    ['POST', '/clock/until', { object: 'deployment/x', is: 'nice' }, 400, /available, complete/],
    [
      'POST',
      '/clock/until',
      { object: 'deployment/x', is: 'ready', within: { seconds: 1 } },
      408,
      /does not exist/,
    ],
    ['POST', '/faults', { effect: { kind: 'explode' } }, 400, /refuse, delay/],
    ['POST', '/faults', { filter: { colour: 'red' }, effect: { kind: 'lose-answer' } }, 400, /no colour/],
    ['POST', '/nodes/sim-9/crash', {}, 404, /no simulated node sim-9/],
    ['DELETE', '/faults/7', {}, 404, /no fault 7/],
    ['DELETE', '/clock', {}, 405, /takes GET and PUT/],
    ['GET', '/nothing', {}, 404, /there is no/],
  ];

test('virtual clock: what cannot be done is refused in words, and nobody but an administrator may ask', async () => {
  await using workplace = new Workplace();
  const cluster = await workplace.up('c', ...UP);
  for (const [method, path, body, code, says] of wrong) {
    const answer = await control(cluster, method, path, { body });
    assert.equal(answer.code, code, path);
    assert.match(String(answer.body['error']), says);
  }
  const stranger = await control(cluster, 'GET', '/clock', { isAdmin: false });
  assert.equal(stranger.code, 403);
});

test('virtual clock: time does not run away from an operator in another process', async () => {
  await using workplace = new Workplace();
  const cluster = await workplace.up('c', ...UP);
  await using connection = connect({ kubeconfig: join(cluster.directory, 'admin.conf'), log: SILENT_LOGGER });
  const deployments = controller({
    resource: CONFIG_MAP,
    owns: [DEPLOYMENT],
    async reconcile({ metadata }, context) {
      if (metadata.name !== 'wanted') {
        return;
      }
      // Slower than what is taken for idle unless told otherwise.
      await connection.clock.sleep(100);
      const { status } = await context.apply(DEPLOYMENT, slowWeb());
      if (status.availableReplicas === 1) {
        await context.apply(CONFIG_MAP, { metadata: { name: 'seen' }, data: {} });
      }
    },
  });
  await using _operator = await startOperator({ name: 'outsider', connection, controllers: [deployments] });
  await using client = clientOf(cluster);
  await client.of(CONFIG_MAP).create({ metadata: { namespace: 'default', name: 'wanted' } });
  const seen = await control(cluster, 'POST', '/clock/until', {
    // Waited for only where the cluster stands still anyway: a busy machine may be this much slower.
    body: { object: 'configmap/seen', is: 'exists', within: { minutes: 1 }, patience: { seconds: 2 } },
  });
  assert.equal(seen.code, 200, JSON.stringify(seen.body));
  const { body: time } = await control(cluster, 'GET', '/clock');
  assert.match(
    String(time['now']),
    /^2026-01-01T00:00:[345]/,
    'the pod is ready after 30 s, and no time was lost',
  );
});

/** Available half a minute after its pod has started. */
function slowWeb(): NewObject<Deployment> & { readonly metadata: { readonly name: string } } {
  const { spec } = web('slow');
  return { metadata: { name: 'slow' }, spec: { ...spec, replicas: 1, minReadySeconds: 30 } };
}

test('virtual clock: at a rate it runs by itself', async () => {
  await using workplace = new Workplace();
  const cluster = await workplace.up('c', ...UP, '--start-time', '2030-06-01T00:00:00Z');
  await using client = clientOf(cluster);
  await control(cluster, 'PUT', '/clock', { body: { rate: 1000 } });
  const startMs = Date.parse('2030-06-01T00:00:00Z');
  for (let nowMs = startMs; nowMs < startMs + 60_000;) {
    nowMs = Date.parse(String((await control(cluster, 'GET', '/clock')).body['now']));
  }
  await control(cluster, 'PUT', '/clock', { body: { rate: 0 } });
  assert.equal((await client.of(NODE).list('')).items.length, 2);
});

test('virtual clock: what it holds and the time it shows outlive the program, and are forked from it while it runs', async () => {
  await using workplace = new Workplace();
  const cluster = await workplace.up('c', ...UP);
  {
    await using client = clientOf(cluster);
    await client
      .of(CONFIG_MAP)
      .create({ metadata: { namespace: 'default', name: 'kept' }, data: { a: '1' } });
  }
  await control(cluster, 'POST', '/clock/advance', { body: { hours: 1 } });
  const forked = await coracle('snapshot', 'fork', workplace.path('fork'), '--data-dir', cluster.directory);
  assert.equal(forked.code, 0, forked.stderr);
  await workplace.down('c');
  for (const name of ['c', 'fork']) {
    const again = await workplace.up(name, ...UP);
    await using client = clientOf(again);
    assert.deepEqual((await client.of(CONFIG_MAP).get('default', 'kept')).data, { a: '1' });
    assert.match(String((await control(again, 'GET', '/clock')).body['now']), /^2026-01-01T01:00/);
  }
});

test('virtual clock: without a way to ask, what runs in memory is not saved but says so', async () => {
  await using workplace = new Workplace();
  const { directory } = await workplace.up('c', '--clock', 'virtual', '--nodes', 'sim:1', '--port', '0');
  const saved = await coracle('snapshot', 'save', workplace.path('s'), '--data-dir', directory);
  assert.match(saved.stderr, /lives in memory: stop it first, or start it with --control-port/);
  await workplace.down('c');
  assert.equal((await coracle('snapshot', 'save', workplace.path('s'), '--data-dir', directory)).code, 0);
});

test('virtual clock: options that do not go together are refused', async () => {
  await using workplace = new Workplace();
  const refusal = async (...args: readonly string[]): Promise<string> =>
    (await coracle('up', '--data-dir', workplace.path('x'), ...args)).stderr;
  assert.match(await refusal('--control-port', '0'), /--control-port goes with --clock virtual only/);
  assert.match(await refusal('--clock', 'virtual', '--nodes', 'oci'), /--nodes takes sim:N/);
  assert.match(await refusal('--clock', 'lunar'), /--clock takes real or virtual/);
});
