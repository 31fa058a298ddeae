import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request as httpsRequest } from 'node:https';
import { json } from 'node:stream/consumers';
import { test } from 'node:test';
import { CLUSTER_ROLE_BINDING, EVENT } from '#api/types/resources.ts';
import { SystemClock } from '#base/clock.ts';
import { SeededRandom } from '#base/random.ts';
import { CertificateAuthority } from '#base/x509/certificate-authority.ts';
import { startInProcessCluster, type InProcessCluster } from './in-process-cluster.ts';

const HOST = '127.0.0.1';

/** Opens the cluster's port, to anybody as its administrator. */
async function listen({ plane, client }: InProcessCluster): Promise<number> {
  const sources = { clock: new SystemClock(), random: new SeededRandom(1) };
  const authority = CertificateAuthority.create('test-ca', sources);
  const { certificatePem, keyPem } = authority.issue({
    subject: { commonName: 'kube-apiserver', organizations: [] },
    altNames: { dnsNames: [], ipAddresses: [HOST] },
  });
  await client.of(CLUSTER_ROLE_BINDING).create({
    metadata: { name: 'anybody' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
    subjects: [{ kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: 'system:anonymous' }],
  });
  const tls = { cert: certificatePem, key: keyPem, clientCa: authority.certificatePem };
  return await plane.server.listen({ ...tls, host: HOST, port: 0, advertise: HOST });
}

interface Question {
  readonly method?: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

async function ask(
  port: number,
  { method = 'GET', path, headers = {}, body }: Question,
): Promise<{ readonly code: number; readonly answer: unknown }> {
  const request = httpsRequest({ host: HOST, port, path, method, headers, rejectUnauthorized: false });
  request.end(body);
  const [response] = await once(request, 'response');
  return { code: response.statusCode, answer: await json(response) };
}

test('asked forms: a review has no table, and says so unless the review itself would do', async () => {
  await using cluster = await startInProcessCluster();
  const port = await listen(cluster);
  const table = 'application/json;as=Table;v=v1;g=meta.k8s.io';
  const review = {
    method: 'POST',
    path: '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
    body: JSON.stringify({ spec: { nonResourceAttributes: { path: '/', verb: 'get' } } }),
  };
  const typed = { 'content-type': 'application/json' };
  const refused = await ask(port, { ...review, headers: { ...typed, accept: table } });
  assert.equal(refused.code, 406);
  const taken = await ask(port, { ...review, headers: { ...typed, accept: `${table},application/json` } });
  assert.equal(taken.code, 201);
});

test('asked forms: events of the newer version are selected by their own names', async () => {
  await using cluster = await startInProcessCluster();
  const port = await listen(cluster);
  for (const reportingComponent of ['one', 'two']) {
    await cluster.client.of(EVENT).create({
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
    const { answer } = await ask(port, { path: `${groupPath}/namespaces/default/events?${query}` });
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
  await using cluster = await startInProcessCluster();
  const port = await listen(cluster);
  const apply = (fieldValidation: string): ReturnType<typeof ask> =>
    ask(port, {
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
  await using cluster = await startInProcessCluster();
  const port = await listen(cluster);
  const hashOf = async (path: string, name: string): Promise<string | undefined> => {
    const { answer } = await ask(port, { path });
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
  await using cluster = await startInProcessCluster();
  const port = await listen(cluster);
  const { code } = await ask(port, { path: `/version?command=${'a'.repeat(100_000)}` });
  assert.equal(code, 200);
});
