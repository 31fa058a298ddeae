import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SystemClock } from '#base/clock.ts';
import { EtcdStore } from '#store/etcd/etcd-store.ts';

const APT = '/usr/bin/apt-get';

/** Where a file system in memory is, tests do not wait for a disk that they do not test. */
const MEMORY_DIRECTORY = '/dev/shm';

/** Each lasts as long as a store looks for an etcd that answers; a busy machine starts programs slowly. */
const START_ATTEMPTS = 4;

/** The program, installed from Debian's package if need be; undefined when it cannot be had. */
export function etcdProgram(program: 'etcd' | 'etcdctl'): string | undefined {
  if (found(program) === undefined && process.geteuid?.() === 0 && existsSync(APT)) {
    const name = program === 'etcd' ? 'etcd-server' : 'etcd-client';
    process.stderr.write(`installing ${name} for the tests against a real etcd\n`);
    spawnSync(APT, ['update', '-qq'], { stdio: 'ignore' });
    spawnSync(APT, ['install', '-y', '-qq', '--no-install-recommends', name], {
      stdio: 'ignore',
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' },
    });
  }
  return found(program);
}

export const WHY_NO_ETCD = 'there is no etcd on the PATH and the package etcd-server cannot be installed';
export const WHY_NO_ETCDCTL =
  'there is no etcdctl on the PATH and the package etcd-client cannot be installed';

function found(program: string): string | undefined {
  return (process.env['PATH'] ?? '')
    .split(':')
    .map((directory) => join(directory, program))
    .find((path) => existsSync(path));
}

/** A private etcd of one member with an empty keyspace, gone with everything it wrote at the end. */
export class EtcdProcess implements AsyncDisposable {
  readonly endpoint: string;
  readonly #child: ChildProcess;
  readonly #directory: string;

  private constructor(endpoint: string, child: ChildProcess, directory: string) {
    this.endpoint = endpoint;
    this.#child = child;
    this.#directory = directory;
  }

  static async start({ isDurable = false } = {}): Promise<EtcdProcess> {
    const program = etcdProgram('etcd');
    assert.ok(program !== undefined, WHY_NO_ETCD);
    const parent = !isDurable && existsSync(MEMORY_DIRECTORY) ? MEMORY_DIRECTORY : tmpdir();
    const directory = mkdtempSync(join(parent, 'coracle-etcd-'));
    const [clientPort, peerPort] = await freePorts();
    const client = `http://127.0.0.1:${clientPort}`;
    const peer = `http://127.0.0.1:${peerPort}`;
    const child = spawn(
      program,
      [
        '--name=one',
        `--data-dir=${directory}`,
        '--log-level=error',
        `--listen-client-urls=${client}`,
        `--advertise-client-urls=${client}`,
        `--listen-peer-urls=${peer}`,
        `--initial-advertise-peer-urls=${peer}`,
        `--initial-cluster=one=${peer}`,
      ],
      { stdio: 'ignore', env: { ...process.env, ETCD_UNSUPPORTED_ARCH: process.arch } },
    );
    return new EtcdProcess(client, child, directory);
  }

  /** A store on this etcd, as soon as it answers. */
  async open(): Promise<EtcdStore> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await EtcdStore.open({ endpoints: [this.endpoint], clock: new SystemClock() });
      } catch (error) {
        if (attempt === START_ATTEMPTS) {
          throw error;
        }
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL');
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      await once(this.#child, 'exit');
    }
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

/** Two ports nobody listens on now. */
export async function freePorts(): Promise<readonly [number, number]> {
  const servers = [createServer(), createServer()] as const;
  const ports = [];
  for (const server of servers) {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    ports.push((server.address() as AddressInfo).port);
  }
  for (const server of servers) {
    server.close();
    await once(server, 'close');
  }
  return [ports[0] ?? 0, ports[1] ?? 0];
}
