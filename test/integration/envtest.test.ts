// What controller-runtime's envtest does to the programs in KUBEBUILDER_ASSETS, step by step, without Go.
import assert from 'node:assert/strict';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ApiObject } from '#api/object.ts';
import { isForbidden } from '#api/status-error.ts';
import type { TokenRequest } from '#api/types/authentication.v1.ts';
import {
  CONFIG_MAP,
  CUSTOM_RESOURCE_DEFINITION,
  NAMESPACE,
  POD,
  SECRET,
  SERVICE_ACCOUNT,
} from '#api/types/resources.ts';
import { SystemClock } from '#base/clock.ts';
import { SystemRandom } from '#base/random.ts';
import { CertificateAuthority, type CertifiedKey } from '#base/x509/certificate-authority.ts';
import { Client } from '#client/client.ts';
import { HttpsTransport } from '#client/https-transport.ts';
import { kubeconfigYaml } from '#cluster/pki/kubeconfig-file.ts';
import { customResource, type CustomObject } from '#operator/custom-resource.ts';
import { freePorts } from './etcd-process.fixture.ts';

/** As envtest's: how often it asks, and how long it waits. */
const POLL_MS = 100;
const START_TIMEOUT_MS = 20_000;
/** Its own limit is 20 s; a suite has many. */
const STOP_MS_MAX = 5_000;

const signing = { clock: new SystemClock(), random: new SystemRandom() };
const root = join(import.meta.dirname, '..', '..');
const directory = mkdtempSync(join(tmpdir(), 'coracle-envtest-'));
const assets = join(directory, 'assets');
const certs = join(directory, 'certs');

const servingAuthority = CertificateAuthority.create('envtest-environment', signing);
const clientAuthority = CertificateAuthority.create('envtest-environment', signing);

let etcd: ChildProcess;
let server: ChildProcess;
let url = '';

