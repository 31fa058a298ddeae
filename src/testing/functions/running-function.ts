import { readFileSync, writeFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import type { Clock } from '#base/clock.ts';
import { durationMs, type Duration } from '#base/duration.ts';
import type { ContainerConfig, PodSandboxConfig } from '#runtime/cri.ts';
import type { FakeMain } from '#runtime/fake-life.ts';
import type { FakeProcess } from '#runtime/fake-session.ts';
import type {
  CommandHandler,
  ContainerFunction,
  FunctionContainer,
  RequestHandler,
} from './container-function.ts';
import type { PodNetwork } from './pod-network.ts';

/** What a container is run with. */
export interface FunctionStart {
  readonly config: ContainerConfig;
  readonly sandbox: PodSandboxConfig;
  readonly main: FakeMain;
  readonly nodeName: string;
  readonly nodeIp: string;
}

export interface FunctionDeps {
  readonly clock: Clock;
  readonly network: PodNetwork;
  readonly fetch: (from: { readonly namespace: string }, request: Request) => Promise<Response>;
  readonly writeLog: (containerId: string, stream: 'stdout' | 'stderr', line: string) => void;
}

/** 128 + SIGTERM. */
const TERMINATED_EXIT_CODE = 143;
const NOT_FOUND_EXIT_CODE = 127;

/** One life of a container that a function runs. */
export class RunningFunction implements FunctionContainer {
  readonly name: string;
  readonly image: string;
  readonly pod: string;
  readonly namespace: string;
  readonly node: string;
  readonly ip: string;
  readonly env: Readonly<Record<string, string>>;
  readonly command: readonly string[];
  readonly args: readonly string[];
  readonly restarts: number;
  readonly signal: AbortSignal;
  readonly #deps: FunctionDeps;
  readonly #start: FunctionStart;
  /** Fires when the container is over, or its function is. */
  readonly #ended = new AbortController();
  #isServing = false;
  #commands: CommandHandler | undefined;

  constructor(deps: FunctionDeps, start: FunctionStart) {
    const { config, sandbox, main, nodeName, nodeIp } = start;
    this.#deps = deps;
    this.#start = start;
    this.name = config.metadata.name;
    this.image = config.image.userSpecifiedImage ?? config.image.image;
    this.pod = sandbox.metadata.name;
    this.namespace = sandbox.metadata.namespace;
    this.node = nodeName;
    this.ip = main.podIp ?? nodeIp;
    this.env = Object.fromEntries(config.envs.map(({ key, value }) => [key, value]));
    this.command = config.command ?? [];
    this.args = config.args ?? [];
    this.restarts = config.metadata.attempt;
    this.signal = main.terminated;
    main.killed.addEventListener('abort', () => this.#ended.abort(), { once: true });
  }

  /** Runs to the exit code. */
  async run(program: ContainerFunction): Promise<number> {
    try {
      const code = await program(this);
      if (typeof code === 'number') {
        return code;
      }
      if (this.#isServing || this.#commands !== undefined) {
        await aborted(this.signal);
      }
      return 0;
    } catch (error) {
      if (this.signal.aborted && isAbort(error)) {
        return TERMINATED_EXIT_CODE;
      }
      this.#logThrown(error);
      return 1;
    } finally {
      this.#ended.abort();
    }
  }

  log(line: string): void {
    this.#write('stdout', line);
  }

  logError(line: string): void {
    this.#write('stderr', line);
  }

  serve(port: number, handler: RequestHandler): void {
    this.#ended.signal.throwIfAborted();
    const guarded: RequestHandler = async (request) => {
      try {
        return await handler(request);
      } catch (error) {
        this.#logThrown(error);
        return new Response('Internal Server Error\n', { status: 500 });
      }
    };
    this.#deps.network.listen(this.ip, port, { handler: guarded, closed: this.#ended.signal });
    this.#isServing = true;
  }

  onExec(handler: CommandHandler): void {
    this.#commands = handler;
  }

  async sleep(duration: Duration): Promise<void> {
    const signal = this.signal.aborted ? this.#start.main.killed : this.signal;
    await this.#deps.clock.sleep(durationMs(duration), signal);
  }

  now(): Date {
    return new Date(this.#deps.clock.nowMs());
  }

  async fetch(input: string | URL | Request, init?: RequestInit): Promise<Response> {
    return await this.#deps.fetch(this, new Request(input, init));
  }

  readFile(path: string): string {
    return readFileSync(this.#onNode(path), 'utf8');
  }

  writeFile(path: string, content: string): void {
    writeFileSync(this.#onNode(path), content);
  }

  /** Runs a command beside the function. */
  async exec({ cmd, stdin, stdout, stderr, signal }: FakeProcess): Promise<number> {
    if (this.#commands === undefined) {
      stderr.write(`exec: "${cmd[0] ?? ''}": executable file not found in $PATH\n`);
      return NOT_FOUND_EXIT_CODE;
    }
    const answer = await this.#commands({
      argv: cmd,
      stdin,
      print: (text) => void stdout.write(text),
      printError: (text) => void stderr.write(text),
      signal,
    });
    if (typeof answer === 'number') {
      return answer;
    }
    stdout.write(answer);
    return 0;
  }

  #write(stream: 'stdout' | 'stderr', text: string): void {
    // What was killed says nothing any more, even when its function goes on.
    if (!this.#start.main.killed.aborted) {
      for (const line of text.replace(/\n$/, '').split('\n')) {
        this.#deps.writeLog(this.#start.main.containerId, stream, line);
      }
    }
  }

  #logThrown(error: unknown): void {
    this.logError(error instanceof Error ? (error.stack ?? error.message) : String(error));
  }

  #onNode(path: string): string {
    const wanted = posix.normalize(path);
    const mount = this.#start.config.mounts
      .filter(({ containerPath }) => wanted === containerPath || wanted.startsWith(`${containerPath}/`))
      .toSorted((left, right) => right.containerPath.length - left.containerPath.length)[0];
    if (mount === undefined) {
      throw Object.assign(new Error(`ENOENT: no mount of container ${this.name} has '${path}'`), {
        code: 'ENOENT',
      });
    }
    return join(mount.hostPath, wanted.slice(mount.containerPath.length));
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  signal.addEventListener('abort', () => resolve(), { once: true });
  if (signal.aborted) {
    resolve();
  }
  return promise;
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError';
}
