import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import {
  EVENT,
  POD,
  isAvailable,
  isGone,
  isReady,
  startCluster,
  type ContainerFunction,
  type TestCluster,
} from '../testing.ts';
import { servedDuplex } from './served-duplex.ts';

const web: ContainerFunction = (container) => {
  container.log(`serving as ${container.pod}`);
  container.serve(8080, (request) => {
    const { pathname } = new URL(request.url);
    return pathname === '/broken'
      ? new Response('no', { status: 500 })
      : new Response(`${container.pod} ${pathname} ${container.env['COLOR']}`);
  });
};

const deployment = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web' },
  spec: {
    replicas: 2,
    selector: { matchLabels: { app: 'web' } },
    template: {
      metadata: { labels: { app: 'web' } },
      spec: {
        containers: [
          {
            name: 'web',
            image: 'my/web:2',
            env: [{ name: 'COLOR', value: 'blue' }],
            ports: [{ name: 'http', containerPort: 8080 }],
            readinessProbe: { httpGet: { path: '/', port: 'http' } },
          },
        ],
      },
    },
  },
};
const service = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'web' },
  spec: { selector: { app: 'web' }, ports: [{ port: 80, targetPort: 'http' }] },
};

test('functions: a Deployment of them is probed, gets its endpoints, and answers requests in turns', async () => {
  await using cluster = await startCluster({ nodes: 2, images: { 'my/web': web } });
  await cluster.apply([deployment, service]);
  await cluster.until('deployment/web', isAvailable);
  const answers = new Set<string>();
  for (let round = 0; round < 4; round++) {
    answers.add(await (await cluster.fetch('http://web/hello')).text());
  }
  const pods = (await cluster.list(POD)).map(({ metadata }) => metadata.name);
  assert.deepEqual([...answers].toSorted(), pods.map((pod) => `${pod} /hello blue`).toSorted());
  assert.equal(await cluster.logs(`pod/${pods[0]}`), `serving as ${pods[0]}\n`);
});

function aPod(container: object, spec: object = {}): object {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'one' },
    spec: { ...spec, containers: [{ name: 'main', image: 'one', ...container }] },
  };
}

/** One pod of a function, on one node. */
async function startOne(
  one: ContainerFunction,
  container: object = {},
  spec: object = {},
): Promise<TestCluster> {
  const cluster = await startCluster({ images: { one } });
  await cluster.apply(aPod(container, spec));
  return cluster;
}

async function stateOf(cluster: TestCluster): Promise<string> {
  const { status } = await cluster.get({ resource: POD, name: 'one' });
  const [container] = status.containerStatuses ?? [];
  const { waiting, running, terminated } = container?.state ?? {};
  const state =
    waiting?.reason ?? (running === undefined ? `${terminated?.reason} ${terminated?.exitCode}` : 'running');
  return `${status.phase} ${state} ${container?.restartCount}`;
}

test('functions: a container ends with the code that is returned, or with 1 and the error in its log', async () => {
  const table: readonly (readonly [ContainerFunction, string, RegExp])[] = [
    [() => 0, 'Succeeded Completed 0 0', /^$/],
    [async () => 3, 'Failed Error 3 0', /^$/],
    [(container) => container.log('a\nb'), 'Succeeded Completed 0 0', /^a\nb\n$/],
    [() => Promise.reject(new Error('lost my keys')), 'Failed Error 1 0', /^Error: lost my keys\n/],
  ];
  for (const [one, state, log] of table) {
    await using cluster = await startOne(one, {}, { restartPolicy: 'Never' });
    await cluster.until({ resource: POD, name: 'one' }, (pod) => pod?.status.phase === state.split(' ')[0]);
    assert.equal(await stateOf(cluster), state);
    assert.match(await cluster.logs('pod/one'), log);
  }
});

