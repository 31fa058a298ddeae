import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import type { NewObject } from '#api/object.ts';
import type { Service } from '#api/types/core.v1.ts';
import type { EndpointSlice } from '#api/types/discovery.v1.ts';
import { ENDPOINT_SLICE, SERVICE } from '#api/types/resources.ts';
import { SystemClock } from '#base/clock.ts';
import { SystemCommands } from '#base/command.ts';
import { SILENT_LOGGER } from '#base/log.ts';
import { MetricsRegistry } from '#base/metrics.ts';
import { StaticInformers } from '#client/static-informers.ts';
import { NftProgram } from '#proxy/nft.ts';
import { allowLocalhostNodePorts, ensureServiceRoute, removeServiceRoute } from '#proxy/service-route.ts';
import { ServiceProxy } from '#proxy/service-proxy.ts';

const unfit = await reasonToSkip();

/**
 * A small network of namespaces, all named after this process:
 *
 *     outside 192.0.2.2 ── 192.0.2.1 node ── bridge 10.244.0.1 ── pods 10.244.0.2, 10.244.0.3
 */
class Network implements AsyncDisposable {
  readonly #host = new SystemCommands();
  readonly #names: string[] = [];
  readonly #servers: ChildProcess[] = [];
  readonly node: SystemCommands;

  private constructor() {
    this.node = this.in('node');
  }

  static async create(): Promise<Network> {
    const network = new Network();
    try {
      await network.#build();
    } catch (error) {
      await network[Symbol.asyncDispose]();
      throw error;
    }
    return network;
  }

  in(name: string): SystemCommands {
    return new SystemCommands(['nsenter', `--net=/run/netns/${this.#name(name)}`]);
  }

  /** Connects `count` times over TCP; each answer is the server's address and the client's as it saw it. */
  async ask(from: string, target: string, count = 1, protocol: 'tcp' | 'udp' = 'tcp'): Promise<string[]> {
    const output = await this.in(from).run([process.execPath, '-e', CLIENT, target, String(count), protocol]);
    return output.trim().split('\n');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const server of this.#servers) {
      const ended = once(server, 'exit');
      server.kill('SIGKILL');
      await ended;
    }
    for (const name of this.#names) {
      await this.#host.run(['ip', 'netns', 'del', this.#name(name)]);
    }
  }

  async #build(): Promise<void> {
    for (const name of ['node', 'outside', 'pod2', 'pod3']) {
      await this.#host.run(['ip', 'netns', 'add', this.#name(name)]);
      this.#names.push(name);
    }
    await this.#ip(
      'node',
      'link set lo up; link add cni0 type bridge; addr add 10.244.0.1/24 dev cni0; link set cni0 up',
    );
    for (const last of [2, 3]) {
      await this.#ip('node', `link add v${last} type veth peer name eth0 netns ${this.#name(`pod${last}`)}`);
      await this.#ip('node', `link set v${last} master cni0; link set v${last} up`);
      await this.node.run(['bridge', 'link', 'set', 'dev', `v${last}`, 'hairpin', 'on']);
      await this.#ip(
        `pod${last}`,
        `link set lo up; addr add 10.244.0.${last}/24 dev eth0; link set eth0 up; route add default via 10.244.0.1`,
      );
    }
    await this.#ip('node', `link add out type veth peer name eth0 netns ${this.#name('outside')}`);
    await this.#ip('node', 'addr add 192.0.2.1/24 dev out; link set out up');
    await this.#ip(
      'outside',
      'link set lo up; addr add 192.0.2.2/24 dev eth0; link set eth0 up; route add default via 192.0.2.1',
    );
    await this.node.run(['sysctl', '-q', '-w', 'net.ipv4.ip_forward=1']);
    for (const last of [2, 3]) {
      await this.#serve(`pod${last}`, `10.244.0.${last}`);
    }
  }

  #name(name: string): string {
    return `proxy-test-${process.pid}-${name}`;
  }

  async #ip(where: string, lines: string): Promise<void> {
    await this.in(where).run(['ip', '-batch', '-'], { input: lines.replaceAll('; ', '\n') });
  }

  async #serve(where: string, address: string): Promise<void> {
    const net = `--net=/run/netns/${this.#name(where)}`;
    const server = spawn('nsenter', [net, process.execPath, '-e', SERVER, address], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.#servers.push(server);
    await once(server.stdout, 'data');
  }
}

const SERVER = `
const answer = (own, peer) => own + ' sees ' + peer + '\\n';
const own = process.argv[1];
require('net').createServer((s) => s.on('error', () => {}).end(answer(own, s.remoteAddress))).listen(8080, own, () => {
  const udp = require('dgram').createSocket('udp4');
  udp.on('message', (_, peer) => udp.send(answer(own, peer.address), peer.port, peer.address));
  udp.bind(8080, own, () => console.log('ready'));
});`;

