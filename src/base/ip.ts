/** An IP address; `value` has 32 or 128 bits. */
export interface IpAddress {
  readonly family: 4 | 6;
  readonly value: bigint;
}

/**
 * Reads a dotted quad or an IPv6 address; undefined for anything else. Strict, because two readings of one
 * text are how a filter is passed: no leading zeros in a quad, no zone, no brackets, no blanks.
 */
export function parseIp(text: string): IpAddress | undefined {
  if (text.includes(':')) {
    const value = parseIpv6(text);
    return value === undefined ? undefined : { family: 6, value };
  }
  const value = parseIpv4(text);
  return value === undefined ? undefined : { family: 4, value: BigInt(value) };
}

/** The canonical text: a dotted quad, or the shortest lower-case form of RFC 5952. */
export function formatIp({ family, value }: IpAddress): string {
  return family === 4 ? formatIpv4(Number(value)) : formatIpv6(value);
}

export function familyOfIp(text: string): 4 | 6 | undefined {
  return parseIp(text)?.family;
}

/** The canonical form of an address, so that two spellings of it compare equal; undefined when it is none. */
export function canonicalIp(text: string): string | undefined {
  const parsed = parseIp(text);
  return parsed === undefined ? undefined : formatIp(parsed);
}

/** The addresses that share the first `prefixLength` bits of `base`. */
export class Cidr {
  readonly family: 4 | 6;
  /** The first address; its host bits are zero. */
  readonly base: bigint;
  readonly prefixLength: number;

  private constructor(family: 4 | 6, base: bigint, prefixLength: number) {
    this.family = family;
    this.base = base;
    this.prefixLength = prefixLength;
  }

  /** The block around an address; host bits of `address` are dropped. Undefined when the length does not fit. */
  static of(address: IpAddress, prefixLength: number): Cidr | undefined {
    const bits = bitsOf(address.family);
    if (!Number.isInteger(prefixLength) || prefixLength < 0 || prefixLength > bits) {
      return undefined;
    }
    const hostBits = BigInt(bits - prefixLength);
    return new Cidr(address.family, (address.value >> hostBits) << hostBits, prefixLength);
  }

  /** Reads `10.96.0.0/12` or `fd00::/108`; undefined for anything else. Host bits may be set and are dropped. */
  static parse(text: string): Cidr | undefined {
    const slash = text.indexOf('/');
    const address = parseIp(text.slice(0, Math.max(slash, 0)));
    const length = text.slice(slash + 1);
    if (address === undefined || !/^(?:0|[1-9]\d{0,2})$/.test(length)) {
      return undefined;
    }
    return Cidr.of(address, Number(length));
  }

  /** Number of addresses, the network's own and the broadcast one included. */
  get size(): bigint {
    return 1n << BigInt(bitsOf(this.family) - this.prefixLength);
  }

  /** The address at a distance from the first one. Undefined outside the block. */
  at(index: bigint | number): string | undefined {
    const offset = BigInt(index);
    if (offset < 0n || offset >= this.size) {
      return undefined;
    }
    return formatIp({ family: this.family, value: this.base + offset });
  }

  /** Distance from the first address; undefined for an address outside the block or of the other family. */
  indexOf(address: IpAddress | string): bigint | undefined {
    const parsed = typeof address === 'string' ? parseIp(address) : address;
    if (parsed?.family !== this.family) {
      return undefined;
    }
    const offset = parsed.value - this.base;
    return offset >= 0n && offset < this.size ? offset : undefined;
  }

  contains(address: IpAddress | string): boolean {
    return this.indexOf(address) !== undefined;
  }

  overlaps(other: Cidr): boolean {
    return (
      this.family === other.family &&
      this.base < other.base + other.size &&
      other.base < this.base + this.size
    );
  }

  /**
   * The `index`-th of the equal blocks of `prefixLength` this one divides into, as a node's share of the
   * cluster's pod range. Undefined when there are fewer.
   */
  subnet(prefixLength: number, index: bigint | number): Cidr | undefined {
    if (prefixLength < this.prefixLength || prefixLength > bitsOf(this.family)) {
      return undefined;
    }
    const offset = BigInt(index) << BigInt(bitsOf(this.family) - prefixLength);
    if (offset < 0n || offset >= this.size) {
      return undefined;
    }
    return Cidr.of({ family: this.family, value: this.base + offset }, prefixLength);
  }

  toString(): string {
    return `${formatIp({ family: this.family, value: this.base })}/${this.prefixLength}`;
  }
}

function bitsOf(family: 4 | 6): number {
  return family === 4 ? 32 : 128;
}

function parseIpv4(text: string): number | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text);
  if (match === null) {
    return undefined;
  }
  let value = 0;
  for (const part of match.slice(1)) {
    const octet = Number(part);
    if (octet > 255 || (part.length > 1 && part.startsWith('0'))) {
      return undefined;
    }
    value = value * 256 + octet;
  }
  return value;
}

function formatIpv4(value: number): string {
  return `${value >>> 24}.${(value >>> 16) & 255}.${(value >>> 8) & 255}.${value & 255}`;
}

function parseIpv6(text: string): bigint | undefined {
  const halves = text.split('::');
  if (halves.length > 2) {
    return undefined;
  }
  const [head = '', tail] = halves;
  const before = parseGroups(head, tail === undefined);
  const after = tail === undefined ? [] : parseGroups(tail, true);
  if (before === undefined || after === undefined) {
    return undefined;
  }
  const missing = 8 - before.length - after.length;
  // "::" stands for at least one group.
  if (tail === undefined ? missing !== 0 : missing < 1) {
    return undefined;
  }
  const groups = [...before, ...Array.from<number>({ length: missing }).fill(0), ...after];
  return groups.reduce((value, group) => (value << 16n) | BigInt(group), 0n);
}

/** @param mayEndInQuad whether the last part may be a dotted quad, which counts as two groups */
function parseGroups(text: string, mayEndInQuad: boolean): number[] | undefined {
  if (text === '') {
    return [];
  }
  const parts = text.split(':');
  const groups: number[] = [];
  for (const [index, part] of parts.entries()) {
    if (/^[0-9a-fA-F]{1,4}$/.test(part)) {
      groups.push(Number.parseInt(part, 16));
      continue;
    }
    const quad = mayEndInQuad && index === parts.length - 1 ? parseIpv4(part) : undefined;
    if (quad === undefined) {
      return undefined;
    }
    groups.push(quad >>> 16, quad & 0xffff);
  }
  return groups;
}

function formatIpv6(value: bigint): string {
  const groups = Array.from({ length: 8 }, (_, index) =>
    Number((value >> BigInt(16 * (7 - index))) & 0xffffn),
  );
  if (value >> 32n === 0xffffn) {
    return `::ffff:${formatIpv4(Number(value & 0xffffffffn))}`;
  }
  const zeros = longestZeroRun(groups);
  const hex = (part: readonly number[]): string => part.map((group) => group.toString(16)).join(':');
  if (zeros.length < 2) {
    return hex(groups);
  }
  return `${hex(groups.slice(0, zeros.start))}::${hex(groups.slice(zeros.start + zeros.length))}`;
}

/** The first of the longest runs of zero groups. */
function longestZeroRun(groups: readonly number[]): { readonly start: number; readonly length: number } {
  let best = { start: 0, length: 0 };
  let start = 0;
  for (let index = 0; index <= groups.length; index++) {
    if (groups[index] !== 0) {
      if (index - start > best.length) {
        best = { start, length: index - start };
      }
      start = index + 1;
    }
  }
  return best;
}
