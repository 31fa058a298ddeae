import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NODE } from '#api/types/resources.ts';
import type { CommandRunner } from '#base/command.ts';
import { SILENT_LOGGER } from '#base/log.ts';
import { VirtualClock } from '#base/virtual-clock.ts';
import { StaticInformers } from '#client/static-informers.ts';
import { Overlay } from './overlay.ts';

interface Rig extends AsyncDisposable {
  readonly clock: VirtualClock;
  readonly informers: StaticInformers;
  readonly overlay: Overlay;
  /** Lines of batches and other commands since the last call. */
  take(): readonly string[];
  failNext(): void;
}

async function anOverlay(): Promise<Rig> {
  const clock = new VirtualClock();
  const informers = new StaticInformers();
  let lines: string[] = [];
  let isFailing = false;
  const commands: CommandRunner = {
    run: async (argv, { input } = {}) => {
      if (isFailing) {
        isFailing = false;
        throw new Error('no');
      }
      lines.push(...(input === undefined ? [argv.join(' ')] : input.trim().split('\n')));
      return '';
    },
  };
  const overlay = new Overlay(
    { informers, commands, clock, log: SILENT_LOGGER },
    {
      nodeName: 'a',
      nodeIp: '192.0.2.10',
      podCidrs: ['10.244.1.0/24'],
      clusterCidrs: ['10.244.0.0/16'],
      linkCidrs: ['192.0.2.0/24'],
      device: 'cvx0',
    },
  );
  informers.start();
  overlay.start();
  await clock.settle();
  return {
    clock,
    informers,
    overlay,
    take: () => {
      const taken = lines;
      lines = [];
      return taken;
    },
    failNext: () => {
      isFailing = true;
    },
    [Symbol.asyncDispose]: () => overlay.close(),
  };
}

function setNode(informers: StaticInformers, name: string, ip: string, podCIDR: string): void {
  const addresses = [{ type: 'InternalIP', address: ip }];
  informers.set(NODE, { metadata: { name }, spec: { podCIDR }, status: { addresses } });
}

test('Overlay: makes its device first, then follows the nodes by differences', async () => {
  await using rig = await anOverlay();
  assert.deepEqual(rig.take(), [
    'ip -4 route flush root 10.244.0.0/16 proto 172',
    'ip -o link show type vxlan',
    'link add cvx0 address 02:c0:c0:00:02:0a mtu 1450 type vxlan id 1 local 192.0.2.10 dstport 8472 nolearning',
    'addr replace 10.244.1.0/32 dev cvx0',
    'link set cvx0 up',
  ]);
  setNode(rig.informers, 'b', '192.0.2.11', '10.244.2.0/24');
  await rig.clock.advance(300);
  assert.deepEqual(rig.take(), ['route replace 10.244.2.0/24 via 192.0.2.11 proto 172']);
  setNode(rig.informers, 'b', '192.0.2.12', '10.244.2.0/24');
  await rig.clock.advance(300);
  assert.deepEqual(rig.take(), [
    'route del 10.244.2.0/24 proto 172',
    'route replace 10.244.2.0/24 via 192.0.2.12 proto 172',
  ]);
  rig.informers.delete(NODE, 'b');
  await rig.clock.advance(300);
  assert.deepEqual(rig.take(), ['route del 10.244.2.0/24 proto 172']);
});

test('Overlay: after a failure everything is set up anew', async () => {
  await using rig = await anOverlay();
  rig.take();
  rig.failNext();
  setNode(rig.informers, 'b', '192.0.2.11', '10.244.2.0/24');
  await rig.clock.advance(300);
  assert.deepEqual(rig.take(), []);
  await rig.clock.advance(5_000);
  assert.equal(rig.take().at(-1), 'route replace 10.244.2.0/24 via 192.0.2.11 proto 172');
});
