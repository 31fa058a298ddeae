// An API server in a process of its own: TLS, client certificates, RBAC, all default admission, durable store.
// Prints one line when it serves, and ends with SIGTERM.
import {
  CLUSTER_ROLE,
  CLUSTER_ROLE_BINDING,
  NAMESPACE,
  NODE,
  PRIORITY_CLASS,
  SERVICE_ACCOUNT,
} from '#api/types/resources.ts';
import type { Node } from '#api/types/core.v1.ts';
import type { NewObject } from '#api/object.ts';
import { ApiEventRecorder } from '#client/api-event-recorder.ts';
import { createInformers } from '#client/informer.ts';
import { createScheduler } from '#scheduler/scheduler.ts';
import { SystemClock } from '#base/clock.ts';
import { LineLogger } from '#base/log.ts';
import { MetricsRegistry } from '#base/metrics.ts';
import { SystemRandom } from '#base/random.ts';
import { SCHEDULER } from '#cluster/component-users.ts';
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

/**
 * `sim:N`: a whole cluster with nodes that run their pods. `bare:N:Z`: the API server and the scheduler, with nodes in Z
 * zones that are only there, as upstream measures its scheduler. Else the API server alone.
 */
const [kind = '', nodeCount = '0', zoneCount = '10'] = nodes.split(':');
const { plane, pki, port, close } = await (kind === 'sim'
  ? startCluster(Number(nodeCount))
  : startApiServer());
if (kind === 'bare') {
  for (let index = 0; index < Number(nodeCount); index++) {
    const node = await plane.client.of(NODE).create(bareNode(index, Number(zoneCount)));
    // New nodes are tainted until a controller finds them ready, and there is none.
    await plane.client.of(NODE).update({ ...node, spec: { ...node.spec, taints: [] } });
  }
  for (const name of ['sched-0', 'sched-1']) {
    // Nobody makes accounts here.
    await plane.client.of(NAMESPACE).create({ metadata: { name, labels: { team: 'devops' } } });
    await plane.client.of(SERVICE_ACCOUNT).create({ metadata: { name: 'default', namespace: name } });
  }
  await plane.client.of(PRIORITY_CLASS).create({ metadata: { name: 'high' }, value: 10 });
  startScheduler();
}
// An ordinary user with the rights of a namespace's editor, so that authorization does its work.
await plane.client.of(CLUSTER_ROLE_BINDING).create({
  metadata: { name: 'bench-edits' },
  roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'edit' },
  subjects: [{ kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: USER }],
});
// What the workloads about whole clusters do besides.
await plane.client.of(CLUSTER_ROLE).create({
  metadata: { name: 'bench-cluster' },
  rules: [
    { apiGroups: [''], resources: ['namespaces'], verbs: ['create', 'delete'] },
    { apiGroups: ['*'], resources: ['*'], verbs: ['list', 'watch'] },
  ],
});
await plane.client.of(CLUSTER_ROLE_BINDING).create({
  metadata: { name: 'bench-cluster' },
  roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'bench-cluster' },
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

async function startCluster(count: number): Promise<Started> {
  const cluster = await LocalCluster.start({
    directory: new DataDirectory(directory),
    nodes: { kind: 'sim', count },
    port: 0,
    clock,
    random,
    log,
    onPhase: () => undefined,
  });
  const port = Number(new URL(cluster.server).port);
  return { plane: cluster.plane, pki: openPki(), port, close: () => cluster.close() };
}

function startScheduler(): void {
  const client = plane.clientOf(SCHEDULER, 'kube-scheduler');
  const transport = plane.transportOf(SCHEDULER, 'kube-scheduler');
  const informers = createInformers({ transport, clock, random, log });
  const events = new ApiEventRecorder({ client, clock, random, log, component: 'default-scheduler' });
  const metrics = new MetricsRegistry();
  const scheduler = createScheduler({ client, informers, events, clock, random, log, metrics });
  informers.start();
  scheduler.start();
}

/** A node of the size of upstream's measurements, as its kubelet would have registered it. */
function bareNode(index: number, zones: number): NewObject<Node> {
  const name = `bare-${index}`;
  const amounts = { cpu: '4', memory: '32Gi', pods: '110' };
  const time = `${new Date(clock.nowMs()).toISOString().slice(0, 19)}Z`;
  return {
    metadata: {
      name,
      labels: { 'kubernetes.io/hostname': name, 'topology.kubernetes.io/zone': `zone-${index % zones}` },
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
