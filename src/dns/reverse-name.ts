import { canonicalIp, formatIp } from '#base/ip.ts';

/** The address that `5.0.244.10.in-addr.arpa` or a name under `ip6.arpa` asks about; undefined for other names. */
export function addressOfReverseName(name: string): string | undefined {
  if (name.endsWith('.in-addr.arpa')) {
    const octets = name.slice(0, -'.in-addr.arpa'.length).split('.');
    return octets.length === 4 ? canonicalIp(octets.toReversed().join('.')) : undefined;
  }
  if (name.endsWith('.ip6.arpa')) {
    const nibbles = name.slice(0, -'.ip6.arpa'.length).split('.');
    if (nibbles.length !== 32 || !nibbles.every((nibble) => /^[0-9a-f]$/.test(nibble))) {
      return undefined;
    }
    return formatIp({ family: 6, value: BigInt(`0x${nibbles.toReversed().join('')}`) });
  }
  return undefined;
}

/** `10.244.0.5` → `10-244-0-5`, so that an address fits into one label. */
export function ipToDashed(ip: string): string {
  return ip.replaceAll(/[.:]/g, '-');
}

/** The inverse of {@link ipToDashed}; undefined when the label is no address. */
export function dashedToIp(label: string): string | undefined {
  return canonicalIp(label.replaceAll('-', '.')) ?? canonicalIp(label.replaceAll('-', ':'));
}
