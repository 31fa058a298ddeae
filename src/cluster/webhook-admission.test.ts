import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AdmissionRequest } from '#api/types/admission.v1.ts';
import type { ValidatingWebhook } from '#api/types/admissionregistration.v1.ts';
import type { Pod } from '#api/types/core.v1.ts';
import {
  CONFIG_MAP,
  NAMESPACE,
  POD,
  SERVICE,
  SERVICE_ACCOUNT,
  VALIDATING_WEBHOOK_CONFIGURATION,
} from '#api/types/resources.ts';
import { SystemClock } from '#base/clock.ts';
import { SeededRandom } from '#base/random.ts';
import { CertificateAuthority } from '#base/x509/certificate-authority.ts';
import { startInProcessCluster } from './in-process-cluster.ts';
import { outcome } from './outcome.fixture.ts';
import {
  aConfigMap,
  hook,
  mutating,
  patchOf,
  RULE,
  startWebhooks,
  validating,
  type Said,
} from './webhook-server.fixture.ts';

test('webhooks: a validating one is told of the write, and refuses in its own words', async () => {
  await using server = await startWebhooks();
  await using cluster = await startInProcessCluster();
  const maps = cluster.client.of(CONFIG_MAP);
  await maps.create(aConfigMap('before'));
  await validating(
    cluster,
    hook(server, '/check'),
    hook(server, '/other', { rules: [{ ...RULE, resources: ['pods'] }] }),
  );
  assert.deepEqual(server.asked, []);
  await maps.create(aConfigMap('fine'));
  const create = (): Promise<unknown> => maps.create(aConfigMap('bad'));
  const said: readonly Said[] = [
    { allowed: false },
    { allowed: false, status: { message: 'not like this', code: 403, reason: 'Forbidden' } },
    { allowed: false, status: { reason: 'Gone', code: 200 } },
  ];
  const heard: string[] = [];
  for (const answer of said) {
    server.answers.set('/check', () => answer);
    heard.push(await outcome(create));
  }
  assert.deepEqual(heard, [
    '400 admission webhook "check.hooks.example" denied the request without explanation',
    '403 admission webhook "check.hooks.example" denied the request: not like this',
    '400 admission webhook "check.hooks.example" denied the request: Gone',
  ]);
  server.answers.clear();
  await maps.delete('default', 'fine');
  assert.deepEqual(server.asked, [
    '/check CREATE configmaps/fine',
    '/check CREATE configmaps/bad',
    '/check CREATE configmaps/bad',
    '/check CREATE configmaps/bad',
    '/check DELETE configmaps/fine',
  ]);
  const { uid: _uid, object: _object, oldObject, ...rest } = server.requests.at(-1) as AdmissionRequest;
  assert.equal((oldObject as { metadata?: { name: string } }).metadata?.name, 'fine');
  assert.deepEqual(rest, {
    kind: { group: '', version: 'v1', kind: 'ConfigMap' },
    resource: { group: '', version: 'v1', resource: 'configmaps' },
    requestKind: { group: '', version: 'v1', kind: 'ConfigMap' },
    requestResource: { group: '', version: 'v1', resource: 'configmaps' },
    name: 'fine',
    namespace: 'default',
    operation: 'DELETE',
    userInfo: { username: 'kubernetes-admin', groups: ['system:masters', 'system:authenticated'] },
    dryRun: false,
    options: { kind: 'DeleteOptions', apiVersion: 'meta.k8s.io/v1' },
  });
  assert.equal(server.connections, 1);
});

test('webhooks: selectors choose by the labels of the object and its namespace', async () => {
  await using server = await startWebhooks();
  await using cluster = await startInProcessCluster();
  await cluster.client.of(NAMESPACE).create({ metadata: { name: 'checked', labels: { check: 'yes' } } });
  await validating(
    cluster,
    hook(server, '/space', { namespaceSelector: { matchLabels: { check: 'yes' } } }),
    hook(server, '/object', { objectSelector: { matchLabels: { check: 'yes' } } }),
  );
  const maps = cluster.client.of(CONFIG_MAP);
  await maps.create(aConfigMap('neither'));
  await maps.create(aConfigMap('labelled', { check: 'yes' }));
  await maps.create({ metadata: { namespace: 'checked', name: 'there' } });
  assert.deepEqual(server.asked, ['/object CREATE configmaps/labelled', '/space CREATE configmaps/there']);
});

