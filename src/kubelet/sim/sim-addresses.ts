/** Shared address space, never routed. Each node has 256 addresses of it: enough for 16,384 nodes. */
export const SIM_POD_CIDR = '100.64.0.0/10';
const POD_BASE = 0x64_40_00_00;
const POD_SPACE = 0x40_00_00;
/** 172.16.0.0/12, for the nodes themselves. */
const NODE_BASE = 0xac_10_00_00;
const PER_NODE = 256;

/** Address of the node of this index. */
export function simNodeIp(index: number): string {
  return ipText(NODE_BASE + 1 + index);
}

/** The addresses of the pods of one node, lowest free first. */
export class SimPodIps {
  readonly #base: number;
  readonly #size: number;
  readonly #owners = new Map<number, string>();
  readonly #numbers = new Map<string, number>();

  /** @param cidr the node's range; one by its index when left out */
  constructor(index: number, cidr?: string) {
    const [network = '', length = '24'] = (cidr ?? '').split('/');
    const isUsable = /^[\d.]+$/.test(network) && Number(length) <= 30;
    this.#base = isUsable ? ipNumber(network) : POD_BASE + ((index * PER_NODE) % POD_SPACE);
    this.#size = isUsable ? 2 ** (32 - Number(length)) : PER_NODE;
  }

  /** The pod's address; the same one when asked again. A full range starts over and shares. */
  take(uid: string): string {
    const known = this.#numbers.get(uid);
    if (known !== undefined) {
      return ipText(this.#base + known);
    }
    let number = 2; // The first address is the gateway's.
    while (this.#owners.has(number) && number < this.#size - 2) {
      number += 1;
    }
    this.#assign(uid, number);
    return ipText(this.#base + number);
  }

  /** Keeps an address that a pod already has. */
  adopt(uid: string, ip: string): void {
    const number = ipNumber(ip) - this.#base;
    if (number >= 0 && number < this.#size && !this.#numbers.has(uid)) {
      this.#assign(uid, number);
    }
  }

  release(uid: string): void {
    const number = this.#numbers.get(uid);
    if (number !== undefined) {
      this.#numbers.delete(uid);
      if (this.#owners.get(number) === uid) {
        this.#owners.delete(number);
      }
    }
  }

  #assign(uid: string, number: number): void {
    this.#numbers.set(uid, number);
    this.#owners.set(number, uid);
  }
}

function ipText(value: number): string {
  return [24, 16, 8, 0].map((shift) => (value >>> shift) & 0xff).join('.');
}

function ipNumber(ip: string): number {
  return ip.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
}
