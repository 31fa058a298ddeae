import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { VirtualClock } from '#base/virtual-clock.ts';
import { ConfigFileError } from '../config-file.ts';
import { attemptedCredentials } from './attempted-credentials.ts';
import type { AuditEvent } from './audit-event.ts';
import { PolicyEvaluator, type AuditedAttributes } from './audit-policy.ts';
import { BATCH_DEFAULT, EventBatches, type BatchOptions } from './event-batches.ts';
import { LogSink } from './log-sink.ts';
import { parseAuditPolicy } from './policy-file.ts';
import { sourceIps } from './source-ips.ts';
import { WebhookSink } from './webhook-sink.ts';

const HEAD = 'apiVersion: audit.k8s.io/v1\nkind: Policy\n';

function asked(what: Partial<AuditedAttributes> = {}): AuditedAttributes {
  return {
    user: { name: 'ann', groups: ['devs'], extra: {} },
    verb: 'get',
    namespace: 'a',
    apiGroup: '',
    apiVersion: 'v1',
    resource: 'pods',
    subresource: '',
    name: 'p',
    isResourceRequest: true,
    path: '/api/v1/namespaces/a/pods/p',
    ...what,
  };
}

const LOG = { subresource: 'log' };
const HEALTHZ = { isResourceRequest: false, path: '/healthz/etcd', resource: '', namespace: '' };

const RULES: readonly [rule: string, request: Partial<AuditedAttributes>, matches: boolean][] = [
  ['{}', {}, true],
  ['{users: [bob]}', {}, false],
  ['{users: [ann]}', { user: undefined }, false],
  ['{userGroups: [ops, devs]}', {}, true],
  ['{userGroups: [ops]}', {}, false],
  ['{verbs: [get, list]}', {}, true],
  ['{verbs: [list]}', {}, false],
  ['{namespaces: [a]}', {}, true],
  ['{namespaces: [""]}', {}, false],
  ['{namespaces: [""]}', { namespace: '' }, true],
  ['{namespaces: [a]}', HEALTHZ, false],
  ['{resources: [{group: ""}]}', {}, true],
  ['{resources: [{group: "apps"}]}', {}, false],
  ['{resources: [{group: "*"}]}', { apiGroup: 'apps' }, true],
  ['{resources: [{group: "", resources: [pods]}]}', {}, true],
  ['{resources: [{group: "", resources: [pods]}]}', LOG, false],
  ['{resources: [{group: "", resources: [pods/log]}]}', LOG, true],
  ['{resources: [{group: "", resources: ["pods/*"]}]}', LOG, true],
  ['{resources: [{group: "", resources: ["pods/*"]}]}', {}, true],
  ['{resources: [{group: "", resources: ["*/log"]}]}', LOG, true],
  ['{resources: [{group: "", resources: ["*/log"]}]}', {}, false],
  ['{resources: [{group: "", resources: ["*"]}]}', LOG, true],
  ['{resources: [{group: "", resources: [pods], resourceNames: [p]}]}', {}, true],
  ['{resources: [{group: "", resources: [pods], resourceNames: [q]}]}', {}, false],
  ['{nonResourceURLs: ["/healthz*"]}', HEALTHZ, true],
  ['{nonResourceURLs: ["/healthz"]}', HEALTHZ, false],
  ['{nonResourceURLs: ["*"]}', HEALTHZ, true],
  ['{nonResourceURLs: ["*"]}', {}, false],
];

test('audit policy: rules match requests as upstream has them', () => {
  for (const [rule, request, matches] of RULES) {
    const yaml = `${HEAD}rules: [${rule.replace('{', '{level: Metadata, ')}]`;
    const evaluator = new PolicyEvaluator(parseAuditPolicy(yaml, assert.fail));
    const { level } = evaluator.configFor(asked(request));
    assert.equal(level, matches ? 'Metadata' : 'None', rule);
  }
});

test('audit policy: the first rule that matches decides, stages are left out by either', () => {
  const yaml = `${HEAD}
omitStages: [RequestReceived]
omitManagedFields: true
rules:
- {level: Request, verbs: [list], omitStages: [Panic], omitManagedFields: false}
- {level: RequestResponse, verbs: [list, get]}
`;
  const evaluator = new PolicyEvaluator(parseAuditPolicy(yaml, assert.fail));
  const list = evaluator.configFor(asked({ verb: 'list' }));
  assert.deepEqual(
    [list.level, [...list.omitStages], list.omitManagedFields],
    ['Request', ['RequestReceived', 'Panic'], false],
  );
  const get = evaluator.configFor(asked());
  assert.deepEqual(
    [get.level, [...get.omitStages], get.omitManagedFields],
    ['RequestResponse', ['RequestReceived'], true],
  );
});

