import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request as httpsRequest } from 'node:https';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import type { APIService } from '#api/types/apiregistration.v1.ts';
import {
  APISERVICE,
  CLUSTER_ROLE_BINDING,
  CUSTOM_RESOURCE_DEFINITION,
  ENDPOINT_SLICE,
  NAMESPACE,
  SERVICE,
} from '#api/types/resources.ts';
import type { Namespace } from '#api/types/core.v1.ts';
import { SILENT_LOGGER } from '#base/log.ts';
import { VirtualClock } from '#base/virtual-clock.ts';
import { MemoryStore } from '#store/memory-store.ts';
import { ComponentSet } from './component-set.ts';
import {
  AGGREGATED,
  authority,
  caBundle,
  frontProxyClient,
  GROUP,
  NAME,
  proxyAuthority,
  RESOURCES,
  ROOT,
  startExtension,
  WHERE,
  type ExtensionServer,
} from './extension-server.fixture.ts';
import { startInProcessCluster, type InProcessCluster, type InProcessOptions } from './in-process-cluster.ts';
import { outcome } from './outcome.fixture.ts';

interface Started extends AsyncDisposable {
  readonly cluster: InProcessCluster;
  readonly port: number;
}

/** A cluster on the network in which the extension server is registered and found good. */
async function startAggregated(extension: ExtensionServer, changes: object = {}): Promise<Started> {
  const started = await start({ services: extension.services });
  const { cluster } = started;
  await cluster.client.of(NAMESPACE).create({ metadata: { name: 'wardle' } });
  await createService(cluster);
  await createSlice(cluster);
  await register(cluster, changes);
  await untilReason(cluster, 'Passed');
  return started;
}

