import type { NodeFilter, NodeScorer, Plugin, PodContext } from './plugin.ts';
import type { Rejection } from './rejection.ts';

/** The nodes that a plugin leaves to choose from before any is looked at. */
export interface OnlyNodes {
  readonly plugin: string;
  readonly names: ReadonlySet<string>;
}

/** What one plugin says about the nodes. */
export interface ScoreColumn {
  readonly plugin: Plugin;
  readonly scorer: NodeScorer;
  /** Raw, by row. */
  scores: Float64Array;
}

const NO_NODES = { rows: new Int32Array(0), count: 0 };

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
  readonly #columns: readonly ScoreColumn[];
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
    this.#columns = scorePlugins.flatMap((plugin) => {
      const scorer = plugin.preScore?.(context, NO_NODES) ?? 'skip';
      return scorer === 'skip' ? [] : [{ plugin, scorer, scores: new Float64Array(0) }];
    });
  }

  /** The plugin's scorer and its raw scores by row; undefined when it has nothing to say about the shape. */
  scoresOf(plugin: Plugin): ScoreColumn | undefined {
    return this.#columns.find((column) => column.plugin === plugin);
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
      for (const column of this.#columns) {
        column.scores = new Float64Array(this.#rows);
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
      for (const { scorer, scores } of this.#columns) {
        scores[row] = scorer.score(row);
      }
    }
  }
}
