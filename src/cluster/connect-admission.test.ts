import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ApiCall } from '#apiserver/endpoints/api-call.ts';
import { parseRequestInfo } from '#apiserver/request-info.ts';
import { startInProcessCluster } from './in-process-cluster.ts';
import { outcome } from './outcome.fixture.ts';
import { hook, mutating, patchOf, startWebhooks, validating } from './webhook-server.fixture.ts';

const CONNECTIONS = {
  rules: [
    {
      operations: ['CONNECT'],
      apiGroups: [''],
      apiVersions: ['v1'],
      resources: ['pods/attach', 'pods/exec', 'pods/portforward', 'pods/proxy', 'services/proxy'],
    },
  ],
} as const;

/** How `kubectl` asks to connect to something. */
function connectTo(address: string, method = 'POST'): ApiCall {
  const [path = '', search] = `/api/v1/namespaces/default/${address}`.split('?');
  const query = new URLSearchParams(search);
  return {
    info: parseRequestInfo(method, path, query),
    query,
    user: { name: 'eve', groups: ['system:masters'], extra: {} },
    userAgent: 'test',
    body: undefined,
    wantsAggregatedDiscovery: false,
    signal: new AbortController().signal,
    warnings: [],
  };
}

test('webhooks: a connection is a CONNECT with its options as the object', async () => {
  await using server = await startWebhooks();
  await using cluster = await startInProcessCluster();
  const { handler } = cluster.plane.server;
  await validating(cluster, hook(server, '/check', CONNECTIONS));
  await handler.admitConnection(connectTo('pods/p/attach?container=c&stdin=true&stdout=false'));
  await handler.admitConnection(connectTo('pods/p/exec?command=ls&command=-l&tty=1'));
  await handler.admitConnection(connectTo('pods/p/portforward?ports=80,443&ports=8080'));
  await handler.admitConnection(connectTo('pods/https:p:443/proxy/a/b?q=1', 'GET'));
  await handler.admitConnection(connectTo('services/s:http/proxy', 'GET'));
  assert.deepEqual(
    server.requests.map(({ operation, kind, name, namespace, subResource, object, oldObject, options }) => ({
      said: `${operation} ${kind.kind} ${namespace}/${name} ${subResource}`,
      object,
      nothing: [oldObject, options],
    })),
    [
      {
        said: 'CONNECT PodAttachOptions default/p attach',
        object: { container: 'c', stdin: true, stdout: true, stderr: true },
      },
      {
        said: 'CONNECT PodExecOptions default/p exec',
        object: { command: ['ls', '-l'], stdout: true, stderr: true, tty: true },
      },
      { said: 'CONNECT PodPortForwardOptions default/p portforward', object: { ports: [80, 443, 8080] } },
      { said: 'CONNECT PodProxyOptions default/https:p:443 proxy', object: { path: '/a/b' } },
      { said: 'CONNECT ServiceProxyOptions default/s:http proxy', object: {} },
    ].map(({ said, object }) => ({
      said,
      object: { kind: said.split(' ')[1], apiVersion: 'v1', ...object },
      nothing: [null, null],
    })),
  );
});

test('webhooks: a connection can be refused, or led elsewhere', async () => {
  await using server = await startWebhooks();
  await using cluster = await startInProcessCluster();
  const { handler } = cluster.plane.server;
  await validating(cluster, hook(server, '/deny', { ...CONNECTIONS, objectSelector: {} }));
  server.answers.set('/deny', ({ name }) => ({
    allowed: name !== 'secret',
    status: { message: "attaching to pod 'secret' is not allowed" },
  }));
  assert.equal(
    await outcome(() => handler.admitConnection(connectTo('pods/secret/attach?stdin=true'))),
    '400 admission webhook "deny.hooks.example" denied the request: attaching to pod \'secret\' is not allowed',
  );
  await mutating(cluster, hook(server, '/lead', CONNECTIONS));
  const add = (path: string, value: unknown) => () => patchOf({ op: 'add', path, value });
  server.answers.set('/lead', add('/container', 'other'));
  const attached = await handler.admitConnection(connectTo('pods/p/attach?container=c&stdin=true'));
  assert.deepEqual(Object.fromEntries(attached.query), {
    container: 'other',
    stdin: 'true',
    stdout: 'true',
    stderr: 'true',
    tty: 'false',
  });
  server.answers.set('/lead', add('/path', 'elsewhere'));
  const proxied = await handler.admitConnection(connectTo('pods/p:80/proxy/here?q=1', 'GET'));
  assert.equal(proxied.info.path, '/api/v1/namespaces/default/pods/p:80/proxy/elsewhere');
  assert.equal(proxied.query.get('q'), '1');
});