const WRONG: readonly [policy: string, message: string | RegExp][] = [
  ['rules: []', 'loaded illegal policy with 0 rules'],
  [
    'rules: [{level: Everything}]',
    /rules\[0\]\.level: Unsupported value: "Everything": supported values: "None", "Metadata"/,
  ],
  ['rules: [{verbs: [get]}]', 'rules[0].level: Required value'],
  [
    'rules: [{level: None, nonResourceURLs: [healthz]}]',
    /nonResourceURLs\[0\]: Invalid value: "healthz": non-resource URL rules must begin with a '\/' character/,
  ],
  [
    'rules: [{level: None, nonResourceURLs: ["/a*b"]}]',
    /wildcards '\*' must be the final character of the rule/,
  ],
  [
    'rules: [{level: None, nonResourceURLs: ["/a"], namespaces: [a]}]',
    /rules cannot apply to both regular resources and non-resource URLs/,
  ],
  ['rules: [{level: None, resources: [{group: apps/v1}]}]', /resources\.group: Invalid value: "apps\/v1"/],
  [
    'rules: [{level: None, resources: [{resourceNames: [a]}]}]',
    /using resourceNames requires at least one resource/,
  ],
  [
    'omitStages: [Never]\nrules: [{level: None}]',
    /omitStages\[0\]: Invalid value: "Never": allowed stages are RequestReceived,ResponseStarted,ResponseComplete,Panic/,
  ],
];

test('audit policy: a bad file is refused with all that is wrong', () => {
  for (const [policy, message] of WRONG) {
    assert.throws(
      () => parseAuditPolicy(HEAD + policy, assert.fail),
      (error: unknown) => {
        assert.ok(error instanceof ConfigFileError);
        if (typeof message === 'string') {
          assert.equal(error.message, message);
        } else {
          assert.match(error.message, message);
        }
        return true;
      },
      policy,
    );
  }
  const warnings: string[] = [];
  parseAuditPolicy(`${HEAD}rules: [{level: None, verb: get}]`, (field) => warnings.push(field));
  assert.deepEqual(warnings, ['rules[0].verb']);
});

test('source addresses: those that proxies name come first, the real one last', () => {
  assert.deepEqual(sourceIps({}, '::ffff:10.0.0.1'), ['10.0.0.1']);
  const headers = { 'x-forwarded-for': '1.1.1.1, bad, 2.2.2.2', 'x-real-ip': '3.3.3.3' };
  assert.deepEqual(sourceIps(headers, '4.4.4.4'), ['1.1.1.1', '2.2.2.2', '3.3.3.3', '4.4.4.4']);
  assert.deepEqual(sourceIps({ 'x-real-ip': '::1' }, '::1'), ['::1']);
});

test('attempted credentials: each is named', () => {
  assert.equal(attemptedCredentials({}, '', false), 'Authentication failed, no credentials provided');
  assert.equal(
    attemptedCredentials({ authorization: 'Bearer x' }, 'access_token=y', true),
    'Authentication failed, attempted: bearer, access_token, x509',
  );
});

function anEvent(auditID: string): AuditEvent {
  return {
    kind: 'Event',
    apiVersion: 'audit.k8s.io/v1',
    level: 'Metadata',
    auditID,
    stage: 'ResponseComplete',
    requestURI: '/',
    verb: 'get',
    user: { username: 'ann' },
    requestReceivedTimestamp: '2026-01-01T00:00:00.000000Z',
    stageTimestamp: '2026-01-01T00:00:00.000000Z',
  };
}