test('webhooks: mutating ones see what came before, patches get defaults, and IfNeeded looks again', async () => {
  await using server = await startWebhooks();
  await using cluster = await startInProcessCluster();
  const pods = { rules: [{ ...RULE, operations: ['CREATE'], resources: ['pods'] }] } as const;
  await cluster.client.of(SERVICE_ACCOUNT).create({ metadata: { namespace: 'default', name: 'default' } });
  await mutating(
    cluster,
    hook(server, '/first', { ...pods, reinvocationPolicy: 'IfNeeded' }),
    hook(server, '/second', pods),
  );
  server.answers.set('/first', ({ object }) => {
    const { containers } = (object as unknown as Pod).spec;
    const last = containers.length - 1;
    return patchOf({ op: 'replace', path: `/spec/containers/${last}/image`, value: `seen/${last}` });
  });
  server.answers.set('/second', () => ({
    ...patchOf({ op: 'add', path: '/spec/containers/-', value: { name: 'sidecar', image: 'x', unknown: 1 } }),
    warnings: ['a sidecar was added'],
  }));
  const pod = await cluster.client.of(POD).create({
    metadata: { namespace: 'default', name: 'web' },
    spec: { containers: [{ name: 'main', image: 'x' }] },
  });
  assert.deepEqual(
    pod.spec.containers.map(({ name, image, terminationMessagePath, volumeMounts = [] }) => ({
      name,
      image,
      terminationMessagePath,
      mounts: volumeMounts.map(({ mountPath }) => mountPath),
    })),
    ['main', 'sidecar'].map((name, index) => ({
      name,
      image: `seen/${index}`,
      terminationMessagePath: '/dev/termination-log',
      mounts: ['/var/run/secrets/kubernetes.io/serviceaccount'],
    })),
  );
  assert.deepEqual(server.asked, [
    '/first CREATE pods/web',
    '/second CREATE pods/web',
    '/first CREATE pods/web',
  ]);
});

test('webhooks: what fails is refused or ignored as its policy says', async () => {
  await using server = await startWebhooks();
  await using cluster = await startInProcessCluster();
  const { port } = server;
  const maps = cluster.client.of(CONFIG_MAP);
  const configurations = cluster.client.of(VALIDATING_WEBHOOK_CONFIGURATION);
  server.answers.set('/broken', () => 500);
  server.answers.set('/odd', () => ({ uid: 'another' }));
  server.answers.set('/patching', () => patchOf());
  const unknownCa = Buffer.from(
    CertificateAuthority.create('other', { clock: new SystemClock(), random: new SeededRandom(2) })
      .certificatePem,
  ).toString('base64');
  const url = `https://127.0.0.1:${port}`;
  const cases: readonly (readonly [Partial<ValidatingWebhook>, string])[] = [
    [
      hook(server, '/broken'),
      `failed calling webhook "broken.hooks.example": failed to call webhook: an error on the server ("broken") has prevented the request from succeeding`,
    ],
    [
      hook(server, '/odd'),
      `failed calling webhook "odd.hooks.example": received invalid webhook response: expected response.uid="UID", got "another"`,
    ],
    [
      hook(server, '/patching'),
      `failed calling webhook "patching.hooks.example": received invalid webhook response: validating webhook may not return response.patch`,
    ],
    [
      hook(server, '/ca', { clientConfig: { url: `${url}/ca`, caBundle: unknownCa } }),
      `failed calling webhook "ca.hooks.example": failed to call webhook: Post "${url}/ca?timeout=10s": tls: failed to verify certificate: x509: certificate signed by unknown authority`,
    ],
    [
      hook(server, '/gone', { clientConfig: { service: { namespace: 'default', name: 'gone', port: 443 } } }),
      `failed calling webhook "gone.hooks.example": failed to call webhook: service "gone" not found`,
    ],
  ];
  for (const [webhook, message] of cases) {
    for (const failurePolicy of ['Fail', 'Ignore'] as const) {
      const webhooks = [{ ...(webhook as ValidatingWebhook), failurePolicy }];
      await configurations.create({ metadata: { name: 'failing' }, webhooks });
      const heard = await outcome(() =>
        maps.create({ ...aConfigMap('x'), metadata: { namespace: 'default', generateName: 'x-' } }),
      );
      const seen = heard.replace(/response\.uid="[^"]*"/, 'response.uid="UID"');
      assert.equal(seen, failurePolicy === 'Ignore' ? 'done' : `500 Internal error occurred: ${message}`);
      await configurations.delete('', 'failing');
    }
  }
});

test('webhooks: silence ends with the timeout', async () => {
  await using server = await startWebhooks();
  await using cluster = await startInProcessCluster();
  server.answers.set('/silent', () => 'nothing');
  await validating(cluster, hook(server, '/silent', { timeoutSeconds: 3 }));
  const maps = cluster.client.of(CONFIG_MAP);
  const heard = outcome(() => maps.create(aConfigMap('x')));
  while (server.asked.length === 0) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  await cluster.clock.advance(3_000);
  assert.equal(
    await heard,
    `500 Internal error occurred: failed calling webhook "silent.hooks.example": failed to call webhook: Post "https://127.0.0.1:${server.port}/silent?timeout=3s": context deadline exceeded`,
  );
});

test('webhooks: one that is a Service is called by its cluster address, under its own name', async () => {
  await using server = await startWebhooks();
  await using cluster = await startInProcessCluster({
    services: { resolve: (_, __, port) => ({ host: '127.0.0.1', port }) },
  });
  await cluster.client.of(SERVICE).create({
    metadata: { namespace: 'default', name: 'hook' },
    spec: { ports: [{ port: server.port }] },
  });
  const service = { namespace: 'default', name: 'hook', path: '/service', port: server.port };
  await validating(
    cluster,
    hook(server, '/service', { clientConfig: { service, caBundle: server.caBundle } }),
  );
  await cluster.client.of(CONFIG_MAP).create(aConfigMap('x'));
  assert.deepEqual(server.asked, ['/service CREATE configmaps/x']);
});
