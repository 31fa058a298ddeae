import type { Node, Pod } from '#api/types/core.v1.ts';
import { busy, unfit, type Rejection } from '../framework/rejection.ts';
import type { Candidate } from '../plugins/default-preemption/victims.ts';
import type { NodeTable } from '../state/node-table.ts';
import {
  bindingAnswer,
  bindingArgs,
  extenderArgs,
  filterAnswer,
  preemptionAnswer,
  preemptionArgs,
  prioritiesAnswer,
} from './extender-messages.ts';
import type { ExtenderOptions } from './extender-options.ts';
import type { Poster, PosterFactory } from './post-json.ts';

const TIMEOUT_MS = 5_000;
/** Whom pods name that an extender refused; having no hints, every event may help them. */
export const EXTENDER_NAME = 'Extender';
/** Refused without a word. */
const UNNAMED = unfit(EXTENDER_NAME);

/** An extender could not be asked, or its answer makes no sense. */
export class ExtenderError extends Error {
  override readonly name = 'ExtenderError';
  readonly code = 'scheduler/extender';
}

/** One extender, asked over HTTP with the messages of extender API v1. */
export class HttpExtender {
  readonly options: ExtenderOptions;
  readonly #poster: Poster;
  readonly #managed: ReadonlySet<string>;

  constructor(options: ExtenderOptions, posters: PosterFactory) {
    this.options = options;
    this.#managed = new Set((options.managedResources ?? []).map(({ name }) => name));
    this.#poster = posters({ timeoutMs: options.httpTimeoutMs ?? TIMEOUT_MS, tls: options.tls });
  }

  /** Whether it has a say about the pod. */
  isInterested({ spec }: Pod): boolean {
    return (
      this.#managed.size === 0 ||
      [...spec.containers, ...(spec.initContainers ?? [])].some(({ resources }) =>
        [resources?.requests, resources?.limits].some((amounts) =>
          Object.keys(amounts ?? {}).some((name) => this.#managed.has(name)),
        ),
      )
    );
  }

  /**
   * Which of the nodes it refuses.
   *
   * @throws {ExtenderError}
   */
  async filter(
    pod: Pod,
    nodes: readonly Node[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, Rejection>> {
    const { filterVerb = '', urlPrefix, nodeCacheCapable = false } = this.options;
    if (filterVerb === '') {
      return new Map();
    }
    const args = extenderArgs(pod, nodes, nodeCacheCapable);
    const answer = await this.#send(filterVerb, args, filterAnswer, signal);
    if (answer.error !== '') {
      throw new ExtenderError(answer.error);
    }
    const asked = new Set(nodes.map(({ metadata }) => metadata.name));
    const named = nodeCacheCapable ? answer.nodeNames : undefined;
    const stranger = named?.find((name) => !asked.has(name));
    if (stranger !== undefined) {
      throw new ExtenderError(
        `extender "${urlPrefix}" claims a filtered node "${stranger}" which is not found in the input node list`,
      );
    }
    const passed = new Set(named ?? answer.nodes);
    const refused = [...asked].filter((name) => !passed.has(name));
    return new Map(
      refused.map((name): [string, Rejection] => {
        const forGood = answer.failedForGood.get(name);
        const reason = answer.failed.get(name);
        if (forGood !== undefined) {
          return [name, unfit(EXTENDER_NAME, forGood)];
        }
        return [name, reason === undefined ? UNNAMED : busy(EXTENDER_NAME, reason)];
      }),
    );
  }

  /**
   * Its scores by node, 0 to 10.
   *
   * @throws {ExtenderError}
   */
  async prioritize(
    pod: Pod,
    nodes: readonly Node[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, number>> {
    const { prioritizeVerb = '', nodeCacheCapable = false } = this.options;
    const args = extenderArgs(pod, nodes, nodeCacheCapable);
    return this.#send(prioritizeVerb, args, prioritiesAnswer, signal);
  }

  /** @throws {ExtenderError} */
  async bind(pod: Pod, nodeName: string, signal: AbortSignal): Promise<void> {
    const { bindVerb = '' } = this.options;
    const error = await this.#send(bindVerb, bindingArgs(pod, nodeName), bindingAnswer, signal);
    if (error !== '') {
      throw new ExtenderError(error);
    }
  }

  /**
   * Those of the candidates that it leaves, with the victims that it wants.
   *
   * @throws {ExtenderError}
   */
  async preempt(
    pod: Pod,
    candidates: readonly Candidate[],
    nodes: NodeTable,
    signal: AbortSignal,
  ): Promise<readonly Candidate[]> {
    const { preemptVerb = '', nodeCacheCapable = false } = this.options;
    const victims = new Map(
      candidates.map(({ row, victims: pods, violatedBudgets }) => [
        nodes.nameOf(row),
        { pods, violatedBudgets },
      ]),
    );
    const args = preemptionArgs(pod, victims, nodeCacheCapable);
    const answer = await this.#send(preemptVerb, args, preemptionAnswer, signal);
    return [...answer].flatMap(([nodeName, { uids, violatedBudgets }]): readonly Candidate[] => {
      if (uids.length === 0) {
        if (this.options.ignorable === true) {
          return [];
        }
        throw new ExtenderError(`expected at least one victim pod on node "${nodeName}"`);
      }
      const row = nodes.rowOf(nodeName);
      if (row === undefined) {
        throw new ExtenderError(`nodeinfo not found for node name "${nodeName}"`);
      }
      return [{ row, victims: uids.map((uid) => this.#podOn(nodes, row, uid)), violatedBudgets }];
    });
  }

  close(): void {
    this.#poster.close();
  }

  #podOn(nodes: NodeTable, row: number, uid: string): Pod {
    const placed = [...(nodes.pods[row] ?? [])].find(({ pod }) => pod.metadata.uid === uid);
    if (placed === undefined) {
      throw new ExtenderError(
        `extender: ${this.options.urlPrefix} claims to preempt pod (UID: ${uid}) on node: ${nodes.nameOf(row)}, but the pod is not found on that node`,
      );
    }
    return placed.pod;
  }

  async #send<T>(verb: string, json: string, read: (text: string) => T, signal: AbortSignal): Promise<T> {
    const url = `${this.options.urlPrefix.replace(/\/+$/, '')}/${verb}`;
    try {
      const { status, text } = await this.#poster.post(url, json, signal);
      if (status !== 200) {
        throw new ExtenderError(`failed ${verb} with extender at URL ${url}, code ${status}`);
      }
      return read(text);
    } catch (error) {
      signal.throwIfAborted();
      throw error instanceof ExtenderError ? error : new ExtenderError(`Post "${url}"`, { cause: error });
    }
  }
}
