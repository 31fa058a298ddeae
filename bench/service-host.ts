// An API server and a service proxy in one process, as `coracle up` has them, in a network namespace of the caller's.
// Fills itself with services, then answers each line on its standard input with the time one more change took.
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { ENDPOINT_SLICE, SERVICE } from '#api/types/resources.ts';
import { SystemClock } from '#base/clock.ts';
import { SystemCommands } from '#base/command.ts';
import { SILENT_LOGGER } from '#base/log.ts';
import { MetricsRegistry } from '#base/metrics.ts';
import { SystemRandom } from '#base/random.ts';
import { createInformers } from '#client/informer.ts';
import { PROXY } from '#cluster/component-users.ts';
import { ControlPlane, SERVICE_CIDR_DEFAULT } from '#cluster/control-plane.ts';
import { ensurePki } from '#cluster/pki/cluster-pki.ts';
import { createSecurity } from '#cluster/security.ts';
import { NftProgram } from '#proxy/nft.ts';
import { ServiceProxy } from '#proxy/service-proxy.ts';
import { ensureServiceRoute } from '#proxy/service-route.ts';
import { LmdbStore } from '#store/lmdb-store.ts';

/** Milliseconds from the request that gives a service its first endpoint to the first connection through it. */
export interface ServiceChangeLine {
  readonly ms: number;
}

const NODE_IP = '10.244.0.1';
const NAMESPACE = 'default';

const [directory = '', number = '0'] = process.argv.slice(2);
const clock = new SystemClock();
const random = new SystemRandom();
const log = SILENT_LOGGER;
const metrics = new MetricsRegistry();
const pki = ensurePki({ directory, serverNames: { dnsNames: [], ipAddresses: [] }, clock, random });
const plane = await ControlPlane.start(
  { store: await LmdbStore.open(join(directory, 'store'), { clock, log }), clock, random, log, metrics },
  { serviceCidr: SERVICE_CIDR_DEFAULT },
  createSecurity({
    clock,
    random,
    serviceAccountKeyPem: pki.serviceAccountKeys.privateKeyPem,
    clientAuthorityPem: pki.authority.certificatePem,
  }),
);
const services = plane.client.of(SERVICE);
const slices = plane.client.of(ENDPOINT_SLICE);
const commands = new SystemCommands();
await commands.run(['ip', 'link', 'set', 'lo', 'up']);
await commands.run(['ip', 'address', 'add', `${NODE_IP}/24`, 'dev', 'lo']);
await ensureServiceRoute(commands, SERVICE_CIDR_DEFAULT, NODE_IP);
const backend = createServer((_request, response) => response.end()).listen(8080, NODE_IP);

for (let index = 0; index < Number(number); index++) {
  await createService(`service-${index}`);
  await createSlice(`service-${index}`);
}
const informers = createInformers({
  transport: plane.transportOf(PROXY, 'kube-proxy'),
  clock,
  random,
  log,
});
const proxy = new ServiceProxy(
  { informers, nft: new NftProgram(commands), clock, log, metrics },
  {
    nodeName: 'bench',
    nodeIps: [NODE_IP],
    instanceId: 'bench',
    serviceCidrs: [SERVICE_CIDR_DEFAULT],
    clusterCidrs: ['10.244.0.0/16'],
  },
);
proxy.start();
informers.start();
await proxy.whenSynced();
process.stdout.write('{}\n');

let round = 0;
for await (const _line of createInterface({ input: process.stdin })) {
  const name = `measured-${round++}`;
  const address = await createService(name);
  // A service without endpoints refuses connections; then the proxy is at rest again.
  await clock.sleep(200);
  const startMs = performance.now();
  await createSlice(name);
  while (!(await answers(address))) {
    // Asked again at once: a refusal takes the kernel some tens of microseconds.
  }
  const line: ServiceChangeLine = { ms: performance.now() - startMs };
  process.stdout.write(`${JSON.stringify(line)}\n`);
}
await proxy.destroy();
await informers.close();
backend.close();
await plane.close();
process.exit(0);

async function createService(name: string): Promise<string> {
  const { spec } = await services.create({
    metadata: { name, namespace: NAMESPACE },
    spec: { ports: [{ port: 80, targetPort: 8080 }] },
  });
  return spec.clusterIP ?? '';
}

async function createSlice(name: string): Promise<void> {
  await slices.create({
    metadata: { name, namespace: NAMESPACE, labels: { 'kubernetes.io/service-name': name } },
    addressType: 'IPv4',
    endpoints: [{ addresses: [NODE_IP], conditions: { ready: true } }],
    ports: [{ name: '', port: 8080, protocol: 'TCP' }],
  });
}

function answers(host: string): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect({ host, port: 80 }, () => {
    socket.destroy();
    resolve(true);
  });
  socket.on('error', () => resolve(false));
  return promise;
}
