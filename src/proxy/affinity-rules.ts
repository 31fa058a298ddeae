import { hash } from 'node:crypto';
import type { ProxyEndpoint } from './endpoint-pools.ts';
import type { NftFamily } from './nft-transaction.ts';
import type { RuleChain, RuleSet } from './rules.ts';

/** A pool that sends a client back to the endpoint it had last. */
export interface AffinityPool {
  /** The chain to go to. */
  readonly chain: string;
  readonly chains: readonly RuleChain[];
  readonly sets: readonly RuleSet[];
}

export interface AffinityPoolOptions {
  readonly id: string;
  readonly family: NftFamily;
  readonly protocol: string;
  readonly endpoints: readonly ProxyEndpoint[];
  readonly timeoutSeconds: number;
}

/**
 * For each endpoint a set of the clients it serves, which the endpoint's chain refreshes on every new
 * connection and the kernel forgets after the time-out; the pool's chain asks those sets before it draws.
 * A set lives exactly as long as its endpoint is in the pool.
 */
export function affinityPool({
  id,
  family,
  protocol,
  endpoints,
  timeoutSeconds,
}: AffinityPoolOptions): AffinityPool {
  const chain = `affinity-${id}`;
  const members = endpoints.map(({ ip, port }) => ({
    target: family === 'ip6' ? `[${ip}]:${port}` : `${ip}:${port}`,
    // The time-out cannot be changed on a set that exists, so that it is part of the name.
    name: hash('sha256', `${id} ${ip} ${port} ${timeoutSeconds}`).slice(0, 16),
  }));
  const address = family === 'ip' ? 'ipv4_addr' : 'ipv6_addr';
  const again = members.map(({ name }) => `${family} saddr @clients-${name} goto endpoint-${name}`);
  const draw = members.map(({ name }, index) => `${index} : goto endpoint-${name}`);
  return {
    chain,
    chains: [
      {
        name: chain,
        rules: [...again, `numgen random mod ${members.length} vmap { ${draw.join(', ')} }`],
      },
      ...members.map(({ name, target }) => ({
        name: `endpoint-${name}`,
        rules: [`update @clients-${name} { ${family} saddr }`, `meta l4proto ${protocol} dnat to ${target}`],
      })),
    ],
    sets: members.map(({ name }) => ({
      name: `clients-${name}`,
      declaration: `type ${address}; flags dynamic,timeout; timeout ${timeoutSeconds}s;`,
    })),
  };
}
