import assert from 'node:assert/strict';
import { test } from 'node:test';
import { planService, type RulesContext } from './service-rules.ts';
import type { ServiceRules } from './rules.ts';
import { aService, aSlice } from './service.fixture.ts';

const CONTEXT: RulesContext = { family: 'ip', node: { name: 'a' }, clusterCidrs: ['10.244.0.0/16'] };
const TWO = [aSlice('5@a 6@b')];

test('planService: a cluster IP is an entry, its endpoints, and a chain shared by all of that size', () => {
  const rules = planService(aService(), TWO, CONTEXT);
  assert.deepEqual(elementsOf(rules), [
    'cluster-ips 10.96.0.7',
    'hairpin 10.244.0.5 . 10.244.0.5',
    'services 10.96.0.7 . tcp . 80 : goto cluster-tcp-2',
    'tcp-endpoints 10.96.0.7 . 80 . 0 : 10.244.0.5 . 8080',
    'tcp-endpoints 10.96.0.7 . 80 . 1 : 10.244.0.6 . 8080',
  ]);
  assert.deepEqual(rules.chains, [
    {
      name: 'cluster-tcp-2',
      rules: [
        'ip saddr != { 10.244.0.0/16 } jump mark-for-masquerade',
        'dnat ip to ip daddr . tcp dport . numgen random mod 2 map @tcp-endpoints',
      ],
    },
  ]);
});

test('planService: without endpoints a cluster IP refuses', () => {
  assert.deepEqual(elementsOf(planService(aService(), [], CONTEXT)), [
    'cluster-ips 10.96.0.7',
    'refused 10.96.0.7 . tcp . 80 : goto reject-traffic',
  ]);
});

test('planService: internal policy Local without a local endpoint drops, so that no other node is tried', () => {
  const service = aService({ internalTrafficPolicy: 'Local' });
  assert.deepEqual(elementsOf(planService(service, [aSlice('6@b')], CONTEXT)), [
    'cluster-ips 10.96.0.7',
    'refused 10.96.0.7 . tcp . 80 : drop',
  ]);
  assert.ok(
    elementsOf(planService(service, TWO, CONTEXT)).includes(
      'services 10.96.0.7 . tcp . 80 : goto cluster-local-tcp-1',
    ),
  );
});

test('planService: node ports and balancer addresses always masquerade under policy Cluster', () => {
  const service = aService(
    {
      type: 'LoadBalancer',
      externalIPs: ['192.0.2.1'],
      ports: [{ name: 'http', protocol: 'TCP', port: 80, nodePort: 30_080 }],
    },
    { status: { loadBalancer: { ingress: [{ ip: '192.0.2.9' }, { ip: '192.0.2.8', ipMode: 'Proxy' }] } } },
  );
  const rules = planService(service, [aSlice('6@b')], CONTEXT);
  assert.deepEqual(
    elementsOf(rules).filter((line) => !line.includes('10.96.0.7')),
    [
      'node-ports tcp . 30080 : goto node-port-tcp-1',
      'services 192.0.2.1 . tcp . 80 : goto external-tcp-1',
      'services 192.0.2.9 . tcp . 80 : goto external-tcp-1',
      'tcp-endpoints 192.0.2.1 . 80 . 0 : 10.244.0.6 . 8080',
      'tcp-endpoints 192.0.2.9 . 80 . 0 : 10.244.0.6 . 8080',
      'tcp-node-port-endpoints 30080 . 0 : 10.244.0.6 . 8080',
    ],
  );
  assert.deepEqual(rules.chains.find(({ name }) => name === 'node-port-tcp-1')?.rules, [
    'jump mark-for-masquerade',
    'dnat ip to tcp dport . numgen random mod 1 map @tcp-node-port-endpoints',
  ]);
});

test('planService: external policy Local keeps outsiders here, and lets pods and the node go anywhere', () => {
  const service = aService({
    type: 'NodePort',
    externalTrafficPolicy: 'Local',
    ports: [{ name: 'http', protocol: 'TCP', port: 80, nodePort: 30_080 }],
  });
  const anywhere = 'dnat ip to tcp dport . numgen random mod 2 map @tcp-node-port-endpoints';
  assert.deepEqual(
    planService(service, TWO, CONTEXT).chains.find(({ name }) => name === 'node-port-local-tcp-2-1')?.rules,
    [
      `ip saddr { 10.244.0.0/16 } ${anywhere}`,
      'fib saddr type local jump mark-for-masquerade',
      `fib saddr type local ${anywhere}`,
      'dnat ip to tcp dport . numgen random mod 1 map @tcp-local-node-port-endpoints',
    ],
  );
  const elsewhere = planService(service, [aSlice('6@b')], CONTEXT);
  assert.equal(elsewhere.chains.find(({ name }) => name === 'node-port-local-tcp-1-0')?.rules.at(-1), 'drop');
});

test('planService: session affinity gives each endpoint a set of its clients', () => {
  const service = aService({
    sessionAffinity: 'ClientIP',
    sessionAffinityConfig: { clientIP: { timeoutSeconds: 60 } },
  });
  const rules = planService(service, [aSlice('5@b')], CONTEXT);
  const [set] = rules.sets;
  assert.ok(set);
  const endpoint = set.name.replace('clients-', 'endpoint-');
  assert.equal(set.declaration, 'type ipv4_addr; flags dynamic,timeout; timeout 60s;');
  assert.deepEqual(rules.chains.map(({ rules }) => rules).slice(0, 2), [
    [`ip saddr @${set.name} goto ${endpoint}`, `numgen random mod 1 vmap { 0 : goto ${endpoint} }`],
    [`update @${set.name} { ip saddr }`, 'meta l4proto tcp dnat to 10.244.0.5:8080'],
  ]);
  assert.equal(
    rules.elements.some(({ set }) => set === 'tcp-endpoints'),
    false,
  );
});

test('planService: source ranges of a balancer are checked on its addresses only', () => {
  const service = aService(
    { type: 'LoadBalancer', loadBalancerSourceRanges: ['203.0.113.7/24', ' 198.51.100.0/24 ', 'fd00::/8'] },
    { status: { loadBalancer: { ingress: [{ ip: '192.0.2.9' }] } } },
  );
  const rules = planService(service, TWO, CONTEXT);
  const chain = rules.chains.find(({ name }) => name.startsWith('firewall-'));
  assert.deepEqual(chain?.rules, ['ip saddr != { 203.0.113.0/24, 198.51.100.0/24 } drop']);
  assert.ok(elementsOf(rules).includes(`firewall 192.0.2.9 . tcp . 80 : goto ${chain.name}`));
});

test('planService: each family sees its own addresses', () => {
  const service = aService({ clusterIPs: ['10.96.0.7', 'fd00::7'] });
  const slice = aSlice('', {
    addressType: 'IPv6',
    endpoints: [{ addresses: ['fd01::5'], nodeName: 'b', conditions: {} }],
  });
  const rules = planService(service, [...TWO, slice], { ...CONTEXT, family: 'ip6', clusterCidrs: [] });
  assert.deepEqual(elementsOf(rules), [
    'cluster-ips fd00::7',
    'services fd00::7 . tcp . 80 : goto cluster-tcp-1',
    'tcp-endpoints fd00::7 . 80 . 0 : fd01::5 . 8080',
  ]);
});

function elementsOf({ elements }: ServiceRules): readonly string[] {
  const lines = elements.map(({ set, key, value }) => `${set} ${key}${value === '' ? '' : ` : ${value}`}`);
  return [...new Set(lines)].toSorted();
}
