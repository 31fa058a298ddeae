import { Buffer } from 'node:buffer';
import { closeSync } from 'node:fs';
import { assert } from '#base/assert.ts';
import { errnoName, type Libc } from './libc.ts';

/** The kernel refused a change of links, addresses or routes. */
export class NetlinkError extends Error {
  override readonly name = 'NetlinkError';
  readonly code: string;

  constructor(what: string, code: string) {
    super(`${what}: ${code}`);
    this.code = code;
  }
}

const MessageType = {
  error: 2,
  newLink: 16,
  deleteLink: 17,
  setLink: 19,
  newAddress: 20,
  newRoute: 24,
} as const;
const REQUEST_AND_ACK = 0x5;
const CREATE_NEW = 0x600;
const CREATE_OR_REPLACE = 0x500;
const IFF_UP = 1;
const LinkAttribute = { address: 1, name: 3, mtu: 4, master: 10, linkInfo: 18, netnsFd: 28, protInfo: 12 };
const NESTED = 0x8000;
const INFO_KIND = 1;
const INFO_DATA = 2;
const VETH_PEER = 1;
const PORT_HAIRPIN = 4;
const AF_INET = 2;
const AF_BRIDGE = 7;
const HEADER_BYTES = 16;
const LINK_BYTES = 16;

/**
 * Links, addresses and routes of the network namespace in which it was opened, by messages to the kernel:
 * what the `ip` program does, without starting it. Every request waits for its acknowledgement, which the
 * kernel gives before it returns from taking the request.
 */
export class Netlink implements Disposable {
  readonly #libc: Libc;
  readonly #fd: number;
  readonly #reply = Buffer.alloc(8192);
  #sequence = 0;

  constructor(libc: Libc) {
    this.#libc = libc;
    this.#fd = libc.openNetlink();
  }

  /** A bridge with its own fixed address, so that ports coming and going do not change it. */
  addBridge(name: string, mac: string): void {
    const kind = attribute(LinkAttribute.linkInfo | NESTED, attribute(INFO_KIND, text('bridge')));
    const attributes = [
      attribute(LinkAttribute.name, text(name)),
      attribute(LinkAttribute.address, macBytes(mac)),
      kind,
    ];
    this.#request(MessageType.newLink, CREATE_NEW, [linkHeader(0), ...attributes], `add bridge ${name}`);
  }

  /** A pair of links: `name` here, and `peer.name` in the namespace open at `peer.netnsFd`. */
  addVethPair(
    name: string,
    peer: { readonly name: string; readonly mac: string; readonly netnsFd: number },
  ): void {
    const peerLink = Buffer.concat([
      linkHeader(0),
      attribute(LinkAttribute.name, text(peer.name)),
      attribute(LinkAttribute.address, macBytes(peer.mac)),
      attribute(LinkAttribute.netnsFd, u32(peer.netnsFd)),
    ]);
    const info = Buffer.concat([
      attribute(INFO_KIND, text('veth')),
      attribute(INFO_DATA | NESTED, attribute(VETH_PEER | NESTED, peerLink)),
    ]);
    const body = [
      linkHeader(0),
      attribute(LinkAttribute.name, text(name)),
      attribute(LinkAttribute.linkInfo | NESTED, info),
    ];
    this.#request(MessageType.newLink, CREATE_NEW, body, `add veth ${name}`);
  }

  setUp(name: string): void {
    this.#request(MessageType.newLink, 0, [linkHeader(this.index(name), IFF_UP)], `set ${name} up`);
  }

  /** Makes a link a port of a bridge, up, and lets packets go back out of the port they came from. */
  joinBridge(name: string, bridge: string): void {
    const index = this.index(name);
    const body = [linkHeader(index, IFF_UP), attribute(LinkAttribute.master, u32(this.index(bridge)))];
    this.#request(MessageType.newLink, 0, body, `set ${name} master ${bridge}`);
    const port = attribute(LinkAttribute.protInfo | NESTED, attribute(PORT_HAIRPIN, Buffer.of(1)));
    this.#request(MessageType.setLink, 0, [linkHeader(index, 0, AF_BRIDGE), port], `set ${name} hairpin`);
  }

