import { Cidr, formatIp, parseIp } from '#base/ip.ts';
import type { IpAddress } from '#base/ip.ts';
import { declare, method } from '../declarations.ts';
import type { Library } from '../declarations.ts';
import { opaqueType } from '../types.ts';
import { EvaluationError, SizedValue } from '../value.ts';
import type { OpaqueValue, Value } from '../value.ts';

export const IP_TYPE = opaqueType('net.IP');
export const CIDR_TYPE = opaqueType('net.CIDR');

class IpValue extends SizedValue {
  readonly type = IP_TYPE;
  readonly address: IpAddress;

  constructor(address: IpAddress) {
    super();
    this.address = address;
  }

  get size(): number {
    return this.address.family === 4 ? 4 : 16;
  }

  equals(other: OpaqueValue): boolean {
    const { family, value } = this.address;
    return other instanceof IpValue && other.address.family === family && other.address.value === value;
  }
}

class CidrValue extends SizedValue {
  readonly type = CIDR_TYPE;
  /** As written, host bits included. */
  readonly address: IpAddress;
  readonly block: Cidr;

  constructor(address: IpAddress, block: Cidr) {
    super();
    this.address = address;
    this.block = block;
  }

  get size(): number {
    return Math.ceil(this.block.prefixLength / 8);
  }

  equals(other: OpaqueValue): boolean {
    return (
      other instanceof CidrValue &&
      other.address.family === this.address.family &&
      other.address.value === this.address.value &&
      other.block.prefixLength === this.block.prefixLength
    );
  }
}

const MAPPED_PREFIX = 0xffffn;

function isMapped({ family, value }: IpAddress): boolean {
  return family === 6 && value >> 32n === MAPPED_PREFIX;
}

function readIp(text: string): IpValue | EvaluationError {
  const address = parseIp(text);
  const shown = JSON.stringify(text);
  if (address !== undefined) {
    return isMapped(address)
      ? new EvaluationError(`IPv4-mapped IPv6 address ${shown} is not allowed`)
      : new IpValue(address);
  }
  const [withoutZone = ''] = text.split('%');
  return text.includes('%') && parseIp(withoutZone)?.family === 6
    ? new EvaluationError(`IP address ${shown} with zone value is not allowed`)
    : new EvaluationError(
        `IP Address ${shown} parse error during conversion from string: ParseAddr(${shown}): unable to parse IP`,
      );
}

function readCidr(text: string): CidrValue | EvaluationError {
  const address = parseIp(text.slice(0, Math.max(0, text.indexOf('/'))));
  const block = Cidr.parse(text);
  const shown = JSON.stringify(text);
  if (address === undefined || block === undefined) {
    return new EvaluationError(
      `network address parse error during conversion from string: netip.ParsePrefix(${shown}): unable to parse`,
    );
  }
  return isMapped(address)
    ? new EvaluationError(`IPv4-mapped IPv6 address ${shown} is not allowed`)
    : new CidrValue(address, block);
}

/** Ranges that the questions about addresses are about, for each family. */
const BLOCKS = {
  loopback: [Cidr.parse('127.0.0.0/8'), Cidr.parse('::1/128')],
  linkLocalMulticast: [Cidr.parse('224.0.0.0/24'), Cidr.parse('ff02::/16')],
  linkLocalUnicast: [Cidr.parse('169.254.0.0/16'), Cidr.parse('fe80::/10')],
  multicast: [Cidr.parse('224.0.0.0/4'), Cidr.parse('ff00::/8')],
} as const;

function isIn(ip: IpValue, name: keyof typeof BLOCKS): boolean {
  return BLOCKS[name].some((block) => block?.contains(ip.address));
}

/** Every address but the unspecified, broadcast, loopback, multicast and link-local ones; private ones count. */
function isGlobalUnicast(ip: IpValue): boolean {
  const isBroadcast = ip.address.family === 4 && ip.address.value === 0xffffffffn;
  const isSpecial =
    isBroadcast || isIn(ip, 'loopback') || isIn(ip, 'multicast') || isIn(ip, 'linkLocalUnicast');
  return ip.address.value !== 0n && !isSpecial;
}