test('functions: one that crashes is started again after 10 s, 20 s, 40 s; its last life can be read', async () => {
  const startedAt: number[] = [];
  await using cluster = await startOne((container) => {
    startedAt.push(container.now().getTime());
    container.log(`life ${container.restarts}`);
    throw new Error('again');
  });
  await cluster.clock.advance({ seconds: 80 });
  const since = startedAt.map((ms) => Math.round((ms - (startedAt[0] ?? 0)) / 1000));
  assert.deepEqual(since, [0, 0, 10, 30, 70]);
  assert.equal(await stateOf(cluster), 'Running CrashLoopBackOff 4');
  assert.match(await cluster.logs('pod/one', { previous: true }), /^life 4\n/);
  const backOffs = (await cluster.list(EVENT)).filter(({ reason }) => reason === 'BackOff');
  assert.equal(backOffs.length, 1);
});

test('functions: probes ask them; a failing liveness probe restarts, an exec probe runs a command', async () => {
  await using cluster = await startOne(
    (container) => {
      const bornMs = container.now().getTime();
      container.serve(80, () => {
        const isOld = container.now().getTime() - bornMs > 60_000;
        return new Response('', { status: isOld ? 503 : 200 });
      });
      container.onExec(({ argv }) => (argv[0] === 'ready' ? 'yes\n' : 1));
    },
    {
      livenessProbe: { httpGet: { port: 80 }, periodSeconds: 10 },
      readinessProbe: { exec: { command: ['ready'] } },
      startupProbe: { tcpSocket: { port: 80 } },
    },
  );
  await cluster.until('pod/one', isReady);
  await cluster.clock.advance({ seconds: 55 });
  assert.equal(await stateOf(cluster), 'Running running 0');
  await cluster.clock.advance({ seconds: 65 });
  assert.equal(await stateOf(cluster), 'Running running 1');
  const messages = (await cluster.list(EVENT)).map(({ message }) => message);
  assert.ok(messages.includes('Liveness probe failed: HTTP probe failed with statuscode: 503'));
});

test('functions: nothing listens where nobody serves, and a probe that is not answered fails in time', async () => {
  await using cluster = await startOne(
    async (container) => {
      container.serve(80, async () => {
        await container.sleep({ minutes: 5 });
        return new Response('late');
      });
      await container.sleep({ hours: 1 });
    },
    {
      readinessProbe: { tcpSocket: { port: 81 } },
      livenessProbe: { httpGet: { port: 80 }, failureThreshold: 100 },
    },
  );
  await cluster.clock.advance({ seconds: 30 });
  const messages = (await cluster.list(EVENT)).map(({ message }) => message);
  assert.ok(
    messages.some((text) =>
      /^Readiness probe failed: dial tcp [\d.]+:81: connect: connection refused$/.test(text ?? ''),
    ),
  );
  assert.ok(
    messages.some((text) => /^Liveness probe failed: Get "http:.*context deadline exceeded/.test(text ?? '')),
  );
});

test('functions: SIGTERM is heard, waits end at it, and who ignores it is killed after the grace period', async () => {
  const table: readonly (readonly [string, ContainerFunction, number])[] = [
    ['serves', (container) => container.serve(80, () => new Response()), 0],
    ['sleeps', (container) => container.sleep({ hours: 1 }), 0],
    [
      'drains',
      async (container) => {
        await container.sleep({ hours: 1 }).catch(() => container.sleep({ seconds: 5 }));
        return 0;
      },
      5,
    ],
    ['ignores', () => new Promise<void>(() => undefined), 30],
  ];
  for (const [name, one, seconds] of table) {
    await using cluster = await startOne(one);
    await cluster.until('pod/one', isReady);
    const sinceMs = cluster.clock.nowMs();
    await cluster.delete('pod/one');
    await cluster.until('pod/one', isGone);
    assert.equal(Math.floor((cluster.clock.nowMs() - sinceMs) / 1000), seconds, name);
  }
});

test('functions: commands run beside them, with input and an exit code', async () => {
  await using cluster = await startOne((container) => {
    container.onExec(async ({ argv, stdin, print, printError }) => {
      let text = '';
      for await (const chunk of stdin) {
        text += String(chunk);
      }
      print(`${argv.join(' ')}: ${text}`);
      printError('careful');
      return 4;
    });
  });
  await cluster.until('pod/one', isReady);
  assert.deepEqual(await cluster.exec('pod/one', ['cat', '-n'], { stdin: 'hello' }), {
    exitCode: 4,
    stdout: 'cat -n: hello',
    stderr: 'careful',
  });
});

test('functions: they read ConfigMaps and tokens, write end messages, and reach other pods by name', async () => {
  await using cluster = await startCluster({
    images: {
      'my/web': web,
      'my/client:1': async (container) => {
        const color = container.readFile('/etc/palette/color');
        const token = container.readFile('/var/run/secrets/kubernetes.io/serviceaccount/token');
        const answer = await container.fetch('http://web.default.svc.cluster.local/x');
        container.writeFile('/dev/termination-log', `${color} ${token.split('.').length} ${answer.status}`);
        return 0;
      },
    },
  });
  await cluster.apply([
    deployment,
    service,
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'palette' }, data: { color: 'red' } },
  ]);
  await cluster.until('deployment/web', isAvailable);
  await cluster.apply(
    aPod(
      { image: 'my/client:1', volumeMounts: [{ name: 'palette', mountPath: '/etc/palette' }] },
      { restartPolicy: 'Never', volumes: [{ name: 'palette', configMap: { name: 'palette' } }] },
    ),
  );
  const done = await cluster.until(
    { resource: POD, name: 'one' },
    (pod) => pod?.status.phase === 'Succeeded',
  );
  assert.equal(done.status.containerStatuses?.[0]?.state?.terminated?.message, 'red 3 200');
  await assert.rejects(cluster.fetch('http://nobody/'), (error: unknown) => {
    assert.ok(error instanceof TypeError);
    assert.match(String(error.cause), /ENOTFOUND nobody/);
    return true;
  });
});

