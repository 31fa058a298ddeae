import { Buffer } from 'node:buffer';
import type * as FfiModule from 'node:ffi';
import { closeSync, openSync } from 'node:fs';
import { constants } from 'node:os';
import { assert } from '#base/assert.ts';

const ERRNO_NAMES = new Map(Object.entries(constants.errno).map(([name, number]) => [number, name]));

/** The name of an error number of this kernel, as `ENOENT` for 2. */
export function errnoName(errno: number): string {
  return ERRNO_NAMES.get(errno) ?? `errno ${errno}`;
}

/** A system call that said no. `code` is the errno's name, as Node's own file errors have it. */
export class SystemCallError extends Error {
  override readonly name = 'SystemCallError';
  readonly code: string;

  constructor(call: string, errno: number, detail: string) {
    const code = errnoName(errno);
    super(`${call} ${detail}: ${code}`);
    this.code = code;
  }
}

export const MountFlag = {
  readonly: 1n,
  noSuid: 2n,
  noDev: 4n,
  noExec: 8n,
  remount: 32n,
  bind: 4096n,
  recursive: 16_384n,
  private: 262_144n,
} as const;

export type NamespaceKind = 'net' | 'ipc' | 'uts';

const CLONE_FLAG: Readonly<Record<NamespaceKind, number>> = {
  net: 0x4000_0000,
  ipc: 0x0800_0000,
  uts: 0x0400_0000,
};
const MNT_DETACH = 2;
const AF_UNIX = 1;
const AF_INET = 2;
const AF_NETLINK = 16;
const SOCK_STREAM = 1;
const SOCK_RAW = 3;
const SOCK_SEQPACKET = 5;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
const SHUT_RD = 0;
const POLLOUT = 4;
const SOL_SOCKET = 1;
const SO_ERROR = 4;
const TIOCSPTLCK = 0x4004_5431n;
const TIOCGPTN = 0x8004_5430n;
const TIOCSWINSZ = 0x5414n;
const O_RDWR = 2;
const O_NOCTTY = 0o400;

const SIGNATURES = {
  __errno_location: { return: 'pointer', arguments: [] },
  unshare: { return: 'i32', arguments: ['i32'] },
  setns: { return: 'i32', arguments: ['i32', 'i32'] },
  mount: { return: 'i32', arguments: ['string', 'string', 'string', 'u64', 'string'] },
  umount2: { return: 'i32', arguments: ['string', 'i32'] },
  sethostname: { return: 'i32', arguments: ['buffer', 'u64'] },
  mknod: { return: 'i32', arguments: ['string', 'u32', 'u64'] },
  lsetxattr: { return: 'i32', arguments: ['string', 'string', 'buffer', 'u64', 'i32'] },
  socket: { return: 'i32', arguments: ['i32', 'i32', 'i32'] },
  connect: { return: 'i32', arguments: ['i32', 'buffer', 'u32'] },
  shutdown: { return: 'i32', arguments: ['i32', 'i32'] },
  send: { return: 'i64', arguments: ['i32', 'buffer', 'u64', 'i32'] },
  recv: { return: 'i64', arguments: ['i32', 'buffer', 'u64', 'i32'] },
  poll: { return: 'i32', arguments: ['buffer', 'u64', 'i32'] },
  getsockopt: { return: 'i32', arguments: ['i32', 'i32', 'i32', 'buffer', 'buffer'] },
  ioctl: { return: 'i32', arguments: ['i32', 'u64', 'buffer'] },
  if_nametoindex: { return: 'u32', arguments: ['string'] },
} as const;

type Ffi = typeof FfiModule;
type Functions = ReturnType<typeof loadFunctions>;

function loadFunctions(ffi: Ffi) {
  return ffi.dlopen(null, SIGNATURES).functions;
}

/**
 * The few system calls that Node does not offer. Each takes microseconds where a helper program takes
 * milliseconds, and all are synchronous: namespaces belong to the thread, so whoever leaves its own must
 * be back before anything else runs on this thread.
 */
export class Libc {
  readonly #ffi: Ffi;
  readonly #c: Functions;

  private constructor(ffi: Ffi) {
    this.#ffi = ffi;
    this.#c = loadFunctions(ffi);
  }

