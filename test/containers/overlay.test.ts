import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { NODE } from '#api/types/resources.ts';
import { SystemClock } from '#base/clock.ts';
import { CommandError, SystemCommands } from '#base/command.ts';
import { SILENT_LOGGER } from '#base/log.ts';
import { StaticInformers } from '#client/static-informers.ts';
import { Overlay } from '#network/overlay.ts';

const PREFIX = `overlay-test-${process.pid}`;
const host = new SystemCommands();

const unfit = await reasonToSkip();

function inside(name: string): SystemCommands {
  return new SystemCommands(['nsenter', `--net=/run/netns/${PREFIX}-${name}`]);
}

/** Two hosts on one link; each host's pods are played by an address on its loopback device. */
async function createHosts(): Promise<AsyncDisposableStack> {
  const stack = new AsyncDisposableStack();
  for (const name of ['a', 'b']) {
    await host.run(['ip', 'netns', 'add', `${PREFIX}-${name}`]);
    stack.defer(async () => {
      await host.run(['ip', 'netns', 'del', `${PREFIX}-${name}`]);
    });
  }
  await inside('a').run([
    'ip',
    'link',
    'add',
    'eth0',
    'type',
    'veth',
    'peer',
    'name',
    'eth0',
    'netns',
    `${PREFIX}-b`,
  ]);
  for (const [index, name] of ['a', 'b'].entries()) {
    const input = `addr add 192.0.2.${10 + index}/24 dev eth0
link set eth0 up
link set lo up
addr add 10.244.${index + 1}.5/32 dev lo
`;
    await inside(name).run(['ip', '-batch', '-'], { input });
  }
  return stack;
}

/** Sends a megabyte from one host's pod to the other's, so that full packets have to fit; how much came back. */
async function roundTrip(from: string, source: string, target: string): Promise<number> {
  const output = await inside(from).run([process.execPath, '-e', CLIENT, source, target], {
    timeoutMs: 5_000,
  });
  return Number(output);
}

const CLIENT = `
const [localAddress, host] = process.argv.slice(1);
const socket = require('net').connect({ host, port: 8080, localAddress, allowHalfOpen: true });
let received = 0;
socket.on('data', (data) => { received += data.length; });
socket.on('end', () => console.log(received));
socket.end(Buffer.alloc(1024 * 1024));`;

const SERVER = `
require('net').createServer({ allowHalfOpen: true }, (socket) => socket.pipe(socket))
  .listen(8080, process.argv[1], () => console.log('ready'));`;

async function serve(name: string, address: string, stack: AsyncDisposableStack): Promise<void> {
  const net = `--net=/run/netns/${PREFIX}-${name}`;
  const server = spawn('nsenter', [net, process.execPath, '-e', SERVER, address], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  stack.defer(async () => {
    const ended = once(server, 'exit');
    server.kill('SIGKILL');
    await ended;
  });
  await once(server.stdout, 'data');
}

for (const { name, linkCidrs, route } of [
  { name: 'through the tunnel', linkCidrs: [], route: 'dev cvx0' },
  { name: 'directly on a shared link', linkCidrs: ['192.0.2.0/24'], route: 'via 192.0.2.11' },
]) {
  test(`overlay: pods of two hosts reach each other ${name}`, { skip: unfit, timeout: 30_000 }, async () => {
    await using stack = await createHosts();
    for (const [index, node] of ['a', 'b'].entries()) {
      const informers = new StaticInformers();
      for (const [number, peer] of ['a', 'b'].entries()) {
        informers.set(NODE, {
          metadata: { name: peer },
          spec: { podCIDR: `10.244.${number + 1}.0/24` },
          status: { addresses: [{ type: 'InternalIP', address: `192.0.2.${10 + number}` }] },
        });
      }
      const overlay = new Overlay(
        { informers, commands: inside(node), clock: new SystemClock(), log: SILENT_LOGGER },
        {
          nodeName: node,
          nodeIp: `192.0.2.${10 + index}`,
          podCidrs: [`10.244.${index + 1}.0/24`],
          clusterCidrs: ['10.244.0.0/16'],
          linkCidrs,
          device: 'cvx0',
        },
      );
      stack.defer(() => overlay.destroy());
      informers.start();
      overlay.start();
      await overlay.whenSynced();
    }
    assert.ok((await inside('a').run(['ip', 'route', 'get', '10.244.2.5'])).includes(route));
    await serve('b', '10.244.2.5', stack);
    assert.equal(await roundTrip('a', '10.244.1.5', '10.244.2.5'), 1024 * 1024);
  });
}

async function reasonToSkip(): Promise<string | false> {
  if (process.getuid?.() !== 0) {
    return 'network namespaces need root';
  }
  for (const argv of [
    ['ip', '-V'],
    ['bridge', '-V'],
    ['nsenter', '--version'],
  ] as const) {
    try {
      await host.run(argv);
    } catch (error) {
      assert.ok(error instanceof CommandError);
      return `${argv[0]} is not installed`;
    }
  }
  return false;
}
