import type { NodeFilter, NodeScorer, Plugin, PodContext } from './plugin.ts';
import type { Rejection } from './rejection.ts';

/** The nodes that a plugin leaves to choose from before any is looked at. */
export interface OnlyNodes {
  readonly plugin: string;
  readonly names: ReadonlySet<string>;
}

const NO_NODES = { rows: new Int32Array(0), count: 0 };
const NO_SCORES = new Float64Array(0);

/**
 * The answers about one pod shape that depend on a node's own row alone: whether the node can take such a
 * pod, and its raw scores. Placing a pod changes one row, so for the next pod of the shape one row is asked
 * about again.
 */
export class RowAnswers {
  /** When set, only these nodes have answers. */
  readonly onlyNodes: OnlyNodes | undefined;
  /** By row: the first rejection. Valid for rows that hold a node. */
  readonly rejections: (Rejection | undefined)[] = [];
  readonly #context: PodContext;
  readonly #filters: readonly NodeFilter[];
  readonly #scorers: ReadonlyMap<Plugin, NodeScorer>;
  readonly #scores = new Map<Plugin, Float64Array>();
  #version = -1;
  #rows = -1;

  constructor(
    context: PodContext,
    filters: readonly NodeFilter[],
    scorePlugins: readonly Plugin[],
    onlyNodes: OnlyNodes | undefined,
  ) {
    this.#context = context;
    this.#filters = filters;
    this.onlyNodes = onlyNodes;
    const scorers = new Map<Plugin, NodeScorer>();
    for (const plugin of scorePlugins) {
      const scorer = plugin.preScore?.(context, NO_NODES) ?? 'skip';
      if (scorer !== 'skip') {
        scorers.set(plugin, scorer);
      }
    }
    this.#scorers = scorers;
  }

  /** Undefined when the plugin has nothing to say about the shape. */
  scorer(plugin: Plugin): NodeScorer | undefined {
    return this.#scorers.get(plugin);
  }

  /** Raw scores by row; of a plugin that {@link scorer} knows. */
  scores(plugin: Plugin): Float64Array {
    return this.#scores.get(plugin) ?? NO_SCORES;
  }

  /** The first rejection by the filters kept here, asked now. */
  check(row: number): Rejection | undefined {
    for (const filter of this.#filters) {
      const rejection = filter.check(row);
      if (rejection !== undefined) {
        return rejection;
      }
    }
    return undefined;
  }

  /** Brings the answers up to date with the rows that changed. */
  refresh(): void {
    const { nodes } = this.#context.state;
    if (this.#rows !== nodes.rowsEnd) {
      this.#version = -1;
      this.#rows = nodes.rowsEnd;
      for (const plugin of this.#scorers.keys()) {
        this.#scores.set(plugin, new Float64Array(this.#rows));
      }
    }
    if (this.onlyNodes !== undefined) {
      for (const name of this.onlyNodes.names) {
        this.#ask(nodes.rowOf(name) ?? -1);
      }
    } else if (this.#version < 0 || !nodes.changes.visitSince(this.#version, (row) => this.#ask(row))) {
      for (let row = 0; row < this.#rows; row++) {
        this.#ask(row);
      }
    }
    this.#version = nodes.changes.version;
  }

  #ask(row: number): void {
    if (this.#context.state.nodes.nodes[row] === undefined) {
      return;
    }
    const rejection = this.check(row);
    this.rejections[row] = rejection;
    if (rejection === undefined) {
      for (const [plugin, scorer] of this.#scorers) {
        this.scores(plugin)[row] = scorer.score(row);
      }
    }
  }
}
