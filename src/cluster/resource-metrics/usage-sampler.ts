import type { NodeDirectory } from '#apiserver/endpoints/node-directory.ts';
import type { Clock } from '#base/clock.ts';
import { describeError, type Logger } from '#base/log.ts';

/** What something uses: thousand-millionths of a core, and bytes that the kernel cannot take back easily. */
export interface Usage {
  readonly cpuNanoCores: number;
  readonly memoryBytes: number;
}

/** The usage of a node and of the containers on it, over a window that ends at `timeMs`. */
export interface NodeSample {
  readonly timeMs: number;
  readonly windowMs: number;
  readonly node: Usage;
  /** By `namespace/pod`, then by container. */
  readonly pods: ReadonlyMap<string, ReadonlyMap<string, Usage>>;
}

/** Counters as a node tells them. */
interface Reading {
  readonly timeMs: number;
  readonly node: Counter;
  readonly pods: ReadonlyMap<string, ReadonlyMap<string, Counter>>;
}

interface Counter {
  readonly cpuNanoSeconds: number;
  readonly memoryBytes: number;
}

/** The part of `/stats/summary` that is read. */
interface Summary {
  readonly node?: SummaryUsage;
  readonly pods?: readonly {
    readonly podRef: { readonly name: string; readonly namespace: string };
    readonly containers?: readonly ({ readonly name: string } & SummaryUsage)[];
  }[];
}

interface SummaryUsage {
  readonly cpu?: { readonly usageCoreNanoSeconds?: number };
  readonly memory?: { readonly workingSetBytes?: number };
}

/** An answer is not older than this; it is also the window while somebody asks all the time. */
const FRESH_MS = 15_000;
/** The window when nobody has asked for a while: two readings, so far apart. */
const SHORT_WINDOW_MS = 1_000;
/** A reading older than this says nothing about now. */
const STALE_MS = 60_000;

export interface UsageSamplerDeps {
  readonly nodes: NodeDirectory;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * Measures nodes when it is asked: an idle cluster is not disturbed, and whoever looks every few seconds gets the usage
 * since the last look.
 */
export class UsageSampler {
  readonly #deps: UsageSamplerDeps;
  readonly #readings = new Map<string, Reading>();
  readonly #samples = new Map<string, NodeSample>();
  /** Measurements under way, so that many who ask at once share one. */
  readonly #pending = new Map<string, Promise<NodeSample | undefined>>();

  constructor(deps: UsageSamplerDeps) {
    this.#deps = deps;
  }

  /** The usage of a node; undefined for nodes that do not measure, and when it could not be read. */
  async sample(nodeName: string, signal: AbortSignal): Promise<NodeSample | undefined> {
    const nowMs = this.#deps.clock.nowMs();
    const known = this.#samples.get(nodeName);
    if (known !== undefined && nowMs - known.timeMs < FRESH_MS) {
      return known;
    }
    let pending = this.#pending.get(nodeName);
    if (pending === undefined) {
      pending = this.#measure(nodeName, signal).finally(() => this.#pending.delete(nodeName));
      this.#pending.set(nodeName, pending);
    }
    return pending;
  }

  async #measure(nodeName: string, signal: AbortSignal): Promise<NodeSample | undefined> {
    try {
      const last = this.#readings.get(nodeName);
      const before =
        last !== undefined && this.#deps.clock.nowMs() - last.timeMs < STALE_MS
          ? last
          : await this.#read(nodeName, signal);
      if (before === undefined) {
        return undefined;
      }
      if (before !== last) {
        await this.#deps.clock.sleep(SHORT_WINDOW_MS, signal);
      }
      const after = await this.#read(nodeName, signal);
      if (after === undefined) {
        return undefined;
      }
      this.#readings.set(nodeName, after);
      const sample = difference(before, after);
      this.#samples.set(nodeName, sample);
      return sample;
    } catch (error) {
      signal.throwIfAborted();
      this.#deps.log.warn('the usage of a node could not be read', {
        node: nodeName,
        error: describeError(error),
      });
      return undefined;
    }
  }

  async #read(nodeName: string, signal: AbortSignal): Promise<Reading | undefined> {
    const node = this.#deps.nodes.find(nodeName);
    const answer = await node?.get?.('/stats/summary', new URLSearchParams(), signal);
    return answer === undefined || answer.status !== 200 || typeof answer.body !== 'string'
      ? undefined
      : readingOf(JSON.parse(answer.body) as Summary, this.#deps.clock.nowMs());
  }
}

function readingOf({ node, pods = [] }: Summary, timeMs: number): Reading {
  return {
    timeMs,
    node: counterOf(node),
    pods: new Map(
      pods.map(({ podRef, containers = [] }) => [
        `${podRef.namespace}/${podRef.name}`,
        new Map(containers.map((container) => [container.name, counterOf(container)])),
      ]),
    ),
  };
}

function counterOf({ cpu, memory }: SummaryUsage = {}): Counter {
  return { cpuNanoSeconds: cpu?.usageCoreNanoSeconds ?? 0, memoryBytes: memory?.workingSetBytes ?? 0 };
}

/** Containers that are in one reading only have just started or gone, and have no rate yet. */
function difference(before: Reading, after: Reading): NodeSample {
  const windowMs = Math.max(after.timeMs - before.timeMs, 1);
  const usage = (from: Counter, to: Counter): Usage => ({
    // A container that started anew counts from zero again.
    cpuNanoCores: Math.round((Math.max(to.cpuNanoSeconds - from.cpuNanoSeconds, 0) * 1000) / windowMs),
    memoryBytes: to.memoryBytes,
  });
  const pods = new Map<string, ReadonlyMap<string, Usage>>();
  for (const [key, containers] of after.pods) {
    const known = before.pods.get(key);
    const used = new Map<string, Usage>();
    for (const [name, counter] of containers) {
      const from = known?.get(name);
      if (from !== undefined) {
        used.set(name, usage(from, counter));
      }
    }
    if (used.size === containers.size && used.size > 0) {
      pods.set(key, used);
    }
  }
  return { timeMs: after.timeMs, windowMs, node: usage(before.node, after.node), pods };
}