async function start(options: InProcessOptions = {}): Promise<Started> {
  await using stack = new AsyncDisposableStack();
  const cluster = stack.use(await startInProcessCluster({ frontProxyClient, ...options }));
  const { certificatePem: cert, keyPem: key } = authority.issue({
    subject: { commonName: 'kube-apiserver', organizations: [] },
    altNames: { dnsNames: ['localhost'], ipAddresses: ['127.0.0.1'] },
  });
  const host = '127.0.0.1';
  const clientCa = authority.certificatePem;
  const port = await cluster.plane.server.listen({ cert, key, clientCa, host, port: 0, advertise: host });
  await cluster.client.of(CLUSTER_ROLE_BINDING).create({
    metadata: { name: 'everybody' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
    subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'Group', name: 'system:unauthenticated' }],
  });
  const owned = stack.move();
  return { cluster, port, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

async function createService({ client }: InProcessCluster): Promise<void> {
  await client.of(SERVICE).create({ metadata: WHERE, spec: { ports: [{ name: 'https', port: 443 }] } });
}

async function createSlice({ client }: InProcessCluster, isReady = true): Promise<void> {
  await client.of(ENDPOINT_SLICE).create({
    metadata: { ...WHERE, labels: { 'kubernetes.io/service-name': WHERE.name } },
    addressType: 'IPv4',
    endpoints: [{ addresses: ['10.244.0.9'], conditions: { ready: isReady } }],
    ports: [{ name: 'https', port: 8443, protocol: 'TCP' }],
  });
}

function register({ client }: InProcessCluster, changes: object = {}): Promise<APIService> {
  return client.of(APISERVICE).create({
    metadata: { name: NAME },
    spec: {
      group: GROUP,
      version: 'v1alpha1',
      service: WHERE,
      caBundle,
      groupPriorityMinimum: 2000,
      versionPriority: 15,
      ...changes,
    },
  });
}

/** Waits until the condition has the reason; the cluster's writes wake it, so no time is needed. */
async function untilReason({ plane }: InProcessCluster, reason: string, name = NAME): Promise<string> {
  const { mirrors } = plane.server.registry;
  const { promise, resolve } = Promise.withResolvers<string>();
  const look = (): void => {
    const condition = mirrors.get(APISERVICE, '', name)?.status.conditions?.[0];
    if (condition?.reason === reason) {
      resolve(`${condition.status} ${condition.reason}: ${condition.message ?? ''}`);
    }
  };
  const end = mirrors.onChange(APISERVICE, look);
  look();
  try {
    return await promise;
  } finally {
    end();
  }
}

interface Answer {
  readonly code: number | undefined;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: string;
}

async function ask(
  port: number,
  path: string,
  { method = 'GET', body = '', accept = 'application/json' } = {},
): Promise<Answer> {
  const headers = { accept, 'x-remote-user': 'forged', 'content-type': 'application/json' };
  const request = httpsRequest({ host: '127.0.0.1', port, path, method, headers, rejectUnauthorized: false });
  request.end(body);
  const [response] = await once(request, 'response');
  return { code: response.statusCode, headers: response.headers, body: await text(response) };
}

test('aggregated API: what is missing between the APIService and its server is named, one thing after the other', async () => {
  await using extension = await startExtension();
  await using cluster = await startInProcessCluster({ frontProxyClient, services: extension.services });
  extension.isBroken = true;
  await cluster.client.of(NAMESPACE).create({ metadata: { name: 'wardle' } });
  await register(cluster);
  assert.equal(
    await untilReason(cluster, 'ServiceNotFound'),
    'False ServiceNotFound: service/api in "wardle" is not present',
  );
  await cluster.client
    .of(SERVICE)
    .create({ metadata: WHERE, spec: { ports: [{ name: 'https', port: 444 }] } });
  assert.equal(
    await untilReason(cluster, 'ServicePortError'),
    'False ServicePortError: service/api in "wardle" is not listening on port 443',
  );
  await cluster.client
    .of(SERVICE)
    .patch('wardle', 'api', { spec: { ports: [{ name: 'https', port: 443 }] } }, { type: 'merge' });
  assert.equal(
    await untilReason(cluster, 'EndpointsNotFound'),
    'False EndpointsNotFound: cannot find endpointslices for service/api in "wardle"',
  );
  await createSlice(cluster, false);
  assert.equal(
    await untilReason(cluster, 'MissingEndpoints'),
    'False MissingEndpoints: endpointslices for service/api in "wardle" have no addresses with port name "https"',
  );
  await cluster.client
    .of(ENDPOINT_SLICE)
    .patch('wardle', 'api', [{ op: 'replace', path: '/endpoints/0/conditions/ready', value: true }], {
      type: 'json',
    });
  assert.match(
    await untilReason(cluster, 'FailedDiscoveryCheck'),
    /^False FailedDiscoveryCheck: failing or missing response from (https:\/\/127\.0\.0\.1:\d+\/apis\/wardle\.example\.com\/v1alpha1): bad status from \1: 500$/,
  );
  extension.isBroken = false;
  await cluster.clock.advance(30_000);
  assert.equal(await untilReason(cluster, 'Passed'), 'True Passed: all checks passed');
});

test('aggregated API: requests go to the extension server in the name of who asked, and its answer is carried back', async () => {
  await using extension = await startExtension();
  await using started = await startAggregated(extension);
  const path = `${ROOT}/namespaces/default/flunders`;
  const answer = await ask(started.port, `${path}?limit=5`, { method: 'POST', body: '{"a":1}' });
  assert.deepEqual([answer.code, answer.headers['x-answer']], [200, 'own']);
  assert.deepEqual(JSON.parse(answer.body), {
    kind: 'Flunder',
    isProxy: true,
    authorization: '',
    sender: '127.0.0.1',
    audit: answer.headers['audit-id'],
    body: '{"a":1}',
    'x-remote-user': 'system:anonymous',
    'x-remote-group': 'system:unauthenticated',
  });
  assert.deepEqual(extension.asked, [`POST ${path}?limit=5`]);
  const discovery = await ask(started.port, ROOT);
  assert.deepEqual(JSON.parse(discovery.body), RESOURCES);
});

test('aggregated API: a certificate that is not made for the Service is refused', async () => {
  await using extension = await startExtension();
  const caOfOthers = Buffer.from(proxyAuthority.certificatePem).toString('base64');
  await using started = await startAggregated(extension, { caBundle: caOfOthers });
  const { code, headers, body } = await ask(started.port, `${ROOT}/flunders`);
  assert.deepEqual(
    [code, headers['content-type'], body],
    [
      503,
      'text/plain; charset=utf-8',
      'error trying to reach service: tls: failed to verify certificate: x509: certificate signed by unknown authority\n',
    ],
  );
});

test('aggregated API: insecureSkipTLSVerify takes any certificate', async () => {
  await using extension = await startExtension();
  await using started = await startAggregated(extension, {
    caBundle: undefined,
    insecureSkipTLSVerify: true,
  });
  assert.equal((await ask(started.port, `${ROOT}/flunders`)).code, 200);
});

test('aggregated API: kept connections that turn out to be closed are noticed only by who wrote', async () => {
  await using extension = await startExtension();
  await using started = await startAggregated(extension);
  const path = `${ROOT}/flunders`;
  assert.equal((await ask(started.port, path)).code, 200);
  extension.hangUps = 1;
  assert.equal((await ask(started.port, path)).code, 200);
  extension.hangUps = 1;
  assert.equal((await ask(started.port, path, { method: 'POST', body: '{}' })).code, 503);
  assert.deepEqual(extension.asked, [`GET ${path}`, `GET ${path}`, `GET ${path}`, `POST ${path}`]);
});

test('aggregated API: while it is not available every request gets 503', async () => {
  await using extension = await startExtension();
  await using started = await startAggregated(extension);
  await started.cluster.client.of(SERVICE).delete('wardle', 'api');
  await untilReason(started.cluster, 'ServiceNotFound');
  const { code, body } = await ask(started.port, `${ROOT}/flunders`);
  assert.deepEqual([code, body], [503, 'service unavailable\n']);
});

test('aggregated API: components in the process reach it too', async () => {
  await using extension = await startExtension();
  await using started = await startAggregated(extension);
  const flunders = {
    group: GROUP,
    version: 'v1alpha1',
    resource: 'flunders',
    kind: 'Flunder',
    isNamespaced: true,
  };
  const { client } = started.cluster;
  const found = await client.of(flunders).get('default', 'one');
  assert.equal((found as { 'x-remote-user'?: string })['x-remote-user'], 'kubernetes-admin');
  assert.equal(
    await outcome(() => client.of(flunders).get('default', 'missing')),
    '404 flunders "missing" not found',
  );
});

test('aggregated API: a connection is upgraded when the extension server agrees', async () => {
  await using extension = await startExtension();
  await using started = await startAggregated(extension);
  const socket = connectTls({ host: '127.0.0.1', port: started.port, rejectUnauthorized: false });
  socket.write(
    `GET ${ROOT}/flunders/x/shell HTTP/1.1\r\nhost: x\r\nconnection: Upgrade\r\nupgrade: shout\r\n\r\n`,
  );
  socket.once('data', () => socket.write('hello'));
  assert.match(
    await text(socket),
    /^HTTP\/1\.1 101 Switching Protocols\r\n[^]*\r\n\r\nsystem:anonymous:HELLO$/,
  );
});

/** Asks until the answer is as expected: what extension servers have is read in the background. */
async function untilAnswered(
  port: number,
  path: string,
  isExpected: (body: string) => boolean,
  accept = 'application/json',
): Promise<string> {
  for (let tries = 0; tries < 500; tries++) {
    const { body } = await ask(port, path, { accept });
    if (isExpected(body)) {
      return body;
    }
  }
  assert.fail(`${path} never answered as expected`);
}

interface Groups {
  readonly groups: readonly { readonly name: string; readonly preferredVersion: object }[];
}

interface Discovered {
  readonly items: readonly {
    readonly metadata: { readonly name: string };
    readonly versions: readonly { readonly resources?: readonly object[]; readonly freshness: string }[];
  }[];
}

for (const isOld of [false, true]) {
  test(`aggregated API: discovery lists it, from a server of ${isOld ? 'old' : 'new'} habits`, async () => {
    await using extension = await startExtension();
    extension.isOld = isOld;
    await using started = await startAggregated(extension, { groupPriorityMinimum: 17_250 });
    const { groups } = JSON.parse((await ask(started.port, '/apis')).body) as Groups;
    const at = groups.findIndex(({ name }) => name === GROUP);
    assert.deepEqual(
      [groups[at - 1]?.name, groups[at + 1]?.name],
      ['certificates.k8s.io', 'networking.k8s.io'],
    );
    assert.deepEqual(groups[at]?.preferredVersion, {
      groupVersion: `${GROUP}/v1alpha1`,
      version: 'v1alpha1',
    });
    assert.equal(JSON.parse((await ask(started.port, `/apis/${GROUP}`)).body).name, GROUP);
    const body = await untilAnswered(started.port, '/apis', (each) => each.includes('flunders'), AGGREGATED);
    const item = (JSON.parse(body) as Discovered).items.find(({ metadata }) => metadata.name === GROUP);
    assert.deepEqual(
      item?.versions,
      isOld
        ? [
            {
              version: 'v1alpha1',
              resources: [
                {
                  resource: 'flunders',
                  responseKind: { group: '', version: '', kind: 'Flunder' },
                  scope: 'Namespaced',
                  singularResource: 'flunder',
                  verbs: ['get', 'list'],
                  subresources: [
                    {
                      subresource: 'status',
                      responseKind: { group: '', version: '', kind: 'Flunder' },
                      verbs: ['get'],
                    },
                  ],
                },
              ],
              freshness: 'Current',
            },
          ]
        : [
            {
              version: 'v1alpha1',
              resources: [{ resource: 'flunders', scope: 'Namespaced', verbs: ['list', 'delete'] }],
              freshness: 'Current',
            },
          ],
    );
  });
}

test('aggregated API: a version whose server does not say what it has is listed as stale', async () => {
  await using extension = await startExtension();
  await using started = await start({ services: extension.services });
  await register(started.cluster);
  await untilReason(started.cluster, 'ServiceNotFound');
  const { body } = await ask(started.port, '/apis', { accept: AGGREGATED });
  const item = (JSON.parse(body) as Discovered).items.find(({ metadata }) => metadata.name === GROUP);
  assert.deepEqual(item?.versions, [{ version: 'v1alpha1', freshness: 'Stale' }]);
});

test('aggregated API: OpenAPI describes it', async () => {
  await using extension = await startExtension();
  await using started = await startAggregated(extension);
  const index = await untilAnswered(started.port, '/openapi/v3', (each) => each.includes('wardle'));
  const paths = JSON.parse(index).paths as Readonly<Record<string, object>>;
  assert.deepEqual(paths[ROOT.slice(1)], { serverRelativeURL: `/openapi/v3${ROOT}?hash=A1` });
  assert.ok(paths['api/v1'] !== undefined && paths['version'] === undefined);
  const document = await ask(started.port, `/openapi/v3${ROOT}?hash=A1`);
  assert.deepEqual(JSON.parse(document.body), { openapi: '3.0.0' });
  const swagger = JSON.parse((await ask(started.port, '/openapi/v2')).body);
  assert.deepEqual(Object.keys(swagger.paths), [`${ROOT}/flunders`]);
  assert.ok('Flunder' in swagger.definitions && !('Unused' in swagger.definitions));
});

test('aggregated API: an APIService is gone with its requests once it is deleted', async () => {
  await using extension = await startExtension();
  await using started = await startAggregated(extension);
  await started.cluster.client.of(APISERVICE).delete('', NAME);
  assert.equal((await ask(started.port, ROOT)).code, 404);
  assert.ok(!(await ask(started.port, '/apis')).body.includes(GROUP));
});

/** A store that outlives the clusters over it. */
class KeptStore extends MemoryStore {
  override close(): Promise<void> {
    return Promise.resolve();
  }
}

test('aggregated API: after a restart it is there as before', async () => {
  await using extension = await startExtension();
  const store = new KeptStore({ clock: new VirtualClock() });
  {
    await using cluster = await startInProcessCluster({
      services: extension.services,
      frontProxyClient,
      store,
    });
    await cluster.client.of(NAMESPACE).create({ metadata: { name: 'wardle' } });
    await createService(cluster);
    await createSlice(cluster);
    await register(cluster);
    await untilReason(cluster, 'Passed');
  }
  await using started = await start({ services: extension.services, store });
  const body = await untilAnswered(started.port, '/apis', (each) => each.includes('flunders'), AGGREGATED);
  assert.ok(body.includes(GROUP));
  assert.equal((await ask(started.port, `${ROOT}/flunders`)).code, 200);
});

test('aggregated API: a namespace goes once its objects elsewhere are gone, and known', async () => {
  await using extension = await startExtension();
  await using started = await startAggregated(extension);
  const { cluster, port } = started;
  const { client, plane, clock, random, metrics } = cluster;
  await untilAnswered(port, '/apis', (each) => each.includes('flunders'), AGGREGATED);
  await using components = new ComponentSet(
    { plane, clock, random, metrics, log: SILENT_LOGGER },
    { rootCaPem: authority.certificatePem, podCidr: '10.244.0.0/16' },
  );
  components.start();
  await client.of(NAMESPACE).create({ metadata: { name: 'doomed' } });
  const { mirrors } = plane.server.registry;
  const until = (isSo: (namespace: Namespace | undefined) => boolean): Promise<void> =>
    new Promise((resolve) => {
      const look = (): void => {
        if (isSo(mirrors.get(NAMESPACE, '', 'doomed'))) {
          resolve();
        }
      };
      mirrors.onChange(NAMESPACE, look);
      look();
    });
  // With the Service gone, nobody can tell what the namespace holds there.
  await client.of(SERVICE).delete('wardle', 'api');
  await untilAnswered(port, '/apis', (each) => each.includes('Stale'), AGGREGATED);
  await client.of(NAMESPACE).delete('', 'doomed');
  await clock.advance(1_000);
  const failed = `Discovery failed for some groups, 1 failing: unable to retrieve the complete list of server APIs: ${GROUP}/v1alpha1: stale GroupVersion discovery: ${GROUP}/v1alpha1`;
  await until((namespace) =>
    (namespace?.status.conditions ?? []).some(
      ({ type, status, message }) =>
        type === 'NamespaceDeletionDiscoveryFailure' && status === 'True' && message === failed,
    ),
  );
  await createService(cluster);
  await untilReason(cluster, 'Passed');
  await untilAnswered(port, '/apis', (each) => each.includes('flunders'), AGGREGATED);
  const gone = until((namespace) => namespace === undefined);
  await clock.advance(60_000);
  await gone;
  assert.ok(extension.asked.includes(`GET ${ROOT}/namespaces/doomed/flunders`));
});

test('local APIs: each has an APIService, those of definitions as long as they are served', async () => {
  await using cluster = await startInProcessCluster({ registersApis: true });
  const local = 'True Local: Local APIServices are always available';
  assert.equal(await untilReason(cluster, 'Local', 'v1.'), local);
  assert.equal(await untilReason(cluster, 'Local', 'v1.apps'), local);
  const { metadata, spec } = await cluster.client.of(APISERVICE).get('', 'v2.autoscaling');
  assert.deepEqual(metadata.labels, { 'kube-aggregator.kubernetes.io/automanaged': 'onstart' });
  assert.deepEqual(spec, {
    group: 'autoscaling',
    version: 'v2',
    groupPriorityMinimum: 17_500,
    versionPriority: 30,
  });
  await cluster.client.of(CUSTOM_RESOURCE_DEFINITION).create({
    metadata: { name: 'foos.example.com' },
    spec: {
      group: 'example.com',
      scope: 'Namespaced',
      names: { plural: 'foos', kind: 'Foo' },
      versions: [
        { name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } },
      ],
    },
  });
  assert.equal(await untilReason(cluster, 'Local', 'v1.example.com'), local);
  const { mirrors } = cluster.plane.server.registry;
  const gone = Promise.withResolvers<void>();
  mirrors.onChange(APISERVICE, ({ object }) => object === undefined && gone.resolve());
  const unserved = [{ op: 'replace', path: '/spec/versions/0/served', value: false }];
  await cluster.client
    .of(CUSTOM_RESOURCE_DEFINITION)
    .patch('', 'foos.example.com', unserved, { type: 'json' });
  await gone.promise;
  assert.equal(mirrors.get(APISERVICE, '', 'v1.example.com'), undefined);
});

test('APIService: names, priorities and connections are checked', async () => {
  await using cluster = await startInProcessCluster();
  const wrong = { group: 'other.example.com', groupPriorityMinimum: 0, versionPriority: 1001 };
  assert.equal(
    await outcome(() =>
      register(cluster, { ...wrong, insecureSkipTLSVerify: true, service: { name: 'api' } }),
    ),
    [
      `422 APIService.apiregistration.k8s.io "${NAME}" is invalid: [metadata.name: Invalid value: "${NAME}": must be \`spec.version+"."+spec.group\`: "v1alpha1.other.example.com"`,
      'spec.groupPriorityMinimum: Invalid value: 0: must be positive and less than 20000',
      'spec.versionPriority: Invalid value: 1001: must be positive and less than 1000',
      'spec.service.namespace: Required value',
      'spec.insecureSkipTLSVerify: Invalid value: true: may not be true if caBundle is present]',
    ].join(', '),
  );
});