  addAddress(name: string, address: string, prefixLength: number): void {
    const header = Buffer.alloc(8);
    header.writeUInt8(AF_INET, 0);
    header.writeUInt8(prefixLength, 1);
    header.writeUInt32LE(this.index(name), 4);
    const bytes = ipv4Bytes(address);
    const body = [header, attribute(2, bytes), attribute(1, bytes)];
    this.#request(
      MessageType.newAddress,
      CREATE_OR_REPLACE,
      body,
      `add ${address}/${prefixLength} to ${name}`,
    );
  }

  addDefaultRoute(gateway: string): void {
    const header = Buffer.alloc(12);
    const TABLE_MAIN = 254;
    const PROTOCOL_BOOT = 3;
    const TYPE_UNICAST = 1;
    header.writeUInt8(AF_INET, 0);
    header.writeUInt8(TABLE_MAIN, 4);
    header.writeUInt8(PROTOCOL_BOOT, 5);
    header.writeUInt8(TYPE_UNICAST, 7);
    const body = [header, attribute(5, ipv4Bytes(gateway))];
    this.#request(MessageType.newRoute, CREATE_NEW, body, `add default route via ${gateway}`);
  }

  /** False when there is no such link. */
  deleteLink(name: string): boolean {
    const index = this.#libc.interfaceIndex(name);
    if (index === 0) {
      return false;
    }
    try {
      this.#request(MessageType.deleteLink, 0, [linkHeader(index)], `delete ${name}`);
      return true;
    } catch (error) {
      if (error instanceof NetlinkError && error.code === 'ENODEV') {
        return false;
      }
      throw error;
    }
  }

  hasLink(name: string): boolean {
    return this.#libc.interfaceIndex(name) !== 0;
  }

  index(name: string): number {
    const index = this.#libc.interfaceIndex(name);
    if (index === 0) {
      throw new NetlinkError(`find ${name}`, 'ENODEV');
    }
    return index;
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd);
  }

  #request(type: number, flags: number, body: readonly Buffer[], what: string): void {
    const header = Buffer.alloc(HEADER_BYTES);
    this.#sequence += 1;
    const message = Buffer.concat([header, ...body]);
    message.writeUInt32LE(message.length, 0);
    message.writeUInt16LE(type, 4);
    message.writeUInt16LE(REQUEST_AND_ACK | flags, 6);
    message.writeUInt32LE(this.#sequence, 8);
    const isSent = this.#libc.send(this.#fd, message);
    assert(isSent, 'netlink takes one request at a time');
    const length = this.#libc.receive(this.#fd, this.#reply);
    assert(
      length >= HEADER_BYTES + 4 && this.#reply.readUInt16LE(4) === MessageType.error,
      'netlink acknowledges',
    );
    const errno = this.#reply.readInt32LE(HEADER_BYTES);
    if (errno !== 0) {
      throw new NetlinkError(what, errnoName(-errno));
    }
  }
}

/** `struct ifinfomsg`; a flag is set, and its bit in the change mask with it. */
function linkHeader(index: number, flags = 0, family = 0): Buffer {
  const header = Buffer.alloc(LINK_BYTES);
  header.writeUInt8(family, 0);
  header.writeInt32LE(index, 4);
  header.writeUInt32LE(flags, 8);
  header.writeUInt32LE(flags, 12);
  return header;
}

/** Length, type and value, padded to four bytes. */
function attribute(type: number, value: Uint8Array): Buffer {
  const bytes = Buffer.alloc(Math.ceil((4 + value.length) / 4) * 4);
  bytes.writeUInt16LE(4 + value.length, 0);
  bytes.writeUInt16LE(type, 2);
  bytes.set(value, 4);
  return bytes;
}

function text(value: string): Buffer {
  return Buffer.from(`${value}\0`);
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function macBytes(mac: string): Buffer {
  return Buffer.from(mac.replaceAll(':', ''), 'hex');
}

function ipv4Bytes(address: string): Buffer {
  return Buffer.from(address.split('.').map(Number));
}
