import { existsSync, readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { Cidr } from '#base/ip.ts';

export interface AddressPlan {
  readonly serviceCidr: string;
  readonly podCidr: string;
}

/** Clusters that can live side by side on one host with ranges chosen for them. */
const PLANS = 24;

/**
 * The ranges for a new cluster: kubeadm's for the first on a host, others where an address of this host
 * (another cluster's bridge, a VPN) already lies in them.
 */
export function chooseAddresses(used: readonly string[] = hostAddresses()): AddressPlan {
  for (let index = 0; index < PLANS; index++) {
    const plan = {
      serviceCidr: `10.${96 + index}.0.0/16`,
      podCidr: `10.${(244 + index * 2) % 256 || 1}.0.0/16`,
    };
    const ranges = [plan.serviceCidr, plan.podCidr].map((text) => Cidr.parse(text));
    if (!used.some((address) => ranges.some((range) => range?.contains(address) === true))) {
      return plan;
    }
  }
  return { serviceCidr: '10.96.0.0/16', podCidr: '10.244.0.0/16' };
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