const CLIENT = `
const [target, count, protocol] = process.argv.slice(1);
const [host, port] = target.split(':');
const tcp = () => new Promise((done) => {
  const socket = require('net').connect({ host, port: Number(port), timeout: 1000 });
  let text = '';
  socket.on('data', (data) => { text += data; });
  socket.on('end', () => done(text.trim()));
  socket.on('error', (error) => done(error.code));
  socket.on('timeout', () => { socket.destroy(); done('TIMEOUT'); });
});
const udp = () => new Promise((done) => {
  const socket = require('dgram').createSocket('udp4');
  const timer = setTimeout(() => { socket.close(); done('TIMEOUT'); }, 1000);
  socket.on('message', (data) => { clearTimeout(timer); socket.close(); done(String(data).trim()); });
  socket.send('?', Number(port), host);
});
(async () => { for (let i = 0; i < Number(count); i++) console.log(await (protocol === 'udp' ? udp : tcp)()); })();`;

const PORTS = [
  { name: 'http', protocol: 'TCP', port: 80, nodePort: 30_080 },
  { name: 'echo', protocol: 'UDP', port: 53 },
] as const;

function web(spec: NewObject<Service>['spec'] = {}): NewObject<Service> {
  return {
    metadata: { namespace: 'shop', name: 'web' },
    status: { loadBalancer: {} },
    spec: { type: 'NodePort', clusterIP: '10.96.0.7', clusterIPs: ['10.96.0.7'], ports: PORTS, ...spec },
  };
}

function endpoints(...words: readonly string[]): NewObject<EndpointSlice> {
  return {
    metadata: { namespace: 'shop', name: 'web-1', labels: { 'kubernetes.io/service-name': 'web' } },
    addressType: 'IPv4',
    ports: [
      { name: 'http', protocol: 'TCP', port: 8080 },
      { name: 'echo', protocol: 'UDP', port: 8080 },
    ],
    endpoints: words.map((word) => {
      const [address = '', nodeName = ''] = word.split('@');
      return { addresses: [address], nodeName, conditions: { ready: true } };
    }),
  };
}

/** Sets what is given, and waits until the rules had time to follow. */
async function settle(): Promise<void> {
  await new SystemClock().sleep(250);
}

function hits(answers: readonly string[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const answer of answers) {
    counts[answer] = (counts[answer] ?? 0) + 1;
  }
  return counts;
}

