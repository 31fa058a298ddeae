import { existsSync, readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { defined } from '#base/assert.ts';
import { Cidr } from '#base/ip.ts';
import type { Random } from '#base/random.ts';

export interface AddressPlan {
  readonly serviceCidr: string;
  readonly podCidr: string;
}

/** Pairs of ranges to choose from: 10.96 to 10.119 for services, 10.200 to 10.223 for pods. */
const PLANS = 24;

/**
 * The ranges for a new cluster: any pair that no address of this host lies in. They are drawn by chance, so that
 * clusters which were made while the others were stopped rarely meet.
 */
export function chooseAddresses(random: Random, used: readonly string[] = hostAddresses()): AddressPlan {
  const all = Array.from({ length: PLANS }, (_, index) => ({
    serviceCidr: `10.${96 + index}.0.0/16`,
    podCidr: `10.${200 + index}.0.0/16`,
  }));
  const free = all.filter((plan) => {
    const ranges = [plan.serviceCidr, plan.podCidr].map((text) => Cidr.parse(text));
    return !used.some((address) => ranges.some((range) => range?.contains(address) === true));
  });
  const choice = free.length > 0 ? free : all;
  return defined(choice[random.int(choice.length)], 'a pair of ranges');
}

/**
 * True when another interface of this host has the address already: a cluster that was made while this one was
 * stopped, or a network that came later.
 */
export function isTakenByOthers(address: string, ownBridge: string): boolean {
  return !existsSync(`/sys/class/net/${ownBridge}`) && hostAddresses().includes(address);
}

/** Addresses of this host; on Linux also those of interfaces without a carrier, such as a bridge without pods. */
export function hostAddresses(): readonly string[] {
  const running = Object.values(networkInterfaces()).flatMap((addresses) =>
    (addresses ?? []).map(({ address }) => address),
  );
  const local = existsSync(ROUTE_TRIE)
    ? readFileSync(ROUTE_TRIE, 'utf8').matchAll(/(\d+\.\d+\.\d+\.\d+)\n\s+\/32 host LOCAL/g)
    : [];
  return [...new Set([...running, ...Array.from(local, (match) => match[1] ?? '')])];
}

const ROUTE_TRIE = '/proc/net/fib_trie';

/** The address other machines would reach this host by: the first that is not loopback, else loopback. */
export function primaryAddress(isOwn: (interfaceName: string) => boolean): string {
  for (const [name, addresses] of Object.entries(networkInterfaces())) {
    const found = isOwn(name)
      ? undefined
      : addresses?.find(({ family, internal }) => family === 'IPv4' && !internal);
    if (found !== undefined) {
      return found.address;
    }
  }
  return '127.0.0.1';
}