  /** Undefined off Linux, and in a Node that was built or started without `node:ffi`. */
  static load(): Libc | undefined {
    const ffi = process.platform === 'linux' ? process.getBuiltinModule('node:ffi') : undefined;
    return ffi === undefined ? undefined : new Libc(ffi);
  }

  mount(source: string, target: string, options: { type?: string; flags?: bigint; data?: string }): void {
    const { type = 'none', flags = 0n, data = '' } = options;
    this.#check('mount', this.#c.mount(source, target, type, flags, data), `${source} on ${target}`);
  }

  /** Takes the mount out of the tree at once, even if it is in use. False when nothing is mounted there. */
  unmount(target: string): boolean {
    if (this.#c.umount2(target, MNT_DETACH) === 0) {
      return true;
    }
    const error = this.#error('umount', target);
    if (error.code === 'EINVAL' || error.code === 'ENOENT') {
      return false;
    }
    throw error;
  }

  /**
   * Makes new namespaces and pins each to the (existing, empty) file that `pins` names for its kind.
   *
   * @param prepare runs inside, before the way back
   */
  createNamespaces(pins: Partial<Record<NamespaceKind, string>>, prepare: () => void): void {
    const kinds = Object.keys(pins).filter((kind): kind is NamespaceKind => kind in CLONE_FLAG);
    const flags = kinds.reduce((all, kind) => all | CLONE_FLAG[kind], 0);
    this.#leaveAndReturn(
      kinds,
      () => this.#check('unshare', this.#c.unshare(flags), kinds.join(',')),
      () => {
        for (const kind of kinds) {
          this.mount(`/proc/thread-self/ns/${kind}`, pins[kind] ?? '', { flags: MountFlag.bind });
        }
        prepare();
      },
    );
  }

  /** Runs `act` in the pinned network namespace; sockets and processes that it makes stay there. */
  inNetworkNamespace<T>(pin: string, act: () => T): T {
    const fd = openSync(pin, 'r');
    try {
      return this.#leaveAndReturn(['net'], () => this.#check('setns', this.#c.setns(fd, 0), pin), act);
    } finally {
      closeSync(fd);
    }
  }

  setHostname(name: string): void {
    const bytes = Buffer.from(name);
    this.#check('sethostname', this.#c.sethostname(bytes, BigInt(bytes.length)), name);
  }

  /** @param mode file type and permissions, as `stat` gives them */
  makeNode(path: string, mode: number, major: number, minor: number): void {
    const device = (BigInt(major & 0xfff) << 8n) | BigInt(minor & 0xff) | (BigInt(minor & ~0xff) << 12n);
    this.#check('mknod', this.#c.mknod(path, mode, device), path);
  }

  /** Sets an extended attribute of the file itself, not of what a symbolic link points to. */
  setAttribute(path: string, name: string, value: Uint8Array): void {
    const bytes = Buffer.from(value);
    const result = this.#c.lsetxattr(path, name, bytes, BigInt(bytes.length), 0);
    this.#check('lsetxattr', result, `${name} of ${path}`);
  }

  /** 0 when there is no such interface in this thread's network namespace. */
  interfaceIndex(name: string): number {
    return this.#c.if_nametoindex(name);
  }

  /** A route netlink socket of this thread's network namespace. The caller closes it. */
  openNetlink(): number {
    const fd = this.#c.socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0);
    this.#check('socket', fd, 'netlink');
    return fd;
  }

  /**
   * A connection to a port of this thread's loopback interface, or the error's name. Both ends are this
   * kernel's, so the answer is there when `connect` returns.
   */
  connectLoopback(port: number): number | string {
    const fd = this.#c.socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    this.#check('socket', fd, 'tcp');
    const address = Buffer.alloc(16);
    address.writeUInt16LE(AF_INET, 0);
    address.writeUInt16BE(port, 2);
    address.set([127, 0, 0, 1], 4);
    let code = this.#c.connect(fd, address, address.length) === 0 ? '' : this.#error('connect', '').code;
    if (code === 'EINPROGRESS') {
      code = this.#connectOutcome(fd);
    }
    if (code === '') {
      return fd;
    }
    closeSync(fd);
    return code;
  }

  /** A connection to a SOCK_SEQPACKET unix socket that is written to only. The caller closes it. */
  connectSeqpacket(path: string): number {
    const fd = this.#c.socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    this.#check('socket', fd, path);
    const address = Buffer.alloc(110);
    address.writeUInt16LE(AF_UNIX, 0);
    const length = address.write(path, 2);
    assert(length < 108, 'a socket path is shorter than 108 bytes');
    const result = this.#c.connect(fd, address, 2 + length + 1);
    if (result !== 0) {
      const error = this.#error('connect', path);
      closeSync(fd);
      throw error;
    }
    this.#c.shutdown(fd, SHUT_RD);
    return fd;
  }

  /** False when the receiver has no room now. */
  send(fd: number, bytes: Uint8Array): boolean {
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const sent = this.#c.send(fd, buffer, BigInt(buffer.length), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent >= 0n) {
      assert(Number(sent) === buffer.length, 'a packet is sent whole');
      return true;
    }
    const error = this.#error('send', '');
    if (error.code === 'EAGAIN') {
      return false;
    }
    throw error;
  }

  /** Waits for one packet. For sockets whose other end answers at once, as netlink does. */
  receive(fd: number, buffer: Buffer): number {
    const length = this.#c.recv(fd, buffer, BigInt(buffer.length), 0);
    this.#check('recv', Number(length), '');
    return Number(length);
  }

  /** Both ends of a new pseudo-terminal. The caller closes them. */
  openTerminal(): { readonly master: number; readonly slave: number } {
    const master = openSync('/dev/ptmx', O_RDWR | O_NOCTTY);
    try {
      this.#check('ioctl', this.#c.ioctl(master, TIOCSPTLCK, Buffer.alloc(4)), 'TIOCSPTLCK');
      const path = `/dev/pts/${this.#terminalNumber(master)}`;
      return { master, slave: openSync(path, O_RDWR | O_NOCTTY) };
    } catch (error) {
      closeSync(master);
      throw error;
    }
  }

  setTerminalSize(fd: number, columns: number, rows: number): void {
    const size = Buffer.alloc(8);
    size.writeUInt16LE(rows, 0);
    size.writeUInt16LE(columns, 2);
    this.#check('ioctl', this.#c.ioctl(fd, TIOCSWINSZ, size), 'TIOCSWINSZ');
  }

  /** Steps out of this thread's namespaces and back. Not being able to come back is the end of the process. */
  #leaveAndReturn<T>(kinds: readonly NamespaceKind[], leave: () => void, act: () => T): T {
    const own = kinds.map((kind) => openSync(`/proc/thread-self/ns/${kind}`, 'r'));
    try {
      leave();
      return act();
    } finally {
      for (const fd of own) {
        if (this.#c.setns(fd, 0) !== 0) {
          process.abort();
        }
        closeSync(fd);
      }
    }
  }

  #connectOutcome(fd: number): string {
    const request = Buffer.alloc(8);
    request.writeInt32LE(fd, 0);
    request.writeInt16LE(POLLOUT, 4);
    if (this.#c.poll(request, 1n, 0) === 0) {
      return 'ETIMEDOUT';
    }
    const value = Buffer.alloc(4);
    const length = Buffer.alloc(4);
    length.writeInt32LE(4);
    this.#check('getsockopt', this.#c.getsockopt(fd, SOL_SOCKET, SO_ERROR, value, length), 'SO_ERROR');
    const errno = value.readInt32LE();
    return errno === 0 ? '' : errnoName(errno);
  }

  #terminalNumber(master: number): number {
    const number = Buffer.alloc(4);
    this.#check('ioctl', this.#c.ioctl(master, TIOCGPTN, number), 'TIOCGPTN');
    return number.readUInt32LE();
  }

  #check(call: string, result: number, detail: string): void {
    if (result < 0) {
      throw this.#error(call, detail);
    }
  }

  /** Must be the first call after the failing one. */
  #error(call: string, detail: string): SystemCallError {
    return new SystemCallError(call, this.#ffi.getInt32(this.#c.__errno_location()), detail);
  }
}
