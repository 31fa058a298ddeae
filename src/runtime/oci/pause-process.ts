import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { RuntimeError } from '../cri.ts';
import type { NamespaceKind } from './libc.ts';
import type { OciHost } from './oci-host.ts';
import { runProgram } from './run-program.ts';

/** The first process of a process namespace that a pod's containers share. */
export interface PauseProcess {
  readonly pid: number;
}

interface PauseOptions {
  readonly sandboxId: string;
  readonly namespaces: Partial<Record<NamespaceKind, string>>;
  readonly cgroup: string;
}

/**
 * Starts a process that does nothing, only so that there is a process namespace with a first process in it.
 * The other namespaces need none: a file pins them.
 */
export async function startPause(host: OciHost, options: PauseOptions): Promise<PauseProcess> {
  const bundle = join(host.paths.sandbox(options.sandboxId), 'pause');
  const rootfs = join(bundle, 'rootfs');
  // Places for what is mounted; a read-only root gets no new ones.
  for (const directory of ['dev', 'proc']) {
    mkdirSync(join(rootfs, directory), { recursive: true });
  }
  writeFileSync(join(rootfs, 'pause'), pauseProgram());
  chmodSync(join(rootfs, 'pause'), 0o755);
  writeFileSync(join(bundle, 'config.json'), JSON.stringify(pauseSpec(rootfs, options)));
  const pidFile = join(bundle, 'pid');
  const { lowRuntime } = host;
  const args = ['run', '--detach', '--bundle', bundle, '--pid-file', pidFile, `pause-${options.sandboxId}`];
  const { exitCode } = await host.programs.run(
    async () =>
      await runProgram(lowRuntime.program, [...lowRuntime.globalArguments(bundle), ...args], {
        ignoreOutput: true,
      }),
  );
  if (exitCode !== 0) {
    throw new RuntimeError('internal', lowRuntime.describeFailure(bundle));
  }
  return { pid: Number(readFileSync(pidFile, 'utf8')) };
}

function pauseSpec(rootfs: string, { namespaces, cgroup }: PauseOptions): unknown {
  const path = (kind: NamespaceKind, type: string): { type: string; path: string }[] =>
    namespaces[kind] === undefined ? [] : [{ type, path: namespaces[kind] }];
  return {
    ociVersion: '1.0.2',
    process: {
      terminal: false,
      user: { uid: 65_535, gid: 65_535 },
      args: ['/pause'],
      env: [],
      cwd: '/',
      capabilities: { bounding: [], effective: [], permitted: [] },
      noNewPrivileges: true,
    },
    root: { path: rootfs, readonly: true },
    mounts: [{ destination: '/proc', type: 'proc', source: 'proc', options: ['nosuid', 'noexec', 'nodev'] }],
    linux: {
      namespaces: [
        { type: 'mount' },
        { type: 'pid' },
        ...path('net', 'network'),
        ...path('ipc', 'ipc'),
        ...path('uts', 'uts'),
      ],
      cgroupsPath: cgroup,
      resources: { devices: [{ allow: false, access: 'rwm' }] },
      maskedPaths: ['/proc/kcore', '/proc/keys', '/proc/timer_list'],
      readonlyPaths: ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'],
    },
  };
}

/**
 * A static program, in the machine's own words, of two system calls: ignore SIGCHLD, so that the kernel
 * itself reaps orphans (`rt_sigaction(SIGCHLD, {SIG_IGN}, NULL, 8)`), then wait for ever.
 */
export function pauseProgram(arch: string = process.arch): Buffer {
  const program = PROGRAMS[arch];
  if (program === undefined) {
    throw new RuntimeError('invalid-argument', `sharing a process namespace is not supported on ${arch}`);
  }
  const { machine, code, actionAt } = program;
  const text = Buffer.from(code, 'hex');
  // struct sigaction of the kernel: handler, flags, restorer, mask; the handler 1 is SIG_IGN.
  const action = Buffer.alloc(32);
  action.writeBigUInt64LE(1n, 0);
  const image = Buffer.concat([elfHeader(machine, CODE_OFFSET + text.length + action.length), text, action]);
  actionAt(image, CODE_OFFSET, LOAD_ADDRESS + CODE_OFFSET + text.length);
  return image;
}

const LOAD_ADDRESS = 0x40_0000;
const CODE_OFFSET = 64 + 56;

interface PauseCode {
  /** Number of the machine in an ELF header. */
  readonly machine: number;
  readonly code: string;
  /** Writes the address of the action into the code. */
  readonly actionAt: (image: Buffer, codeOffset: number, address: number) => void;
}

const PROGRAMS: Readonly<Record<string, PauseCode>> = {
  // mov edi,17; mov esi,<action>; xor edx,edx; mov r10d,8; mov eax,13; syscall; loop: mov eax,34; syscall; jmp loop
  x64: {
    machine: 62,
    code: 'bf11000000be0000000031d241ba08000000b80d0000000f05b8220000000f05ebf7',
    actionAt: (image, offset, address) => image.writeUInt32LE(address, offset + 6),
  },
  // mov x0,#17; adr x1,<action>; mov x2,#0; mov x3,#8; mov x8,#134; svc #0;
  // loop: mov x0,#0; mov x1,#0; mov x2,#0; mov x3,#0; mov x8,#73 (ppoll); svc #0; b loop
  arm64: {
    machine: 183,
    code: '200280d261010010020080d2030180d2c81080d2010000d4000080d2010080d2020080d2030080d2280980d2010000d4faffff17',
    actionAt: (image, offset) => {
      // ADR is relative to itself, the second of 13 instructions.
      const immediate = 12 * 4;
      image.writeUInt32LE(0x1000_0001 | ((immediate >> 2) << 5), offset + 4);
    },
  },
};

function elfHeader(machine: number, fileSize: number): Buffer {
  const header = Buffer.alloc(CODE_OFFSET);
  header.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0]);
  header.writeUInt16LE(2, 16); // executable
  header.writeUInt16LE(machine, 18);
  header.writeUInt32LE(1, 20);
  header.writeBigUInt64LE(BigInt(LOAD_ADDRESS + CODE_OFFSET), 24);
  header.writeBigUInt64LE(64n, 32); // program headers right after
  header.writeUInt16LE(64, 52);
  header.writeUInt16LE(56, 54);
  header.writeUInt16LE(1, 56);
  header.writeUInt32LE(1, 64); // one segment to load,
  header.writeUInt32LE(5, 68); // to read and execute,
  header.writeBigUInt64LE(0n, 72);
  header.writeBigUInt64LE(BigInt(LOAD_ADDRESS), 80);
  header.writeBigUInt64LE(BigInt(LOAD_ADDRESS), 88);
  header.writeBigUInt64LE(BigInt(fileSize), 96);
  header.writeBigUInt64LE(BigInt(fileSize), 104);
  header.writeBigUInt64LE(4096n, 112);
  return header;
}
