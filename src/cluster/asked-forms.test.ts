import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EVENT } from '#api/types/resources.ts';
import { answerOf, startHttpsCluster, type HttpsCluster } from './https-cluster.fixture.ts';

interface Question {
  readonly method?: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** As an administrator, on a connection of its own. */
async function ask(
  { user }: HttpsCluster,
  { method = 'GET', path, headers = {}, body }: Question,
): Promise<{ readonly code: number | undefined; readonly answer: unknown }> {
  const request = user('admin', 'system:masters').open(method, path, headers);
  request.end(body);
  const { code, body: answer } = await answerOf(request);
  return { code, answer: JSON.parse(answer) };
}

test('asked forms: a review has no table, and says so unless the review itself would do', async () => {
  await using https = await startHttpsCluster();
  const table = 'application/json;as=Table;v=v1;g=meta.k8s.io';
  const review = {
    method: 'POST',
    path: '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
    body: JSON.stringify({ spec: { nonResourceAttributes: { path: '/', verb: 'get' } } }),
  };
  const typed = { 'content-type': 'application/json' };
  const refused = await ask(https, { ...review, headers: { ...typed, accept: table } });
  assert.equal(refused.code, 406);
  const taken = await ask(https, { ...review, headers: { ...typed, accept: `${table},application/json` } });
  assert.equal(taken.code, 201);
});

test('asked forms: events of the newer version are selected by their own names', async () => {
  await using https = await startHttpsCluster();
  for (const reportingComponent of ['one', 'two']) {
    await https.cluster.client.of(EVENT).create({
      metadata: { namespace: 'default', name: reportingComponent },
      involvedObject: { kind: 'Node', name: 'n' },
      reason: 'Tested',
      type: 'Normal',
      reportingComponent,
      reportingInstance: 'n',
    });
  }
  const names = async (groupPath: string, selector: string): Promise<unknown> => {
    const query = new URLSearchParams({ fieldSelector: selector }).toString();
    const { answer } = await ask(https, { path: `${groupPath}/namespaces/default/events?${query}` });
    const { items, message } = answer as {
      readonly items?: readonly { readonly metadata: { readonly name: string } }[];
      readonly message?: string;
    };
    return items?.map(({ metadata }) => metadata.name) ?? message;
  };
  const newer = '/apis/events.k8s.io/v1';
  assert.deepEqual(await names(newer, 'reportingController=two'), ['two']);
  assert.deepEqual(await names(newer, 'regarding.kind=Node,reportingController!=two'), ['one']);
  assert.equal(await names(newer, 'source=x'), 'field label not supported: source');
  assert.deepEqual(await names('/api/v1', 'reportingComponent=two'), ['two']);
});

test('asked forms: applied YAML that says something twice is refused or warned of', async () => {
  await using https = await startHttpsCluster();
  const apply = (fieldValidation: string): ReturnType<typeof ask> =>
    ask(https, {
      method: 'PATCH',
      path: `/api/v1/namespaces/default/configmaps/c?fieldManager=m&fieldValidation=${fieldValidation}`,
      headers: { 'content-type': 'application/apply-patch+yaml' },
      body: 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata:\n  a: v\n  a: w\n',
    });
  const { code, answer } = await apply('Strict');
  assert.equal(code, 400);
  assert.equal(
    (answer as { readonly message: string }).message,
    'error strict decoding YAML: error converting YAML to JSON: yaml: unmarshal errors:\n  line 6: key "a" already set in map',
  );
  const warned = await apply('Warn');
  assert.equal(warned.code, 201, JSON.stringify(warned.answer));
});

test('asked forms: discovery marks resources with the hashes of their stored types, as every server does', async () => {
  await using https = await startHttpsCluster();
  const hashOf = async (path: string, name: string): Promise<string | undefined> => {
    const { answer } = await ask(https, { path });
    const { resources } = answer as {
      readonly resources: readonly { readonly name: string; readonly storageVersionHash?: string }[];
    };
    return resources.find((resource) => resource.name === name)?.storageVersionHash;
  };
  assert.equal(await hashOf('/api/v1', 'pods'), 'xPOwRZ+Yhw8=');
  assert.equal(await hashOf('/apis/events.k8s.io/v1', 'events'), 'r2yiGXH7wu8=');
  assert.equal(await hashOf('/apis/autoscaling/v1', 'horizontalpodautoscalers'), 'qwQve8ut294=');
});

test('asked forms: a command of many kilobytes fits into the address of a request', async () => {
  await using https = await startHttpsCluster();
  const { code } = await ask(https, { path: `/version?command=${'a'.repeat(100_000)}` });
  assert.equal(code, 200);
});
