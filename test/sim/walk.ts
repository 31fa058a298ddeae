import type { ApiObject } from '#api/object.ts';
import { StatusError } from '#api/status-error.ts';
import { ConnectionError } from '#client/transport.ts';
import { SeededRandom } from '#base/random.ts';
import { startCluster, type TestCluster } from '#testing/testing.ts';
import { InvariantError } from '#testing/invariants.ts';
import { findProblems } from './checks.ts';
import { Mirror } from './mirror.ts';
import { WORKLOAD_KINDS, workload } from './workloads.ts';

export interface WalkOptions {
  readonly seed: number;
  readonly steps: number;
  readonly nodes?: number;
  /** Told of each step as it is taken. */
  readonly onStep?: (text: string) => void;
}

export interface WalkResult {
  /** What was wrong in the end; empty when all is well. */
  readonly problems: readonly string[];
  /** Every change with all its bytes. */
  readonly transcript: readonly string[];
  readonly timeline: readonly string[];
}

/** Time that everything gets in the end to come to rest: nodes are given up, jobs back off, namespaces empty. */
const REST = { minutes: 30 };
const NAMESPACES = ['default', 'red', 'blue'] as const;
const NAMES = ['ant', 'bee', 'cat', 'dog'] as const;

/**
 * Does random things to a cluster, lets it come to rest without faults, and looks whether it is as it was
 * asked to be. The seed decides everything.
 */
export async function walk({ seed, steps, nodes = 3, onStep }: WalkOptions): Promise<WalkResult> {
  await using cluster = await startCluster({ nodes, seed });
  await using mirror = new Mirror(cluster);
  cluster.watch('pods').never(changesNode(), 'a pod changed its node');
  const walker = new Walker(cluster, seed, nodes);
  const problems: string[] = [];
  try {
    for (let step = 0; step < steps; step++) {
      const text = await walker.step();
      onStep?.(`${step} ${cluster.clock.now().toISOString()} ${text}`);
    }
    await walker.calm();
    await cluster.clock.advance(REST);
  } catch (error) {
    if (!(error instanceof InvariantError)) {
      throw error;
    }
    problems.push(error.message);
  }
  problems.push(...(await findProblems(cluster)), ...(await mirror.differences()));
  return { problems, transcript: cluster.transcript(), timeline: cluster.timeline() };
}

/** Holds for a pod that was seen on another node before: it would run on two. */
function changesNode(): (pod: ApiObject) => boolean {
  const nodeOf = new Map<string, string>();
  return ({ metadata, ...rest }) => {
    const { nodeName } = (rest as { readonly spec?: { readonly nodeName?: string } }).spec ?? {};
    const before = nodeOf.get(metadata.uid);
    if (nodeName !== undefined) {
      nodeOf.set(metadata.uid, nodeName);
    }
    return before !== undefined && before !== nodeName;
  };
}

class Walker {
  readonly #cluster: TestCluster;
  readonly #random: SeededRandom;
  readonly #nodes: number;
  #fault: Disposable | undefined;
  readonly #down = new Set<string>();

  constructor(cluster: TestCluster, seed: number, nodes: number) {
    this.#cluster = cluster;
    this.#random = new SeededRandom(seed ^ 0x0dd_ba11);
    this.#nodes = nodes;
  }

  /** One random thing; says what it was. */
  async step(): Promise<string> {
    const dice = this.#random.int(100);
    if (dice < 30) {
      const seconds = this.#random.int(90);
      await this.#cluster.clock.advance({ seconds });
      return `advance ${seconds}s`;
    }
    if (dice < 36) {
      return this.#disturbNode();
    }
    if (dice < 42) {
      return this.#disturbRequests();
    }
    const { text, run } = this.#request(dice);
    try {
      await run();
    } catch (error) {
      // Refusals are part of the walk: things are there already, or not there, or a namespace is going.
      if (!(error instanceof StatusError || error instanceof ConnectionError)) {
        throw error;
      }
      return `${text}: ${error.message}`;
    }
    return text;
  }

  /** Ends every disturbance. */
  async calm(): Promise<void> {
    this.#cluster.clearFaults();
    for (const name of this.#down) {
      this.#cluster.node(name).recover();
    }
    await this.#cluster.clock.settle();
  }

  #request(dice: number): { readonly text: string; readonly run: () => Promise<unknown> } {
    const cluster = this.#cluster;
    const namespace = this.#pick(NAMESPACES);
    const name = this.#pick(NAMES);
    const kind = this.#pick(WORKLOAD_KINDS);
    const target = `${kind.toLowerCase()}/${name}`;
    if (dice < 70) {
      const manifest = workload(kind, { namespace, name }, this.#random);
      return { text: `apply ${namespace}/${target}`, run: () => cluster.apply(manifest) };
    }
    if (dice < 80) {
      const propagationPolicy = this.#pick(['Background', 'Foreground', 'Orphan'] as const);
      return {
        text: `delete ${namespace}/${target} ${propagationPolicy}`,
        run: () => cluster.delete(target, { namespace, propagationPolicy }),
      };
    }
    if (dice < 90) {
      return { text: `delete a pod of ${namespace}`, run: () => this.#deletePod(namespace) };
    }
    const scoped = this.#pick(NAMESPACES.slice(1));
    if (dice < 97) {
      const manifest = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: scoped } };
      return { text: `apply namespace/${scoped}`, run: () => cluster.apply(manifest) };
    }
    return { text: `delete namespace/${scoped}`, run: () => cluster.delete(`namespace/${scoped}`) };
  }

  async #deletePod(namespace: string): Promise<void> {
    const pods = await this.#cluster.list('pods', { namespace });
    if (pods.length > 0) {
      await this.#cluster.delete(this.#pick(pods));
    }
  }

  #disturbNode(): string {
    const name = `sim-${this.#random.int(this.#nodes)}`;
    const node = this.#cluster.node(name);
    if (this.#down.delete(name)) {
      node.recover();
      return `recover ${name}`;
    }
    this.#down.add(name);
    if (this.#random.int(2) === 0) {
      node.crash();
      return `crash ${name}`;
    }
    node.partition();
    return `partition ${name}`;
  }

  #disturbRequests(): string {
    if (this.#fault !== undefined) {
      this.#fault[Symbol.dispose]();
      this.#fault = undefined;
      return 'end faults';
    }
    const share = 0.2;
    const effect = this.#pick([
      { kind: 'refuse', code: 500 },
      { kind: 'refuse', code: 409 },
      { kind: 'lose-answer' },
      { kind: 'lose-request' },
      { kind: 'delay', by: { seconds: 3 } },
    ] as const);
    const verb = this.#pick(['create', 'update', 'patch', 'delete'] as const);
    this.#fault = this.#cluster.fault({ verb, share }, effect);
    return `${effect.kind} a fifth of all ${verb}`;
  }

  #pick<T>(list: readonly T[]): T {
    return list[this.#random.int(list.length)] as T;
  }
}
