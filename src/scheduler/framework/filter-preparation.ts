import { defined } from '#base/assert.ts';
import type { NodeFilter, Plugin, PodContext } from './plugin.ts';
import type { Rejection } from './rejection.ts';
import { RowAnswers, type OnlyNodes } from './row-answers.ts';

export interface PreparedFilters {
  readonly answers: RowAnswers;
  /** Filters of reach `cluster`, made ready for this cycle. */
  readonly clusterFilters: readonly NodeFilter[];
}

/** Sorts of pods whose row answers are kept; the least recently used goes first. */
const ANSWERS_MAX = 256;

/** Makes the filters of a profile ready for one pod after another, keeping what alike pods share. */
export class FilterPreparation {
  readonly #rowPlugins: readonly Plugin[];
  readonly #clusterPlugins: readonly Plugin[];
  readonly #rowScorePlugins: readonly Plugin[];
  /** By the `rowKey` of the shape. */
  readonly #answers = new Map<string, RowAnswers>();

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
    const { rowKey } = context.shape;
    let answers = this.#answers.get(rowKey);
    if (answers === undefined) {
      const rows = askAll(this.#rowPlugins, context);
      if ('rejection' in rows) {
        return rows;
      }
      answers = new RowAnswers(context, rows.filters, this.#rowScorePlugins, rows.onlyNodes);
    } else {
      this.#answers.delete(rowKey);
    }
    this.#remember(rowKey, answers);
    const cluster = askAll(this.#clusterPlugins, context);
    return 'rejection' in cluster ? cluster : { answers, clusterFilters: cluster.filters };
  }

  #remember(rowKey: string, answers: RowAnswers): void {
    if (answers.onlyNodes !== undefined) {
      // Such a pod (of a DaemonSet) is made for one node, and no other pod will ask the same.
      return;
    }
    if (this.#answers.size >= ANSWERS_MAX) {
      const [oldest] = this.#answers.keys();
      this.#answers.delete(defined(oldest, 'the oldest answers'));
    }
    this.#answers.set(rowKey, answers);
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
