import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NODE } from '#api/types/resources.ts';
import { StaticInformers } from '#client/static-informers.ts';
import { peersOf, planOverlay, tunnelHardwareAddress } from './overlay-plan.ts';

const OPTIONS = { device: 'cvx0', linkCidrs: ['192.0.2.0/24'] };

function lines(ip: string, podCidrs: readonly string[]): readonly string[] {
  const plan = planOverlay([{ name: 'b', ip, podCidrs }], OPTIONS);
  return [...plan.values()].map(({ program, add }) => `${program} ${add}`);
}

test('planOverlay: a node on the same link is the next hop', () => {
  assert.deepEqual(lines('192.0.2.11', ['10.244.2.0/24']), [
    'ip route replace 10.244.2.0/24 via 192.0.2.11 proto 172',
  ]);
});

test('planOverlay: any other node is behind the tunnel', () => {
  assert.deepEqual(lines('198.51.100.11', ['10.244.2.0/24']), [
    'ip neigh replace 10.244.2.0 lladdr 02:c0:c6:33:64:0b dev cvx0 nud permanent',
    'ip route replace 10.244.2.0/24 via 10.244.2.0 dev cvx0 onlink proto 172',
    'bridge fdb replace 02:c0:c6:33:64:0b dev cvx0 dst 198.51.100.11 self permanent',
  ]);
});

test('planOverlay: a range of the other family takes the tunnel even on the same link', () => {
  assert.deepEqual(lines('192.0.2.11', ['fd00:2::/64']), [
    'ip -6 neigh replace fd00:2:: lladdr 02:c0:c0:00:02:0b dev cvx0 nud permanent',
    'ip -6 route replace fd00:2::/64 via fd00:2:: dev cvx0 onlink proto 172',
    'bridge fdb replace 02:c0:c0:00:02:0b dev cvx0 dst 192.0.2.11 self permanent',
  ]);
});

test('peersOf: nodes without an address or a range, and this one, are none', () => {
  const informers = new StaticInformers();
  const addresses = [
    { type: 'Hostname', address: 'b' },
    { type: 'InternalIP', address: '192.0.2.11' },
  ];
  const nodes = [
    informers.set(NODE, {
      metadata: { name: 'a' },
      spec: { podCIDR: '10.244.1.0/24' },
      status: { addresses },
    }),
    informers.set(NODE, {
      metadata: { name: 'b' },
      spec: { podCIDR: '10.244.2.0/24' },
      status: { addresses },
    }),
    informers.set(NODE, { metadata: { name: 'c' }, spec: {}, status: { addresses } }),
    informers.set(NODE, { metadata: { name: 'd' }, spec: { podCIDR: '10.244.4.0/24' } }),
  ];
  assert.deepEqual(peersOf(nodes, 'a'), [{ name: 'b', ip: '192.0.2.11', podCidrs: ['10.244.2.0/24'] }]);
});

test('tunnelHardwareAddress: is made of the node’s address and locally administered', () => {
  assert.equal(tunnelHardwareAddress('192.0.2.1'), '02:c0:c0:00:02:01');
});