test('functions: a node that crashes takes them along; a fork starts them anew and goes its own way', async () => {
  await using cluster = await startCluster({ nodes: 2, images: { 'my/web': web } });
  await cluster.apply([deployment, service]);
  await cluster.until('deployment/web', isAvailable);
  await using branch = await cluster.fork();
  await branch.clock.advance({ minutes: 1 });
  await branch.until('deployment/web', isAvailable);
  assert.equal((await branch.fetch('http://web/')).status, 200);
  const restarts = (await branch.list(POD)).map(({ status }) => status.containerStatuses?.[0]?.restartCount);
  assert.deepEqual(restarts, [1, 1]);
  cluster.node('sim-0').crash();
  await cluster.clock.advance({ minutes: 10 });
  const live = (await cluster.list(POD)).filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  assert.deepEqual([...new Set(live.map(({ spec }) => spec.nodeName))], ['sim-1']);
  cluster.node('sim-0').recover();
  await cluster.until('node/sim-0', isReady);
  await cluster.clock.advance({ minutes: 1 });
  assert.equal((await cluster.list(POD)).length, 2);
});

test('functions: the same seed gives the same history', async () => {
  const run = async (): Promise<readonly string[]> => {
    await using cluster = await startCluster({ nodes: 3, seed: 5, images: { 'my/web': web, one: () => 1 } });
    await cluster.apply([deployment, service, aPod({}), { ...deployment, metadata: { name: 'other' } }]);
    await cluster.until('deployment/web', isAvailable);
    await cluster.clock.advance({ minutes: 3 });
    return cluster.transcript();
  };
  const first = await run();
  const second = await run();
  assert.equal(
    first.findIndex((line, index) => line !== second[index]),
    -1,
  );
  assert.equal(first.length, second.length);
});

test('functions: a forwarded port speaks HTTP with them', async () => {
  const node = servedDuplex(async (request) => {
    const body = await request.text();
    return new Response(`${request.method} ${body}`, { status: 201, headers: { 'x-from': 'function' } });
  });
  const request = httpRequest({
    createConnection: () => node,
    method: 'POST',
    path: '/',
    headers: { host: 'pod', connection: 'close' },
  });
  request.end('hello');
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  assert.equal(response.statusCode, 201);
  assert.equal(response.headers['x-from'], 'function');
  assert.equal(await text(response), 'POST hello');
});