test(
  'service proxy: traffic of every kind reaches the endpoints',
  { skip: unfit, timeout: 120_000 },
  async (t) => {
    await using network = await Network.create();
    const informers = new StaticInformers();
    const proxy = new ServiceProxy(
      {
        informers,
        nft: new NftProgram(network.node),
        clock: new SystemClock(),
        log: SILENT_LOGGER,
        metrics: new MetricsRegistry(),
      },
      {
        nodeName: 'a',
        nodeIps: ['192.0.2.1'],
        instanceId: 'test',
        serviceCidrs: ['10.96.0.0/12'],
        clusterCidrs: ['10.244.0.0/16'],
        hasLocalhostNodePorts: true,
      },
    );
    informers.set(SERVICE, web());
    informers.set(ENDPOINT_SLICE, endpoints('10.244.0.2@a', '10.244.0.3@a'));
    informers.start();
    await using closing = new AsyncDisposableStack();
    closing.defer(() => proxy.close());
    proxy.start();
    // A packet filter that refuses the rules would be asked again for ever.
    const isSynced = await Promise.race([
      proxy.whenSynced().then(() => true),
      new SystemClock().sleep(10_000).then(() => false),
    ]);
    assert.ok(isSynced, 'the packet filter took the rules');
    await allowLocalhostNodePorts(network.node);

    await t.test('a pod reaches both endpoints under its own address, and itself too', async () => {
      const answers = await network.ask('pod2', '10.96.0.7:80', 30);
      const counts = hits(answers);
      assert.deepEqual(Object.keys(counts).toSorted(), [
        '10.244.0.2 sees 10.244.0.1',
        '10.244.0.3 sees 10.244.0.2',
      ]);
    });

    await t.test('UDP works the same way', async () => {
      assert.equal((await network.ask('pod3', '10.96.0.7:53', 5, 'udp')).includes('TIMEOUT'), false);
    });

    await t.test('the node needs a route for the service range, and gets one', async () => {
      assert.deepEqual(await network.ask('node', '10.96.0.7:80'), ['ENETUNREACH']);
      assert.equal(await ensureServiceRoute(network.node, '10.96.0.0/12', '192.0.2.1'), 'added');
      assert.equal(await ensureServiceRoute(network.node, '10.96.0.0/12', '192.0.2.1'), 'present');
      for (const answer of await network.ask('node', '10.96.0.7:80', 10)) {
        assert.match(answer, /^10\.244\.0\.[23] sees 10\.244\.0\.1$/);
      }
    });

    await t.test('a node port answers outside, on the node, and on localhost', async () => {
      for (const [from, target] of [
        ['outside', '192.0.2.1:30080'],
        ['node', '192.0.2.1:30080'],
        ['node', '127.0.0.1:30080'],
        ['pod2', '192.0.2.1:30080'],
      ] as const) {
        const [answer = ''] = await network.ask(from, target);
        assert.match(answer, /^10\.244\.0\.[23] sees 10\.244\.0\.\d$/, `${from} to ${target}`);
      }
    });

    await t.test('a port that is not served is refused, an unallocated address drops', async () => {
      assert.deepEqual(await network.ask('pod2', '10.96.0.7:81'), ['ECONNREFUSED']);
      assert.deepEqual(await network.ask('pod2', '10.96.9.9:80'), ['TIMEOUT']);
    });

    await t.test('external policy Local keeps the address of the client', async () => {
      informers.set(SERVICE, web({ externalTrafficPolicy: 'Local' }));
      await settle();
      const [answer = ''] = await network.ask('outside', '192.0.2.1:30080');
      assert.match(answer, /^10\.244\.0\.[23] sees 192\.0\.2\.2$/);
      informers.set(ENDPOINT_SLICE, endpoints('10.244.0.2@a', '10.244.0.3@b'));
      await settle();
      assert.deepEqual(hits(await network.ask('outside', '192.0.2.1:30080', 10)), {
        '10.244.0.2 sees 192.0.2.2': 10,
      });
      informers.set(ENDPOINT_SLICE, endpoints('10.244.0.3@b'));
      await settle();
      assert.deepEqual(await network.ask('outside', '192.0.2.1:30080'), ['TIMEOUT']);
      informers.set(SERVICE, web());
      informers.set(ENDPOINT_SLICE, endpoints('10.244.0.2@a', '10.244.0.3@a'));
    });

    await t.test('session affinity holds a client, and lets go when its endpoint leaves', async () => {
      informers.set(SERVICE, web({ sessionAffinity: 'ClientIP' }));
      await settle();
      const held = hits(await network.ask('outside', '192.0.2.1:30080', 10));
      assert.deepEqual(Object.values(held), [10]);
      const gone = Object.keys(held)[0]?.startsWith('10.244.0.2') === true ? '10.244.0.3@a' : '10.244.0.2@a';
      informers.set(ENDPOINT_SLICE, endpoints(gone));
      await settle();
      const [next = ''] = await network.ask('outside', '192.0.2.1:30080');
      assert.ok(next.startsWith(gone.slice(0, -2)), next);
      informers.set(SERVICE, web());
    });

    await t.test('source ranges of a balancer shut others out', async () => {
      const ports = [PORTS[0]];
      const status = { loadBalancer: { ingress: [{ ip: '198.51.100.9' }] } };
      informers.set(SERVICE, {
        ...web({ type: 'LoadBalancer', ports, loadBalancerSourceRanges: ['192.0.2.0/24'] }),
        status,
      });
      await settle();
      assert.match((await network.ask('outside', '198.51.100.9:80'))[0] ?? '', /^10\.244\.0\.[23] sees/);
      informers.set(SERVICE, {
        ...web({ type: 'LoadBalancer', ports, loadBalancerSourceRanges: ['203.0.113.0/24'] }),
        status,
      });
      await settle();
      assert.deepEqual(await network.ask('outside', '198.51.100.9:80'), ['TIMEOUT']);
      informers.set(SERVICE, web());
    });

    await t.test('without endpoints clients are refused, not left waiting', async () => {
      informers.set(ENDPOINT_SLICE, endpoints());
      await settle();
      for (const [from, target] of [
        ['pod2', '10.96.0.7:80'],
        ['node', '10.96.0.7:80'],
        ['outside', '192.0.2.1:30080'],
      ] as const) {
        assert.deepEqual(await network.ask(from, target), ['ECONNREFUSED'], `${from} to ${target}`);
      }
    });

    await proxy.destroy();
    await removeServiceRoute(network.node, '10.96.0.0/12');
    assert.equal(await network.node.run(['nft', 'list', 'ruleset']), '');
  },
);

async function reasonToSkip(): Promise<string | false> {
  if (process.getuid?.() !== 0) {
    return 'network namespaces need root';
  }
  const commands = new SystemCommands();
  for (const argv of [
    ['nft', '--version'],
    ['ip', '-V'],
    ['nsenter', '--version'],
  ] as const) {
    try {
      await commands.run(argv);
    } catch {
      return `${argv[0]} is not installed`;
    }
  }
  return false;
}
