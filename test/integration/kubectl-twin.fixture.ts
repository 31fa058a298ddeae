import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { SystemClock } from '#base/clock.ts';
import { kubectl } from '#cli/kubectl.ts';
import { TestCluster, type TestClusterOptions } from '../../src/testing/test-cluster.ts';
import { kubectlPrograms } from '../containers/kubectl-program.fixture.ts';

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Upstream's kubectl to compare with: that of the API's version before the one on the PATH. */
export function upstreamKubectl(): string | undefined {
  return kubectlPrograms().findLast(({ path }) => path !== undefined)?.path;
}

/** A cluster in this process, a home with its kubeconfig, and either kubectl on it. */
export class KubectlPlace implements AsyncDisposable {
  readonly directory: string;
  readonly cluster: TestCluster;

  private constructor(cluster: TestCluster, directory: string) {
    this.cluster = cluster;
    this.directory = directory;
  }

  static async open(options?: TestClusterOptions): Promise<KubectlPlace> {
    const cluster = await TestCluster.start(options);
    const place = new KubectlPlace(cluster, mkdtempSync(join(tmpdir(), 'coracle-kubectl-twin-')));
    place.write('kubeconfig', await cluster.kubeconfig());
    return place;
  }

  write(name: string, content: string): void {
    const path = join(this.directory, name);
    mkdirSync(join(path, '..'), { recursive: true });
    writeFileSync(path, content);
  }

  get env(): Readonly<Record<string, string>> {
    return { KUBECONFIG: join(this.directory, 'kubeconfig'), HOME: this.directory };
  }

  /** Runs Coracle's own. */
  async ours(
    args: readonly string[],
    input = '',
    env: Readonly<Record<string, string>> = {},
  ): Promise<Outcome> {
    const [stdout, stderr] = [new PassThrough(), new PassThrough()];
    const outputs = Promise.all([text(stdout), text(stderr)]);
    const stdin = Readable.from(input === '' ? [] : [Buffer.from(input)]);
    const io = {
      stdin,
      stdout,
      stderr,
      env: { ...process.env, ...this.env, ...env },
      clock: new SystemClock(),
    };
    const code = await kubectl(args, io);
    stdout.end();
    stderr.end();
    const [out, err] = await outputs;
    return { code, stdout: out, stderr: err };
  }

  /** Runs upstream's. */
  async upstreams(
    program: string,
    args: readonly string[],
    input = '',
    env: Readonly<Record<string, string>> = {},
  ): Promise<Outcome> {
    const child = spawn(program, args, { env: { ...process.env, ...this.env, ...env }, stdio: 'pipe' });
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
    const ended = new Promise<number>((resolve) => child.once('close', (code) => resolve(code ?? -1)));
    const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
    return { code: await ended, stdout, stderr };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.cluster[Symbol.asyncDispose]();
    rmSync(this.directory, { recursive: true, force: true });
  }
}
