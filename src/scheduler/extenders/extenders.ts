import type { Node, Pod } from '#api/types/core.v1.ts';
import { describeError, type Logger } from '#base/log.ts';
import type { NodeSelection, OutsideScores, Selection } from '../framework/node-selection.ts';
import { NODE_SCORE_MAX, type PodContext } from '../framework/plugin.ts';
import { unfit, type Rejection } from '../framework/rejection.ts';
import { bestCandidate } from '../plugins/default-preemption/best-candidate.ts';
import type { Candidate } from '../plugins/default-preemption/victims.ts';
import { EXTENDER_NAME, ExtenderError, HttpExtender } from './http-extender.ts';
import type { ExtenderOptions } from './extender-options.ts';
import type { PosterFactory } from './post-json.ts';

/** Extenders score from 0 to 10, plugins from 0 to 100. */
const SCALE = NODE_SCORE_MAX / 10;

/** Could take the pod only after the extenders had been asked; the next attempt asks about it. */
const NOT_ASKED = unfit(EXTENDER_NAME, 'node(s) appeared while extenders were asked');

/** What the extenders said about the nodes of one pod. */
interface Opinion {
  readonly asked: ReadonlySet<string>;
  readonly refused: ReadonlyMap<string, Rejection>;
}

/**
 * The extenders of a scheduler, in their order. They are asked about one pod at a time, as upstream does; pods that
 * none is interested in do not wait for them.
 */
export class Extenders {
  readonly #all: readonly HttpExtender[];
  readonly #log: Logger;
  #turn: Promise<void> = Promise.resolve();

  constructor(options: readonly ExtenderOptions[], posters: PosterFactory, log: Logger) {
    this.#all = options.map((each) => new HttpExtender(each, posters));
    this.#log = log;
  }

  /** Whether one of them wants to be asked before the pod gets a node. */
  isAsked(pod: Pod): boolean {
    return this.#all.some(
      (extender) =>
        (has(extender.options.filterVerb) ||
          has(extender.options.prioritizeVerb) ||
          has(extender.options.preemptVerb)) &&
        extender.isInterested(pod),
    );
  }

  /** Runs what asks them after everything that came before, however that ended. */
  inTurn(task: () => Promise<void>): Promise<void> {
    this.#turn = this.#turn.then(task, task);
    return this.#turn;
  }

  /**
   * As `selection.select`, with what the extenders say. The cluster may change meanwhile: in the end the filters
   * are asked again about the nodes that the extenders left.
   *
   * @param contextOf gives the pod and the cluster as they are then
   * @throws {ExtenderError} one that may not be ignored failed
   */
  async select(
    contextOf: () => PodContext,
    selection: NodeSelection,
    signal: AbortSignal,
  ): Promise<Selection> {
    const before = contextOf();
    const { pod } = before;
    const promised = selection.promisedNode(before);
    if (promised !== undefined) {
      const { refused } = await this.#filter(pod, [promised], signal);
      const context = contextOf();
      if (refused.size === 0 && selection.promisedNode(context)?.metadata.name === promised.metadata.name) {
        return selection.select(context);
      }
    }
    const feasible = selection.feasibleNodes(contextOf());
    if ('diagnosis' in feasible) {
      return feasible;
    }
    const opinion = await this.#filter(pod, feasible.nodes, signal);
    const left = feasible.nodes.filter(({ metadata }) => !opinion.refused.has(metadata.name));
    const scores = left.length > 1 ? await this.#prioritize(pod, left, signal) : [];
    return selection.selectAmong(contextOf(), (nodeName) => rejectionOf(opinion, nodeName), scores);
  }

  /**
   * The best of the candidates that the extenders leave; undefined when they leave none.
   *
   * @throws {ExtenderError} one that may not be ignored failed
   */
  async reviewPreemption(
    { pod, state: { nodes } }: PodContext,
    candidates: readonly Candidate[],
    signal: AbortSignal,
  ): Promise<Candidate | undefined> {
    let left = candidates;
    for (const extender of this.#all) {
      if (left.length > 0 && has(extender.options.preemptVerb) && extender.isInterested(pod)) {
        const asked = left;
        left = await this.#orIgnore(extender, asked, () => extender.preempt(pod, asked, nodes, signal));
      }
    }
    return bestCandidate(left);
  }

  /**
   * Has the pod bound by the extender that binds such pods; false when none does.
   *
   * @throws {ExtenderError}
   */
  readonly bind = async (pod: Pod, nodeName: string, signal: AbortSignal): Promise<boolean> => {
    for (const extender of this.#all) {
      if (has(extender.options.bindVerb) && extender.isInterested(pod)) {
        const isBound = await this.#orIgnore(extender, false, async () => {
          await extender.bind(pod, nodeName, signal);
          return true;
        });
        if (isBound) {
          return true;
        }
      }
    }
    return false;
  };

  close(): void {
    this.#all.forEach((extender) => extender.close());
  }

  async #filter(pod: Pod, nodes: readonly Node[], signal: AbortSignal): Promise<Opinion> {
    const refused = new Map<string, Rejection>();
    let left = nodes;
    for (const extender of this.#all) {
      if (left.length > 0 && extender.isInterested(pod)) {
        const asked = left;
        const none: ReadonlyMap<string, Rejection> = new Map();
        const answer = await this.#orIgnore(extender, none, () => extender.filter(pod, asked, signal));
        answer.forEach((rejection, nodeName) => refused.set(nodeName, rejection));
        left = asked.filter(({ metadata }) => !answer.has(metadata.name));
      }
    }
    return { asked: new Set(nodes.map(({ metadata }) => metadata.name)), refused };
  }

  /** All at once. One that fails gives no scores, and nothing else happens. */
  async #prioritize(
    pod: Pod,
    nodes: readonly Node[],
    signal: AbortSignal,
  ): Promise<readonly OutsideScores[]> {
    const asked = this.#all.filter(
      (extender) => has(extender.options.prioritizeVerb) && extender.isInterested(pod),
    );
    return Promise.all(
      asked.map(async (extender): Promise<OutsideScores> => {
        const { urlPrefix, weight = 1 } = extender.options;
        try {
          const scores = await extender.prioritize(pod, nodes, signal);
          return {
            name: urlPrefix,
            byNode: new Map([...scores].map(([node, score]) => [node, score * weight * SCALE])),
          };
        } catch (error) {
          signal.throwIfAborted();
          this.#log.info('an extender gave no scores', { extender: urlPrefix, error });
          return { name: urlPrefix, byNode: new Map() };
        }
      }),
    );
  }

  async #orIgnore<T>(extender: HttpExtender, otherwise: T, ask: () => Promise<T>): Promise<T> {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof ExtenderError) || extender.options.ignorable !== true) {
        throw error;
      }
      const { urlPrefix } = extender.options;
      this.#log.info('an extender failed and is ignored', { extender: urlPrefix, why: describeError(error) });
      return otherwise;
    }
  }
}

function rejectionOf({ asked, refused }: Opinion, nodeName: string): Rejection | undefined {
  return refused.get(nodeName) ?? (asked.has(nodeName) ? undefined : NOT_ASKED);
}

function has(verb: string | undefined): boolean {
  return verb !== undefined && verb !== '';
}
