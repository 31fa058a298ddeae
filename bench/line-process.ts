import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { createInterface } from 'node:readline';

const QUIET = '--disable-warning=ExperimentalWarning';

export interface LineProcessOptions {
  readonly nodeOptions?: readonly string[];
  /** A program that starts the child in a place of its own and becomes it, and that program's arguments. */
  readonly prefix?: readonly string[];
}

/** A child that answers each JSON line on its standard input with one on its standard output. */
export class LineProcess implements AsyncDisposable {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #script: string;
  readonly #lines: AsyncIterator<string>;

  constructor(script: string, args: readonly string[] = [], options: LineProcessOptions = {}) {
    const { nodeOptions = [], prefix = [] } = options;
    this.#script = script;
    const [program = '', ...rest] = [...prefix, process.execPath, QUIET, ...nodeOptions, script, ...args];
    this.#child = spawn(program, rest, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** The next line the child writes, parsed. */
  async next<T>(): Promise<T> {
    const { value, done } = await this.#lines.next();
    if (done === true) {
      throw new Error(`${this.#script} ended before it answered`);
    }
    return JSON.parse(value) as T;
  }

  async ask<T>(request: object): Promise<T> {
    this.#child.stdin.write(`${JSON.stringify(request)}\n`);
    return this.next<T>();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const exited = once(this.#child, 'exit');
      this.#child.stdin.end();
      this.#child.kill('SIGTERM');
      await exited;
    }
  }
}
