import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { connect, type ClientHttp2Session } from 'node:http2';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { CLUSTER_ROLE_BINDING, CONFIG_MAP } from '#api/types/resources.ts';
import { SystemClock } from '#base/clock.ts';
import { loadKubeconfig } from '#client/kubeconfig.ts';
import { clientOf, Workplace, type RunningProgram } from './program.fixture.ts';

const MAPS = '/api/v1/namespaces/default/configmaps';
/** Looks at every object and finds none: work for the server and none for its client. */
const COSTLY = `${MAPS}?labelSelector=no%3Dsuch`;
const OBJECTS = 300;
const SESSIONS = 4;
/** Requests of the flood that keep the server busy, and ten times as many. */
const BUSY = 24;
const FLOOD = 240;
const POLITE_REQUESTS = 60;
const PAUSE_MS = 10;

const clock = new SystemClock();
const workplace = new Workplace();
let program: RunningProgram;

before(async () => {
  program = await workplace.up('flooded', '--nodes', 'sim:0', '--port', '0');
  await using client = clientOf(program);
  await client.of(CLUSTER_ROLE_BINDING).create({
    metadata: { name: 'everybody' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
    subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'Group', name: 'system:authenticated' }],
  });
  const data = { text: 'x'.repeat(1024) };
  await Promise.all(
    Array.from({ length: OBJECTS }, (_, index) =>
      client.of(CONFIG_MAP).create({ metadata: { namespace: 'default', name: `m${index}` }, data }),
    ),
  );
});

after(() => workplace[Symbol.asyncDispose]());

interface Answer {
  readonly code: number;
  readonly retryAfter: number;
  readonly durationMs: number;
}

function openSession(): ClientHttp2Session {
  const { server, ca, cert, key } = loadKubeconfig(join(program.directory, 'admin.conf'));
  return connect(server, { ca, cert, key });
}

async function get(session: ClientHttp2Session, path: string, user: string): Promise<Answer> {
  const startMs = clock.monotonicMs();
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const request = session.request({ ':path': path, 'impersonate-user': user });
  let code = 0;
  let retryAfter = 0;
  request.on('response', (headers) => {
    code = headers[':status'] ?? 0;
    retryAfter = Number(headers['retry-after'] ?? 0);
  });
  request.on('error', reject);
  request.on('close', () => resolve({ code, retryAfter, durationMs: clock.monotonicMs() - startMs }));
  request.resume();
  return promise;
}

interface Outcome {
  readonly polite: readonly Answer[];
  readonly flood: readonly Answer[];
}

/** One user asks now and then while another keeps `flooding` requests open. */
async function flood(flooding: number): Promise<Outcome> {
  const sessions = Array.from({ length: SESSIONS }, openSession);
  const own = openSession();
  const over = new AbortController();
  const answers: Answer[] = [];
  const clients = Array.from({ length: flooding }, async (_, index) => {
    const session = sessions[index % SESSIONS];
    assert.ok(session !== undefined);
    while (!over.signal.aborted) {
      const answer = await get(session, COSTLY, 'flood');
      answers.push(answer);
      if (answer.code === 429) {
        await clock.sleep(answer.retryAfter * 1000);
      }
    }
  });
  await clock.sleep(500);
  const polite: Answer[] = [];
  for (let index = 0; index < POLITE_REQUESTS; index++) {
    polite.push(await get(own, `${MAPS}/m1`, 'polite'));
    await clock.sleep(PAUSE_MS);
  }
  over.abort();
  await Promise.all(clients);
  [...sessions, own].forEach((session) => session.close());
  return { polite, flood: answers };
}

function middleMs(answers: readonly Answer[]): number {
  const served = answers.filter(({ code }) => code === 200).map(({ durationMs }) => durationMs);
  return served.toSorted((left, right) => left - right)[Math.floor(served.length / 2)] ?? NaN;
}

function memoryMebibytes(): number {
  const { pid } = JSON.parse(readFileSync(join(program.directory, 'run.json'), 'utf8')) as { pid: number };
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
}

test('flooded server: ten times the load of one user leaves another as it was', async (context) => {
  const busy = await flood(BUSY);
  const before = process.platform === 'linux' ? memoryMebibytes() : 0;
  const flooded = await flood(FLOOD);
  const told = [busy.polite, flooded.polite, flooded.flood].map((answers) => middleMs(answers).toFixed(1));
  context.diagnostic(
    `polite beside ${BUSY}, beside ${FLOOD}, and the flood itself, in ms: ${told.join(', ')}`,
  );
  for (const { polite, flood } of [busy, flooded]) {
    assert.ok(
      polite.every(({ code }) => code === 200),
      'nobody polite is turned away',
    );
    assert.ok(flood.every(({ code, retryAfter }) => code === 200 || (code === 429 && retryAfter >= 1)));
  }
  // Twice, and what a busy machine adds now and then.
  assert.ok(middleMs(flooded.polite) <= 2 * middleMs(busy.polite) + 20, told.join(', '));
  assert.ok(
    middleMs(flooded.flood) >= 3 * middleMs(flooded.polite),
    `the flood waits behind itself: ${told.join(', ')}`,
  );
  if (process.platform === 'linux') {
    assert.ok(memoryMebibytes() - before < 300, `${before} MiB, then ${memoryMebibytes()}`);
  }
});
