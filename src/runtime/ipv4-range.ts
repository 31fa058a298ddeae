import { RuntimeError } from './cri.ts';

/** A block of IPv4 addresses written as `10.244.1.0/24`. Addresses are unsigned 32-bit numbers inside. */
export class Ipv4Range {
  readonly base: number;
  readonly prefixLength: number;

  private constructor(base: number, prefixLength: number) {
    this.base = base;
    this.prefixLength = prefixLength;
  }

  /** @throws {RuntimeError} `invalid-argument` for anything but a dotted quad, a slash and 8 to 30 */
  static parse(text: string): Ipv4Range {
    const [address = '', length = ''] = text.trim().split('/');
    const base = parseIpv4(address);
    const prefixLength = Number(length);
    if (base === undefined || !/^\d+$/.test(length) || prefixLength < 8 || prefixLength > 30) {
      throw new RuntimeError('invalid-argument', `${JSON.stringify(text)} is not an IPv4 range for pods`);
    }
    return new Ipv4Range(base - (base % 2 ** (32 - prefixLength)), prefixLength);
  }

  /** All addresses of the block, the network's own and the broadcast one included. */
  get size(): number {
    return 2 ** (32 - this.prefixLength);
  }

  /** The first usable address: the bridge's own, and the pods' way out. */
  get gateway(): string {
    return formatIpv4(this.base + 1);
  }

  /** @param index 0 is the network's own address */
  at(index: number): string {
    return formatIpv4(this.base + index);
  }

  /** Position in the block; undefined for an address outside it. */
  indexOf(address: string): number | undefined {
    const value = parseIpv4(address);
    if (value === undefined || value < this.base || value >= this.base + this.size) {
      return undefined;
    }
    return value - this.base;
  }

  toString(): string {
    return `${formatIpv4(this.base)}/${this.prefixLength}`;
  }
}

function parseIpv4(text: string): number | undefined {
  const parts = text.split('.');
  if (parts.length !== 4 || parts.some((part) => !/^(?:0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255)) {
    return undefined;
  }
  return parts.reduce((value, part) => value * 256 + Number(part), 0);
}

function formatIpv4(value: number): string {
  return [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255].join('.');
}
