import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { RuntimeError } from '../cri.ts';

/** Short enough for an interface name of 15 characters with our prefix before it. */
const INSTANCE = /^[a-z0-9]{1,8}$/;

/**
 * Where one instance keeps things, and what its things in the kernel are called. Two instances share no
 * name, so that clusters live side by side and each can clear away exactly its own.
 */
export class InstancePaths {
  readonly instance: string;
  /** Survives a reboot: images, records, writable layers. */
  readonly dataDir: string;
  /** Does not: pinned namespaces, exit codes, the low-level runtime's state. */
  readonly runDir: string;

  /** @throws {RuntimeError} `invalid-argument` unless `instance` is 1 to 8 lower-case letters and digits */
  constructor(instance: string, dataDir: string) {
    if (!INSTANCE.test(instance)) {
      throw new RuntimeError(
        'invalid-argument',
        `${JSON.stringify(instance)} cannot name a runtime instance`,
      );
    }
    this.instance = instance;
    this.dataDir = dataDir;
    this.runDir = `/run/coracle/${instance}`;
  }

  get bridge(): string {
    return `cor${this.instance}`;
  }

  get nftTable(): string {
    return `coracle_${this.instance}_pods`;
  }

  /** Root of all cgroups of this instance. */
  get cgroup(): string {
    return `/coracle-${this.instance}`;
  }

  /** The monitors' cgroup, out of ours: ending our service must not end the containers. */
  get monitorCgroup(): string {
    return `${this.cgroup}/monitors`;
  }

  get exits(): string {
    return join(this.runDir, 'exits');
  }

  get lowRuntimeRoot(): string {
    return join(this.runDir, 'state');
  }

  get execs(): string {
    return join(this.runDir, 'execs');
  }

  get images(): string {
    return join(this.dataDir, 'images');
  }

  get containers(): string {
    return join(this.dataDir, 'containers');
  }

  get sandboxes(): string {
    return join(this.dataDir, 'sandboxes');
  }

  container(id: string): string {
    return join(this.containers, id);
  }

  sandbox(id: string): string {
    return join(this.sandboxes, id);
  }

  namespaces(sandboxId: string): string {
    return join(this.runDir, 'ns', sandboxId);
  }

  /** Name of the host's end of a sandbox's link. */
  veth(sandboxId: string): string {
    return `veth${sandboxId.slice(0, 11)}`;
  }

  create(): void {
    for (const directory of [this.exits, this.lowRuntimeRoot, this.execs, join(this.runDir, 'ns')]) {
      mkdirSync(directory, { recursive: true, mode: 0o711 });
    }
    for (const directory of [this.images, this.containers, this.sandboxes]) {
      mkdirSync(directory, { recursive: true, mode: 0o711 });
    }
  }
}