/** envtest looks into the help for some flags before it uses them. */
function hasFlag(program: string, flag: string): boolean {
  const { status, stdout, stderr } = spawnSync(join(assets, program), ['--help'], { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  return new RegExp(`^\\s*--${flag}\\b`, 'm').test(stdout + stderr);
}

async function untilOk(address: string, child: ChildProcess): Promise<void> {
  const give = Date.now() + START_TIMEOUT_MS;
  const get = address.startsWith('https') ? httpsRequest : httpRequest;
  for (;;) {
    assert.ok(Date.now() < give, `${address} does not answer`);
    assert.equal(child.exitCode, null, 'the program has ended');
    const { promise, resolve } = Promise.withResolvers<number>();
    get(address, { rejectUnauthorized: false, agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    })
      .on('error', () => resolve(0))
      .end();
    if ((await promise) === 200) {
      return;
    }
    await sleep(POLL_MS);
  }
}

async function stop(child: ChildProcess): Promise<number> {
  const startMs = Date.now();
  child.kill('SIGTERM');
  if (child.exitCode === null) {
    await once(child, 'exit');
  }
  assert.equal(child.exitCode, 0);
  return Date.now() - startMs;
}

function user(name: string, ...organizations: readonly string[]): CertifiedKey {
  return clientAuthority.issue({
    subject: { commonName: name, organizations },
    extendedKeyUsages: ['clientAuth'],
  });
}

function clientOf(credential: Partial<CertifiedKey> & { readonly token?: string }): Client & AsyncDisposable {
  const transport = new HttpsTransport({
    server: url,
    ca: servingAuthority.certificatePem,
    cert: credential.certificatePem,
    key: credential.keyPem,
    token: credential.token,
    clock: signing.clock,
  });
  return Object.assign(new Client(transport), {
    [Symbol.asyncDispose]: () => transport.close(),
  });
}

before(async () => {
  const made = spawnSync(process.execPath, [join(root, 'bin', 'coracle.mjs'), 'envtest-assets', assets], {
    encoding: 'utf8',
  });
  assert.equal(made.stdout.trim(), assets, made.stderr);
  assert.equal(hasFlag('etcd', 'unsafe-no-fsync'), true);
  assert.equal(hasFlag('kube-apiserver', 'insecure-port'), false);
  const [clientPort, peerPort] = await freePorts();
  const [securePort] = await freePorts();
  const etcdUrl = `http://127.0.0.1:${clientPort}`;
  etcd = spawn(
    join(assets, 'etcd'),
    [
      `--advertise-client-urls=${etcdUrl}`,
      `--data-dir=${mkdtempSync(join(directory, 'etcd-'))}`,
      `--listen-client-urls=${etcdUrl}`,
      `--listen-peer-urls=http://127.0.0.1:${peerPort}`,
      '--unsafe-no-fsync=true',
    ],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  );
  await untilOk(`${etcdUrl}/health`, etcd);
  writeCertificates();
  url = `https://127.0.0.1:${securePort}`;
  server = spawn(
    join(assets, 'kube-apiserver'),
    [
      '--advertise-address=127.0.0.1',
      '--allow-privileged=true',
      '--authorization-mode=RBAC',
      '--bind-address=127.0.0.1',
      `--cert-dir=${certs}`,
      `--client-ca-file=${join(certs, 'client-cert-auth-ca.crt')}`,
      '--disable-admission-plugins=ServiceAccount',
      `--etcd-servers=${etcdUrl}`,
      `--secure-port=${securePort}`,
      `--service-account-issuer=${url}/`,
      `--service-account-key-file=${join(certs, 'sa-signer.crt')}`,
      `--service-account-signing-key-file=${join(certs, 'sa-signer.key')}`,
      '--service-cluster-ip-range=10.0.0.0/24',
    ],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  );
  await untilOk(`${url}/healthz`, server);
  await untilOk(`${url}/readyz`, server);
});

function writeCertificates(): void {
  const serving = servingAuthority.issue({
    subject: { commonName: 'localhost', organizations: [] },
    extendedKeyUsages: ['serverAuth'],
    altNames: { dnsNames: ['localhost'], ipAddresses: ['127.0.0.1'] },
  });
  const accounts = CertificateAuthority.create('envtest-environment', signing);
  rmSync(certs, { recursive: true, force: true });
  const files: Readonly<Record<string, string>> = {
    'apiserver.crt': serving.certificatePem,
    'apiserver.key': serving.keyPem,
    'sa-signer.crt': accounts.certificatePem,
    'sa-signer.key': accounts.keyPem,
    'client-cert-auth-ca.crt': clientAuthority.certificatePem,
  };
  spawnSync('mkdir', ['-p', certs]);
  for (const [name, text] of Object.entries(files)) {
    writeFileSync(join(certs, name), text, { mode: 0o600 });
  }
}

after(async () => {
  server.kill('SIGKILL');
  etcd.kill('SIGKILL');
  rmSync(directory, { recursive: true, force: true });
});

test('envtest: an administrator’s certificate of the given authority works, and objects are kept', async () => {
  await using client = clientOf(user('admin', 'system:masters'));
  await client.of(NAMESPACE).create({ metadata: { name: 'suite' } });
  await client.of(CONFIG_MAP).create({ metadata: { namespace: 'suite', name: 'a' }, data: { key: 'value' } });
  assert.deepEqual((await client.of(CONFIG_MAP).get('suite', 'a')).data, { key: 'value' });
  // Without the plugin ServiceAccount a pod needs no account, which nobody is there to make.
  const pod = await client.of(POD).create({
    metadata: { namespace: 'suite', name: 'p' },
    spec: { containers: [{ name: 'c', image: 'busybox', securityContext: { privileged: true } }] },
  });
  assert.equal(pod.spec.serviceAccountName, undefined);
});

test('envtest: a custom resource is served soon after its definition, with status and watch', async () => {
  interface Toy extends CustomObject<{ readonly size: number }, { readonly seen?: boolean }> {}
  const toys = customResource<Toy>({
    group: 'suite.example.com',
    version: 'v1',
    kind: 'Toy',
    plural: 'toys',
  });
  await using client = clientOf(user('admin', 'system:masters'));
  const definitions = client.of(CUSTOM_RESOURCE_DEFINITION);
  const schema = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
  await definitions.create({
    metadata: { name: 'toys.suite.example.com' },
    spec: {
      group: 'suite.example.com',
      scope: 'Namespaced',
      names: { plural: 'toys', kind: 'Toy' },
      versions: [
        {
          name: 'v1',
          served: true,
          storage: true,
          subresources: { status: {} },
          schema: { openAPIV3Schema: schema },
        },
      ],
    },
  });
  const isEstablished = async (): Promise<boolean> => {
    const { status } = await definitions.get('', 'toys.suite.example.com');
    return (
      status.conditions?.some(({ type, status: is }) => type === 'Established' && is === 'True') ?? false
    );
  };
  while (!(await isEstablished())) {
    await sleep(POLL_MS);
  }
  const made = await client
    .of(toys)
    .create({ metadata: { namespace: 'default', name: 'ball' }, spec: { size: 1 } });
  const seen = Promise.withResolvers<ApiObject>();
  const ending = new AbortController();
  const watching = (async () => {
    const query = { resourceVersion: made.metadata.resourceVersion ?? '' };
    for await (const { object } of client.of(toys).watch('default', query, ending.signal)) {
      seen.resolve(object);
      return;
    }
  })();
  await client
    .of(toys)
    .patch('default', 'ball', { status: { seen: true } }, { type: 'merge', subresource: 'status' });
  assert.deepEqual(((await seen.promise) as Toy).status, { seen: true });
  ending.abort();
  await watching;
});

test('envtest: users have the rights that RBAC gives them', async () => {
  await using nobody = clientOf(user('nobody'));
  await assert.rejects(nobody.of(SECRET).list('default'), isForbidden);
});

test('envtest: tokens are of the issuer that was named, and good', async () => {
  await using admin = clientOf(user('admin', 'system:masters'));
  await admin.of(SERVICE_ACCOUNT).create({ metadata: { namespace: 'default', name: 'robot' } });
  const { status } = await admin
    .of(SERVICE_ACCOUNT)
    .subresource<TokenRequest>(
      'create',
      { namespace: 'default', name: 'robot', subresource: 'token' },
      { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} },
    );
  const { token } = status;
  const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as {
    iss: string;
  };
  assert.equal(claims.iss, `${url}/`);
  await using robot = clientOf({ token });
  await assert.rejects(robot.of(SECRET).list('default'), /system:serviceaccount:default:robot/);
});

test('envtest: kubectl works with the kubeconfig that envtest writes', () => {
  const path = join(directory, 'admin.kubecfg');
  writeFileSync(
    path,
    kubeconfigYaml({
      clusterName: 'envtest',
      server: `${url}/`,
      authorityPem: servingAuthority.certificatePem,
      userName: 'admin',
      credential: user('admin', 'system:masters'),
    }),
  );
  const { stdout, stderr } = spawnSync(
    join(assets, 'kubectl'),
    [`--kubeconfig=${path}`, 'get', 'namespaces', '-o', 'name'],
    { encoding: 'utf8' },
  );
  assert.match(stdout, /^namespace\/kube-system$/m, stderr);
});

test('envtest: flags that no version has are refused, those that change nothing are said', () => {
  const run = (program: string, ...args: readonly string[]): string =>
    spawnSync(join(assets, program), args, { encoding: 'utf8' }).stderr;
  assert.match(run('kube-apiserver', '--no-such-flag=1'), /unknown flag: --no-such-flag/);
  assert.match(run('kube-apiserver', '--goaway-chance=0.1'), /--etcd-servers must be specified/);
  assert.match(run('kube-apiserver', '--goaway-chance=0.1'), /--goaway-chance changes nothing here/);
  assert.match(
    run('kube-apiserver', '--enable-admission-plugins=Nonsense', '--etcd-servers=http://127.0.0.1:1'),
    /plugin "Nonsense" is unknown/,
  );
  assert.match(run('etcd', '--no-such-flag'), /unknown flag: --no-such-flag/);
});

test('envtest: both end soon after SIGTERM, while clients are connected', async () => {
  await using client = clientOf(user('admin', 'system:masters'));
  const ending = new AbortController();
  const watching = (async () => {
    for await (const _ of client.of(CONFIG_MAP).watch('', {}, ending.signal)) {
      // Nothing to see: the connection is what counts.
    }
  })().catch(() => undefined);
  await client.of(NAMESPACE).list('');
  const serverMs = await stop(server);
  const etcdMs = await stop(etcd);
  ending.abort();
  await watching;
  assert.ok(serverMs < STOP_MS_MAX && etcdMs < STOP_MS_MAX, `${serverMs} ms and ${etcdMs} ms`);
});
