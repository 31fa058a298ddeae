import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CONFIG_MAP, VALIDATING_WEBHOOK_CONFIGURATION } from '#api/types/resources.ts';
import { startInProcessCluster } from './in-process-cluster.ts';
import { outcome } from './outcome.fixture.ts';
import { aConfigMap, hook, mutating, patchOf, startWebhooks, validating } from './webhook-server.fixture.ts';

function named(...expressions: readonly string[]) {
  return expressions.map((expression, index) => ({ name: `c${index}`, expression }));
}

test('match conditions: a webhook is only asked about writes for which all of them hold', async () => {
  await using server = await startWebhooks();
  await using cluster = await startInProcessCluster();
  await validating(
    cluster,
    hook(server, '/data', {
      matchConditions: named(
        "request.operation != 'DELETE'",
        "has(object.data) && object.data.key == 'value'",
        'oldObject == null',
      ),
    }),
    hook(server, '/user', {
      matchConditions: named(
        "request.userInfo.username == 'kubernetes-admin' && 'system:masters' in request.userInfo.groups",
        "authorizer.group('').resource('secrets').namespace('default').check('get').allowed()",
        "authorizer.requestResource.check('delete').allowed()",
        "!authorizer.serviceAccount('default', 'nobody').group('').resource('secrets').check('get').allowed()",
        'namespaceObject == null',
      ),
    }),
    hook(server, '/other', { matchConditions: named("request.resource.resource == 'pods'") }),
  );
  const maps = cluster.client.of(CONFIG_MAP);
  await maps.create(aConfigMap('a'));
  await maps.delete('default', 'a');
  assert.deepEqual(server.asked.toSorted(), [
    '/data CREATE configmaps/a',
    '/user CREATE configmaps/a',
    '/user DELETE configmaps/a',
  ]);
  const metrics = cluster.metrics.render();
  assert.match(
    metrics,
    /apiserver_admission_match_condition_exclusions_total\{name="other.hooks.example",kind="webhook",type="validate",operation="CREATE"\} 1/,
  );
  assert.match(
    metrics,
    /apiserver_admission_webhook_request_total\{name="data.hooks.example",type="validating",operation="CREATE",code="200",rejected="false"\} 1/,
  );
});

test('match conditions: those that fail refuse the write, unless the policy ignores it or another says no', async () => {
  await using server = await startWebhooks();
  await using cluster = await startInProcessCluster();
  const maps = cluster.client.of(CONFIG_MAP);
  const configurations = cluster.client.of(VALIDATING_WEBHOOK_CONFIGURATION);
  const cases: readonly (readonly [
    policy: 'Fail' | 'Ignore',
    conditions: readonly string[],
    heard: string,
  ])[] = [
    [
      'Fail',
      ['object.data.missing == 1'],
      `403 configmaps "x" is forbidden: expression 'object.data.missing == 1' resulted in error: no such key: missing`,
    ],
    [
      'Fail',
      ['object.data.one == 1', 'object.data.two == 1', 'true'],
      `403 configmaps "x" is forbidden: [expression 'object.data.one == 1' resulted in error: no such key: one, expression 'object.data.two == 1' resulted in error: no such key: two]`,
    ],
    ['Fail', ['object.data.missing == 1', 'false'], 'done'],
    ['Ignore', ['object.data.missing == 1'], 'done'],
  ];
  for (const [failurePolicy, conditions, heard] of cases) {
    const webhooks = [hook(server, '/x', { failurePolicy, matchConditions: named(...conditions) })];
    await configurations.create({ metadata: { name: 'failing' }, webhooks });
    assert.equal(await outcome(() => maps.create(aConfigMap('x'))), heard);
    await configurations.delete('', 'failing');
    await outcome(() => maps.delete('default', 'x'));
  }
  assert.deepEqual(server.asked, []);
  assert.match(
    cluster.metrics.render(),
    /match_condition_evaluation_errors_total\{name="x.hooks.example",kind="webhook",type="validating",operation="CREATE"\} 5/,
  );
});

test('match conditions: a mutating webhook sees what the one before made', async () => {
  await using server = await startWebhooks();
  await using cluster = await startInProcessCluster();
  server.answers.set('/first', () => patchOf({ op: 'add', path: '/metadata/labels/first', value: 'yes' }));
  await mutating(
    cluster,
    hook(server, '/first'),
    hook(server, '/second', { matchConditions: named("object.metadata.labels[?'first'].hasValue()") }),
    hook(server, '/third', { objectSelector: { matchLabels: { first: 'yes' } } }),
  );
  await cluster.client.of(CONFIG_MAP).create(aConfigMap('a', { own: 'label' }));
  assert.deepEqual(server.asked, [
    '/first CREATE configmaps/a',
    '/second CREATE configmaps/a',
    '/third CREATE configmaps/a',
  ]);
});

test('webhooks: a failure that is ignored is counted, a refusal too', async () => {
  await using server = await startWebhooks();
  await using cluster = await startInProcessCluster();
  server.answers.set('/broken', () => 500);
  server.answers.set('/no', () => ({ allowed: false, status: { code: 418 } }));
  await validating(cluster, hook(server, '/broken', { failurePolicy: 'Ignore' }), hook(server, '/no'));
  await outcome(() => cluster.client.of(CONFIG_MAP).create(aConfigMap('a')));
  const lines = cluster.metrics.render().split('\n');
  for (const line of [
    'apiserver_admission_webhook_fail_open_count{name="broken.hooks.example",type="validating"} 1',
    'apiserver_admission_webhook_request_total{name="broken.hooks.example",type="validating",operation="CREATE",code="500",rejected="false"} 1',
    'apiserver_admission_webhook_rejection_count{name="no.hooks.example",type="validating",operation="CREATE",error_type="no_error",rejection_code="418"} 1',
    'apiserver_admission_webhook_admission_duration_seconds_count{name="no.hooks.example",type="validating",operation="CREATE",rejected="true"} 1',
  ]) {
    assert.ok(lines.includes(line), line);
  }
});