function isCanonical(text: string): Value {
  const ip = readIp(text);
  return ip instanceof EvaluationError ? ip : formatIp(ip.address) === text;
}

/** `ip('10.0.0.1')` and what can be asked of it. */
export const IP: Library = {
  types: [IP_TYPE],
  overloads: [
    declare('string_to_ip', 'ip(string): net.IP', readIp),
    declare('is_ip', 'isIP(string): bool', (text: string) => readIp(text) instanceof IpValue),
    declare('ip_is_canonical', 'ip.isCanonical(string): bool', isCanonical),
    declare('ip_to_string', 'string(net.IP): string', ({ address }: IpValue) => formatIp(address)),
    method('ip_family', 'family(net.IP): int', ({ address }: IpValue) => address.family),
    method(
      'ip_is_unspecified',
      'isUnspecified(net.IP): bool',
      ({ address }: IpValue) => address.value === 0n,
    ),
    method('ip_is_loopback', 'isLoopback(net.IP): bool', (ip: IpValue) => isIn(ip, 'loopback')),
    method('ip_is_link_local_multicast', 'isLinkLocalMulticast(net.IP): bool', (ip: IpValue) =>
      isIn(ip, 'linkLocalMulticast'),
    ),
    method('ip_is_link_local_unicast', 'isLinkLocalUnicast(net.IP): bool', (ip: IpValue) =>
      isIn(ip, 'linkLocalUnicast'),
    ),
    method('ip_is_global_unicast', 'isGlobalUnicast(net.IP): bool', isGlobalUnicast),
  ],
};

function containsIp({ block }: CidrValue, ip: IpValue): boolean {
  return block.contains(ip.address);
}

function containsCidr({ block }: CidrValue, other: CidrValue): boolean {
  return (
    other.block.prefixLength >= block.prefixLength &&
    block.contains({ family: other.block.family, value: other.block.base })
  );
}

function masked({ block }: CidrValue): CidrValue {
  return new CidrValue({ family: block.family, value: block.base }, block);
}

function textOfCidr({ address, block }: CidrValue): string {
  return `${formatIp(address)}/${block.prefixLength}`;
}

/** `cidr('10.0.0.0/8')` and what can be asked of it. */
export const CIDR: Library = {
  types: [CIDR_TYPE],
  overloads: [
    declare('string_to_cidr', 'cidr(string): net.CIDR', readCidr),
    declare('is_cidr', 'isCIDR(string): bool', (text: string) => readCidr(text) instanceof CidrValue),
    declare('cidr_to_string', 'string(net.CIDR): string', textOfCidr),
    method(
      'cidr_contains_ip_string',
      'containsIP(net.CIDR, string): bool',
      (cidr: CidrValue, text: string) => {
        const ip = readIp(text);
        return ip instanceof EvaluationError ? ip : containsIp(cidr, ip);
      },
    ),
    method('cidr_contains_ip_ip', 'containsIP(net.CIDR, net.IP): bool', containsIp),
    method(
      'cidr_contains_cidr_string',
      'containsCIDR(net.CIDR, string): bool',
      (cidr: CidrValue, text: string) => {
        const other = readCidr(text);
        return other instanceof EvaluationError ? other : containsCidr(cidr, other);
      },
    ),
    method('cidr_contains_cidr', 'containsCIDR(net.CIDR, net.CIDR): bool', containsCidr),
    method('cidr_ip', 'ip(net.CIDR): net.IP', ({ address }: CidrValue) => new IpValue(address)),
    method('cidr_prefix_length', 'prefixLength(net.CIDR): int', ({ block }: CidrValue) => block.prefixLength),
    method('cidr_masked', 'masked(net.CIDR): net.CIDR', masked),
  ],
};
