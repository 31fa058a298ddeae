import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { RuntimeError } from '../cri.ts';
import type { CgroupLayout } from './cgroups.ts';
import type { OciResources } from './oci-spec.ts';
import { runProgram, runToSuccess } from './run-program.ts';

/** `crun` or `runc`: the program that makes a process out of a bundle. */
export class LowRuntime {
  readonly program: string;
  readonly #root: string;
  #version: string | undefined;

  /** @param root directory of the program's own state, ours alone */
  constructor(program: string, root: string) {
    this.program = program;
    this.#root = root;
  }

  /** Options before the command; failures are told in a file of the bundle too. */
  globalArguments(bundle: string): string[] {
    return ['--root', this.#root, '--log', join(bundle, LOG_FILE), '--log-format', 'json'];
  }

  /** The last failure that the program logged into the bundle, as other container runtimes word it. */
  describeFailure(bundle: string): string {
    const path = join(bundle, LOG_FILE);
    const lines = existsSync(path) ? readFileSync(path, 'utf8').trim().split('\n') : [];
    for (const line of lines.toReversed()) {
      const { level, msg } = parseLogLine(line);
      if (level === 'error') {
        return `OCI runtime create failed: ${msg}`;
      }
    }
    return '';
  }

  async version(): Promise<string> {
    this.#version ??= /version (\S+)/.exec(await runToSuccess(this.program, ['--version']))?.[1] ?? 'unknown';
    return this.#version;
  }

  /** @throws {RuntimeError} when the process could not become the container's program */
  async start(containerId: string, bundle: string): Promise<void> {
    const { exitCode, stderr } = await runProgram(this.program, [
      ...this.globalArguments(bundle),
      'start',
      containerId,
    ]);
    if (exitCode !== 0) {
      throw new RuntimeError('internal', this.describeFailure(bundle) || stderr.trim());
    }
  }

  async update(containerId: string, bundle: string, resources: OciResources): Promise<void> {
    // By a file: crun opens its standard input by name, and Node's pipes are sockets, which cannot be opened.
    const file = join(bundle, 'resources.json');
    writeFileSync(file, JSON.stringify(resources));
    await runToSuccess(this.program, ['--root', this.#root, 'update', '--resources', file, containerId]);
  }

  /** Whether it keeps something under this id, running or not. */
  knows(containerId: string): boolean {
    return existsSync(join(this.#root, containerId));
  }

  /** Kills what is left and forgets the container; fine when it is forgotten already. */
  async delete(containerId: string): Promise<void> {
    if (!this.knows(containerId)) {
      return;
    }
    await runToSuccess(this.program, ['--root', this.#root, 'delete', '--force', containerId]);
  }

  /** The command line that runs a process, described by a file, in a running container. */
  execArguments(containerId: string, processFile: string, pidFile: string, logFile: string): string[] {
    const log = ['--log', logFile, '--log-format', 'json'];
    return [
      '--root',
      this.#root,
      ...log,
      'exec',
      '--process',
      processFile,
      '--pid-file',
      pidFile,
      containerId,
    ];
  }
}

const LOG_FILE = 'runtime.log';

export function parseLogLine(line: string): { readonly level?: string; readonly msg?: string } {
  try {
    return JSON.parse(line) as { level?: string; msg?: string };
  } catch {
    return {};
  }
}

/**
 * Which of the two programs works here: crun is faster, but before 1.20 it refuses hosts that mix version 1
 * controllers with a version 2 tree that has some.
 *
 * @param found absolute paths by name
 */
export function chooseRuntime(found: ReadonlyMap<string, string>, layout: CgroupLayout): string | undefined {
  const crun = found.get('crun');
  const crunRefuses = layout.kind === 'hybrid' && layout.v2Controllers.length > 0;
  return crun !== undefined && !crunRefuses ? crun : found.get('runc');
}
