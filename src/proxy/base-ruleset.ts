import {
  MASQUERADE_CHAIN,
  MASQUERADE_MARK,
  poolName,
  PROTOCOLS,
  REJECT_CHAIN,
  SETS,
} from './ruleset-names.ts';
import type { NftFamily, NftOperation } from './nft-transaction.ts';

/** What the frame of a table depends on; it does not change while the proxy runs. */
export interface RulesetFrame {
  readonly family: NftFamily;
  /** Ranges that cluster IPs are taken from; traffic to an unallocated one is dropped. */
  readonly serviceCidrs: readonly string[];
  /** Local addresses on which node ports are served; every one but loopback when left out. */
  readonly nodePortCidrs?: readonly string[];
  /** Serve node ports on 127.0.0.1 too. Needs the `route_localnet` sysctl. */
  readonly hasLocalhostNodePorts: boolean;
}

/** Everything in the table that no service owns, the table itself included: an old one is thrown away. */
export function frameOperations(frame: RulesetFrame): readonly NftOperation[] {
  return [
    // Deleting is allowed only for a table that is there.
    { op: 'add-table' },
    { op: 'delete-table' },
    { op: 'add-table' },
    ...setDeclarations(frame.family),
    ...frameChains(frame).flatMap(({ name, hook }): NftOperation[] => [
      { op: 'add-chain', name, ...(hook === undefined ? {} : { hook }) },
    ]),
    ...frameChains(frame).flatMap(({ name, rules }) =>
      rules.map((rule): NftOperation => ({ op: 'add-rule', chain: name, rule })),
    ),
  ];
}

function setDeclarations(family: NftFamily): readonly NftOperation[] {
  const address = family === 'ip' ? 'ipv4_addr' : 'ipv6_addr';
  const verdicts = `type ${address} . inet_proto . inet_service : verdict;`;
  const portVerdicts = 'type inet_proto . inet_service : verdict;';
  const map = (name: string, declaration: string): NftOperation => ({ op: 'add-map', name, declaration });
  // Only `typeof` can say that the last part of a key is a random number below the pool's size. It has to name a
  // protocol, and rules that read the map are then for that protocol: nft 1.0.6 cannot read back `th dport` as data.
  const pools = PROTOCOLS.flatMap((protocol) => {
    const value = `numgen random mod 2 : ${family} daddr . ${protocol} dport;`;
    const pool = `typeof ${family} daddr . ${protocol} dport . ${value}`;
    const portPool = `typeof ${protocol} dport . ${value}`;
    return [
      map(poolName(protocol, SETS.endpoints), pool),
      map(poolName(protocol, SETS.localEndpoints), pool),
      map(poolName(protocol, SETS.nodePortEndpoints), portPool),
      map(poolName(protocol, SETS.localNodePortEndpoints), portPool),
    ];
  });
  return [
    map(SETS.services, verdicts),
    map(SETS.nodePorts, portVerdicts),
    map(SETS.refused, verdicts),
    map(SETS.refusedNodePorts, portVerdicts),
    map(SETS.firewall, verdicts),
    ...pools,
    { op: 'add-set', name: SETS.clusterIps, declaration: `type ${address};` },
    { op: 'add-set', name: SETS.hairpin, declaration: `type ${address} . ${address};` },
  ];
}

interface FrameChain {
  readonly name: string;
  readonly hook?: string;
  readonly rules: readonly string[];
}

function frameChains(frame: RulesetFrame): readonly FrameChain[] {
  const { family, serviceCidrs } = frame;
  const target = `${family} daddr . meta l4proto . th dport`;
  const nodePort = nodePortMatch(frame);
  const unallocated =
    serviceCidrs.length === 0 ? [] : [`${family} daddr { ${serviceCidrs.join(', ')} } drop`];
  return [
    { name: MASQUERADE_CHAIN, rules: [`meta mark set meta mark or ${MASQUERADE_MARK}`] },
    // A socket of this very node is still locked when the ICMP error comes, and misses it; a reset is queued.
    { name: REJECT_CHAIN, rules: ['meta l4proto tcp reject with tcp reset', 'reject'] },
    {
      name: 'dispatch',
      rules: [
        `${target} vmap @${SETS.services}`,
        `${nodePort} meta l4proto . th dport vmap @${SETS.nodePorts}`,
      ],
    },
    { name: 'check-firewall', rules: [`${target} vmap @${SETS.firewall}`] },
    {
      name: 'check-refused',
      rules: [
        `${target} vmap @${SETS.refused}`,
        `${nodePort} meta l4proto . th dport vmap @${SETS.refusedNodePorts}`,
      ],
    },
    {
      name: 'check-cluster-ips',
      rules: [`${family} daddr @${SETS.clusterIps} goto ${REJECT_CHAIN}`, ...unallocated],
    },
    ...baseChains(frame),
  ];
}

/** NAT sees only the first packet of a connection; the rest follow what was decided for it. */
function baseChains({ family, hasLocalhostNodePorts }: RulesetFrame): readonly FrameChain[] {
  const nat = (hook: string, priority: number): string => `type nat hook ${hook} priority ${priority};`;
  const filter = (hook: string, priority: number): string => `type filter hook ${hook} priority ${priority};`;
  // With route_localnet a neighbour could reach what listens on loopback only; the kernel refused that before.
  const martians =
    family === 'ip' && hasLocalhostNodePorts
      ? ['ip daddr 127.0.0.0/8 ip saddr != 127.0.0.0/8 ct status & dnat != dnat drop']
      : [];
  return [
    { name: 'nat-prerouting', hook: nat('prerouting', -100), rules: ['jump dispatch'] },
    { name: 'nat-output', hook: nat('output', -100), rules: ['jump dispatch'] },
    {
      name: 'nat-postrouting',
      hook: nat('postrouting', 100),
      rules: [
        `meta mark & ${MASQUERADE_MARK} != 0 meta mark set meta mark xor ${MASQUERADE_MARK} masquerade fully-random`,
        // A pod that reached itself through a service must see the answer come from elsewhere than itself.
        `ct status & dnat == dnat ${family} saddr . ${family} daddr @${SETS.hairpin} masquerade fully-random`,
      ],
    },
    {
      name: 'filter-prerouting-before-dnat',
      hook: filter('prerouting', -110),
      rules: ['ct state new jump check-firewall'],
    },
    {
      name: 'filter-output-before-dnat',
      hook: filter('output', -110),
      rules: ['ct state new jump check-firewall'],
    },
    {
      name: 'filter-input',
      hook: filter('input', 0),
      rules: [...martians, 'ct state new jump check-refused'],
    },
    {
      name: 'filter-forward',
      hook: filter('forward', 0),
      rules: ['ct state new jump check-refused', 'ct state new jump check-cluster-ips'],
    },
    {
      name: 'filter-output',
      hook: filter('output', 0),
      rules: ['ct state new jump check-refused', 'ct state new jump check-cluster-ips'],
    },
  ];
}

function nodePortMatch({ family, nodePortCidrs, hasLocalhostNodePorts }: RulesetFrame): string {
  const notLoopback = family === 'ip' ? 'ip daddr != 127.0.0.0/8' : 'ip6 daddr != ::1';
  const isLoopbackServed = family === 'ip' && hasLocalhostNodePorts;
  const addresses = nodePortCidrs === undefined ? '' : ` ${family} daddr { ${nodePortCidrs.join(', ')} }`;
  return `fib daddr type local${addresses}${isLoopbackServed ? '' : ` ${notLoopback}`}`;
}
