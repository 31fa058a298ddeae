import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { scratchDirectory, type BenchContext } from './bench.ts';
import { LineProcess } from './line-process.ts';
import type { LoadOrder, LoadReport } from './load.ts';
import type { ServerLine } from './server.ts';

/** A server and a load generator, each in its own process. */
export class ApiBench implements AsyncDisposable {
  readonly #stack: AsyncDisposableStack;
  readonly #load: LineProcess;
  readonly serverPid: number;
  readonly endpoint: ServerLine;
  #next = 100_000;

  private constructor(
    stack: AsyncDisposableStack,
    load: LineProcess,
    server: { readonly pid: number; readonly line: ServerLine },
  ) {
    this.#stack = stack;
    this.#load = load;
    this.serverPid = server.pid;
    this.endpoint = server.line;
  }

  /** @param nodes `sim:N` or `bare:N`, a whole cluster with such nodes; left out, the API server runs alone */
  static async start(nodes?: string): Promise<ApiBench> {
    await using started = new AsyncDisposableStack();
    const directory = started.use(scratchDirectory());
    const profile = process.env['BENCH_PROFILE'];
    const server = started.use(
      new LineProcess(
        join(import.meta.dirname, 'server.ts'),
        [directory.path, ...(nodes === undefined ? [] : [nodes])],
        profile === undefined ? {} : { nodeOptions: ['--cpu-prof', `--cpu-prof-dir=${profile}`] },
      ),
    );
    const line = await server.next<ServerLine>();
    const load = started.use(new LineProcess(join(import.meta.dirname, 'load.ts'), [JSON.stringify(line)]));
    return new ApiBench(started.move(), load, { pid: server.pid, line });
  }

  /** Numbers for `{n}` that no earlier request of this run used. */
  take(count: number): { readonly first: number; readonly count: number } {
    const first = this.#next;
    this.#next += count;
    return { first, count };
  }

  /** Processor time the server has used, in milliseconds: it tells more than a rate on a busy machine. */
  serverCpuMs(): number {
    const stat = readFileSync(`/proc/${this.serverPid}/stat`, 'latin1');
    // After the name, which may hold anything: the 12th and 13th field are ticks of 10 ms in user and system mode.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) * 10;
  }

  /** Memory the server has in use, in megabytes. */
  serverResidentMb(): number {
    const status = readFileSync(`/proc/${this.serverPid}/status`, 'latin1');
    return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? NaN) / 1024;
  }

  /** Waits until the namespace's service account is there: in a whole cluster a controller makes it. */
  async accountExists(): Promise<void> {
    const path = '/api/v1/namespaces/default/serviceaccounts?watch=true';
    await this.order({
      kind: 'until-seen',
      method: 'GET',
      path: '/version',
      watchPath: path,
      needle: '"name":"default"',
      connections: 1,
      first: 0,
      count: 1,
    });
  }

  order(order: LoadOrder): Promise<LoadReport> {
    return this.#load.ask<LoadReport>(order);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}

/** Runs `measure` once to warm up and then as often as the size says. */
export async function rounds(
  { size }: Pick<BenchContext, 'size'>,
  measure: () => Promise<number>,
): Promise<readonly number[]> {
  const values: number[] = [];
  await measure();
  for (let round = 0; round < size.rounds; round++) {
    values.push(await measure());
  }
  return values;
}