test('audit log: a full file is put aside, and the old ones go', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'coracle-audit-'));
  const clock = new VirtualClock(Date.UTC(2026, 0, 1));
  const path = join(folder, 'deep', 'audit.log');
  const line = JSON.stringify(anEvent('1')).length + 1;
  try {
    const sink = new LogSink({ path, sizeBytesMax: 2 * line, backupsMax: 2, ageDaysMax: 1 }, clock);
    for (const id of ['1', '2', '3', '4', '5']) {
      sink.process(anEvent(id));
      await clock.advance(1_000);
    }
    const files = (): readonly string[] => readdirSync(join(folder, 'deep')).toSorted();
    assert.deepEqual(files(), [
      'audit-2026-01-01T00-00-02.000.log',
      'audit-2026-01-01T00-00-04.000.log',
      'audit.log',
    ]);
    const ids = readFileSync(path, 'utf8')
      .trimEnd()
      .split('\n')
      .map((each) => (JSON.parse(each) as AuditEvent).auditID);
    assert.deepEqual(ids, ['5']);
    assert.equal(statSync(path).mode & 0o777, 0o600);
    sink.process(anEvent('6'));
    await clock.advance(86_400_000 - 3_000);
    sink.process(anEvent('7'));
    assert.deepEqual(files(), [
      'audit-2026-01-01T00-00-04.000.log',
      'audit-2026-01-02T00-00-02.000.log',
      'audit.log',
    ]);
    await sink[Symbol.asyncDispose]();
    const again = new LogSink({ path, sizeBytesMax: 0, backupsMax: 0, ageDaysMax: 0 }, clock);
    again.process(anEvent('8'));
    await again[Symbol.asyncDispose]();
    assert.equal(readFileSync(path, 'utf8').trimEnd().split('\n').length, 2, 'an open file is continued');
  } finally {
    rmSync(folder, { recursive: true });
  }
});

const SMALL: BatchOptions = { bufferMax: 5, batchMax: 2, waitMs: 1_000, perSecond: 1, burst: 1 };

test('event batches: full ones go at once, others after a while, and none too fast', async () => {
  const clock = new VirtualClock();
  const sent: string[] = [];
  const batches = new EventBatches(clock, SMALL, (batch) => {
    sent.push(`${clock.monotonicMs()}: ${batch.map(({ auditID }) => auditID).join('')}`);
    return Promise.resolve();
  });
  const stop = new AbortController();
  const running = batches.run(stop.signal);
  const add = (...ids: readonly string[]): readonly boolean[] => ids.map((id) => batches.add(anEvent(id)));
  await clock.settle();
  add('a');
  await clock.advance(1_000);
  add('b', 'c');
  await clock.settle();
  assert.deepEqual(sent, ['1000: a']);
  await clock.advance(1_000);
  assert.deepEqual(sent, ['1000: a', '2000: bc']);
  assert.deepEqual(add('d', 'e', 'f', 'g', 'h', 'i'), [true, true, true, true, true, false]);
  stop.abort();
  await running;
  assert.deepEqual(
    sent.slice(2).map((each) => each.split(': ')[1]),
    ['de', 'fg', 'h'],
  );
});

test('audit webhook: events arrive as a list, again when they were not taken, and at the end', async () => {
  const clock = new VirtualClock();
  const got: { readonly ids: string; readonly bearer: string | undefined }[] = [];
  let code = 500;
  const server = createServer((request, response) => {
    void (async () => {
      const list = JSON.parse(await text(request)) as { kind: string; items: readonly AuditEvent[] };
      assert.equal(list.kind, 'EventList');
      got.push({
        ids: list.items.map(({ auditID }) => auditID).join(),
        bearer: request.headers.authorization,
      });
      response.writeHead(code).end();
    })();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const lost: number[] = [];
  const sink = new WebhookSink(
    { server: `http://127.0.0.1:${port}/audit`, token: () => 't' },
    { ...BATCH_DEFAULT, batchMax: 2 },
    { clock, onFailure: (_error, events) => lost.push(events) },
  );
  await clock.settle();
  sink.process(anEvent('1'));
  sink.process(anEvent('2'));
  const until = async (count: number): Promise<void> => {
    while (got.length < count) {
      await clock.settle();
    }
  };
  await until(1);
  code = 200;
  // The answer travels over a real socket; the wait before the next try begins once it is here.
  while ((clock.nextDueMs() ?? Infinity) > clock.nowMs() + 10_000) {
    await clock.settle();
  }
  await clock.advance(10_000);
  await until(2);
  sink.process(anEvent('3'));
  await sink[Symbol.asyncDispose]();
  assert.deepEqual(
    got.map(({ ids }) => ids),
    ['1,2', '1,2', '3'],
  );
  assert.equal(got[0]?.bearer, 'Bearer t');
  assert.deepEqual(lost, []);
  server.closeAllConnections();
  server.close();
});
