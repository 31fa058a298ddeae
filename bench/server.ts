// An API server in a process of its own: TLS, client certificates, RBAC, all default admission, durable store.
// Prints one line when it serves, and ends with SIGTERM.
import { CLUSTER_ROLE_BINDING, NODE, SERVICE_ACCOUNT } from '#api/types/resources.ts';
import type { Node } from '#api/types/core.v1.ts';
import type { NewObject } from '#api/object.ts';
import { SystemClock } from '#base/clock.ts';
import { LineLogger } from '#base/log.ts';
import { MetricsRegistry } from '#base/metrics.ts';
import { SystemRandom } from '#base/random.ts';
import { ControlPlane, SERVICE_CIDR_DEFAULT } from '#cluster/control-plane.ts';
import { DataDirectory } from '#cluster/data-directory.ts';
import { LocalCluster } from '#cluster/local-cluster.ts';
import { ensurePki, type ClusterPki } from '#cluster/pki/cluster-pki.ts';
import { createSecurity } from '#cluster/security.ts';
import { LmdbStore } from '#store/lmdb-store.ts';
import { join } from 'node:path';

/** How a client reaches the server, all PEM. */
export interface ServerLine {
  readonly port: number;
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

const USER = 'bench';

const [directory = '', nodes = ''] = process.argv.slice(2);
const clock = new SystemClock();
const random = new SystemRandom();
const log = new LineLogger(
  (line) => process.stderr.write(line),
  () => clock.nowMs(),
  'error',
);

/** `sim:N` or `bare:N` for a whole cluster with nodes that run their pods or do nothing; else the API server alone. */
const { plane, pki, port, close } = nodes === '' ? await startApiServer() : await startCluster();
// An ordinary user with the rights of a namespace's editor, so that authorization does its work.
await plane.client.of(CLUSTER_ROLE_BINDING).create({
  metadata: { name: 'bench-edits' },
  roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'edit' },
  subjects: [{ kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: USER }],
});
const { certificatePem, keyPem } = pki.authority.issue({
  subject: { commonName: USER, organizations: [] },
  extendedKeyUsages: ['clientAuth'],
});
const line: ServerLine = { port, ca: pki.authority.certificatePem, cert: certificatePem, key: keyPem };
process.stdout.write(`${JSON.stringify(line)}\n`);
process.once('SIGTERM', () => {
  void close().then(() => process.exit(0));
});

interface Started {
  readonly plane: ControlPlane;
  readonly pki: ClusterPki;
  readonly port: number;
  readonly close: () => Promise<void>;
}

async function startApiServer(): Promise<Started> {
  const pki = openPki();
  const store = await LmdbStore.open(join(directory, 'store'), { clock, log });
  const secure = createSecurity({
    clock,
    random,
    serviceAccountKeyPem: pki.serviceAccountKeys.privateKeyPem,
    clientAuthorityPem: pki.authority.certificatePem,
  });
  const plane = await ControlPlane.start(
    { store, clock, random, log, metrics: new MetricsRegistry() },
    { serviceCidr: SERVICE_CIDR_DEFAULT },
    secure,
  );
  await plane.client.of(SERVICE_ACCOUNT).create({ metadata: { name: 'default', namespace: 'default' } });
  const port = await plane.server.listen({
    host: '127.0.0.1',
    port: 0,
    cert: pki.apiserver.certificatePem,
    key: pki.apiserver.keyPem,
    clientCa: pki.authority.certificatePem,
    advertise: '127.0.0.1',
  });
  return { plane, pki, port, close: () => plane.close() };
}

async function startCluster(): Promise<Started> {
  const [kind, number] = nodes.split(':');
  const count = Number(number);
  const cluster = await LocalCluster.start({
    directory: new DataDirectory(directory),
    nodes: { kind: 'sim', count: kind === 'sim' ? count : 0 },
    port: 0,
    clock,
    random,
    log,
    onPhase: () => undefined,
  });
  const port = Number(new URL(cluster.server).port);
  for (let index = 0; index < (kind === 'bare' ? count : 0); index++) {
    await cluster.plane.client.of(NODE).create(bareNode(index));
  }
  return { plane: cluster.plane, pki: openPki(), port, close: () => cluster.close() };
}

/** A node as its kubelet would have registered it, in one of ten zones. */
function bareNode(index: number): NewObject<Node> {
  const name = `bare-${index}`;
  const amounts = { cpu: '32', memory: '64Gi', 'ephemeral-storage': '100Gi', pods: '110' };
  const time = `${new Date(clock.nowMs()).toISOString().slice(0, 19)}Z`;
  return {
    metadata: {
      name,
      labels: { 'kubernetes.io/hostname': name, 'topology.kubernetes.io/zone': `zone-${index % 10}` },
    },
    status: {
      allocatable: amounts,
      capacity: amounts,
      conditions: [
        {
          type: 'Ready',
          status: 'True',
          reason: 'KubeletReady',
          message: '',
          lastHeartbeatTime: time,
          lastTransitionTime: time,
        },
      ],
    },
  };
}

function openPki(): ClusterPki {
  return ensurePki({
    directory,
    serverNames: { dnsNames: ['localhost'], ipAddresses: ['127.0.0.1'] },
    clock,
    random,
  });
}
