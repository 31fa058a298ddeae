import type { Node } from '#api/types/core.v1.ts';
import { Cidr, familyOfIp, parseIp } from '#base/ip.ts';

/** Another node, as far as packets for its pods are concerned. */
export interface Peer {
  readonly name: string;
  /** Its address on the network that joins the hosts. */
  readonly ip: string;
  readonly podCidrs: readonly string[];
}

export interface OverlayOptions {
  /** Name of the VXLAN device; at most 15 characters. */
  readonly device: string;
  /** Ranges of addresses that this host reaches without a gateway. */
  readonly linkCidrs: readonly string[];
}

/** One line for `ip -batch` or `bridge -batch`, with the line that undoes it. */
export interface OverlayEntry {
  readonly program: 'ip' | 'bridge';
  readonly add: string;
  readonly remove: string;
}

/** Marks the routes made here (`ip route … proto`), in the range left to administrators. */
export const ROUTE_PROTOCOL = 172;

/** The other nodes that have an address and a range of pods. */
export function peersOf(nodes: readonly Node[], ownName: string): readonly Peer[] {
  return nodes.flatMap(({ metadata, spec, status }) => {
    const ip = status.addresses?.find(({ type }) => type === 'InternalIP')?.address;
    const podCidrs = spec.podCIDRs ?? (spec.podCIDR === undefined ? [] : [spec.podCIDR]);
    return metadata.name === ownName || ip === undefined || podCidrs.length === 0
      ? []
      : [{ name: metadata.name, ip, podCidrs }];
  });
}

/**
 * What leads to the pods of the other nodes. A peer on the same link is the next hop itself. For every other one the
 * packet goes into the VXLAN device: the route names the peer's end of the tunnel, which is the first address of
 * its range; the neighbour entry gives that address a hardware address; the forwarding entry says behind which
 * host it is. Nothing is learnt from the network, and nothing is flooded.
 *
 *     10.244.2.0/24 ─route→ 10.244.2.0 ─neighbour→ 02:c0:c0:00:02:0b ─forwarding→ 192.0.2.11
 */
export function planOverlay(
  peers: readonly Peer[],
  { device, linkCidrs }: OverlayOptions,
): ReadonlyMap<string, OverlayEntry> {
  const links = linkCidrs.flatMap((text) => Cidr.parse(text) ?? []);
  const entries = new Map<string, OverlayEntry>();
  const add = (
    program: OverlayEntry['program'],
    words: { readonly add: string; readonly remove: string },
  ): void => {
    entries.set(`${program} ${words.add}`, { program, ...words });
  };
  for (const { ip, podCidrs } of peers) {
    const hardware = tunnelHardwareAddress(ip);
    const isDirect = links.some((link) => link.contains(ip));
    const ranges = podCidrs.flatMap((text) => Cidr.parse(text) ?? []);
    for (const range of ranges) {
      const family = range.family === 6 ? '-6 ' : '';
      const route = `route replace ${range.toString()}`;
      const remove = `${family}route del ${range.toString()} proto ${ROUTE_PROTOCOL}`;
      // A next hop of the other family would need RFC 5549; the tunnel carries both.
      if (isDirect && familyOfIp(ip) === range.family) {
        add('ip', { add: `${family}${route} via ${ip} proto ${ROUTE_PROTOCOL}`, remove });
        continue;
      }
      const end = tunnelAddress(range);
      add('ip', {
        add: `${family}neigh replace ${end} lladdr ${hardware} dev ${device} nud permanent`,
        remove: `${family}neigh del ${end} dev ${device}`,
      });
      add('ip', { add: `${family}${route} via ${end} dev ${device} onlink proto ${ROUTE_PROTOCOL}`, remove });
      add('bridge', {
        add: `fdb replace ${hardware} dev ${device} dst ${ip} self permanent`,
        remove: `fdb del ${hardware} dev ${device} dst ${ip} self`,
      });
    }
  }
  return entries;
}

/** The address of a node's end of the tunnel: the one of its range that no pod gets. */
export function tunnelAddress(podCidr: Cidr): string {
  return podCidr.at(0) ?? podCidr.toString();
}

/**
 * The hardware address of a node's end of the tunnel, computed from the node's address so that it need not be
 * told: locally administered, `02:c0`, and the last four bytes.
 */
export function tunnelHardwareAddress(nodeIp: string): string {
  const value = parseIp(nodeIp)?.value ?? 0n;
  const bytes = [24n, 16n, 8n, 0n].map((shift) => Number((value >> shift) & 255n));
  return ['02', 'c0', ...bytes.map((byte) => byte.toString(16).padStart(2, '0'))].join(':');
}
