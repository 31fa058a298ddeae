import { defined } from '#base/assert.ts';
import type { PodShape } from '../state/pod-shape.ts';
import type { NodeFilter, Plugin, PodContext } from './plugin.ts';
import type { Rejection } from './rejection.ts';
import { RowAnswers, type OnlyNodes } from './row-answers.ts';

export interface PreparedFilters {
  readonly answers: RowAnswers;
  /** Filters of reach `cluster`, made ready for this cycle. */
  readonly clusterFilters: readonly NodeFilter[];
}

/** Shapes whose row answers are kept; the least recently used goes first. */
const ANSWERS_MAX = 256;

/** Makes the filters of a profile ready for one pod after another, keeping what alike pods share. */
export class FilterPreparation {
  readonly #rowPlugins: readonly Plugin[];
  readonly #clusterPlugins: readonly Plugin[];
  readonly #rowScorePlugins: readonly Plugin[];
  readonly #answers = new Map<PodShape, RowAnswers>();

  /**
   * @param plugins      all of the profile, in the order in which they are asked
   * @param scorePlugins those whose scores count
   */
  constructor(plugins: readonly Plugin[], scorePlugins: readonly Plugin[]) {
    const filtering = plugins.filter(({ preFilter }) => preFilter !== undefined);
    this.#rowPlugins = filtering.filter(({ filterReach }) => filterReach === 'node');
    this.#clusterPlugins = filtering.filter(({ filterReach }) => filterReach !== 'node');
    this.#rowScorePlugins = scorePlugins.filter(({ scoreReach }) => scoreReach === 'node');
  }

  /** The filters, or the rejection of a plugin that refuses the pod everywhere. */
  prepare(context: PodContext): PreparedFilters | { readonly rejection: Rejection } {
    let answers = this.#answers.get(context.shape);
    if (answers === undefined) {
      const rows = askAll(this.#rowPlugins, context);
      if ('rejection' in rows) {
        return rows;
      }
      answers = new RowAnswers(context, rows.filters, this.#rowScorePlugins, rows.onlyNodes);
    } else {
      this.#answers.delete(context.shape);
    }
    this.#remember(context.shape, answers);
    const cluster = askAll(this.#clusterPlugins, context);
    return 'rejection' in cluster ? cluster : { answers, clusterFilters: cluster.filters };
  }

  #remember(shape: PodShape, answers: RowAnswers): void {
    if (answers.onlyNodes !== undefined) {
      // Such a pod (of a DaemonSet) has a shape of its own, which no other pod will ask for.
      return;
    }
    if (this.#answers.size >= ANSWERS_MAX) {
      const [oldest] = this.#answers.keys();
      this.#answers.delete(defined(oldest, 'the oldest shape'));
    }
    this.#answers.set(shape, answers);
  }
}

function askAll(
  plugins: readonly Plugin[],
  context: PodContext,
):
  | { readonly filters: readonly NodeFilter[]; readonly onlyNodes: OnlyNodes | undefined }
  | { readonly rejection: Rejection } {
  const filters: NodeFilter[] = [];
  let onlyNodes: OnlyNodes | undefined;
  for (const plugin of plugins) {
    const outcome = plugin.preFilter?.(context) ?? 'skip';
    if (outcome === 'skip') {
      continue;
    }
    if ('rejection' in outcome) {
      return outcome;
    }
    filters.push(outcome.filter);
    if (outcome.onlyNodes !== undefined) {
      onlyNodes = {
        plugin: plugin.name,
        names: onlyNodes?.names.intersection(outcome.onlyNodes) ?? outcome.onlyNodes,
      };
    }
  }
  return { filters, onlyNodes };
}
