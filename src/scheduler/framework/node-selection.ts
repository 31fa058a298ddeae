import type { Node } from '#api/types/core.v1.ts';
import type { Random } from '#base/random.ts';
import type { Diagnosis } from './diagnosis.ts';
import { FilterPreparation, type PreparedFilters } from './filter-preparation.ts';
import type { Nominations } from './nominations.ts';
import type { FeasibleNodes, NodeFilter, Plugin, PodContext } from './plugin.ts';
import { unfit, type Rejection } from './rejection.ts';
import type { RowAnswers } from './row-answers.ts';

export interface WeightedPlugin {
  readonly plugin: Plugin;
  /** Of its score; 0 for plugins that do not score. */
  readonly weight: number;
}

/** What a plugin gave a node: normalised, times the plugin's weight. */
export interface ScorePart {
  readonly plugin: string;
  readonly score: number;
}

export interface ScoredNode {
  readonly row: number;
  readonly scores: readonly ScorePart[];
}

export type Selection =
  | ({ readonly kind: 'found'; readonly feasibleCount: number } & ScoredNode)
  | { readonly kind: 'none'; readonly diagnosis: Diagnosis };

/** What somebody outside of the profile gives nodes, weighted already. */
export interface OutsideScores {
  readonly name: string;
  /** By the node's name; nothing for others. */
  readonly byNode: ReadonlyMap<string, number>;
}

/** How many feasible nodes are enough, of so many nodes. */
export type NodesToFind = (nodeCount: number) => number;

export interface SelectionDeps {
  /** In the order in which they are asked. */
  readonly plugins: readonly WeightedPlugin[];
  readonly nominations: Nominations;
  readonly random: Random;
  readonly nodesToFind: NodesToFind;
}

type Rejections = (Rejection | undefined)[];

/** Runs the filters and scorers of one profile to find the best node for a pod. Synchronous throughout. */
export class NodeSelection {
  readonly #deps: SelectionDeps;
  readonly #preparation: FilterPreparation;
  readonly #scorers: readonly WeightedPlugin[];
  /** Where the next search begins, so that a search which stops early is fair to all nodes. */
  #startRow = 0;
  #rows = new Int32Array(0);
  /** By scorer: what it gave the feasible nodes in the last cycle, weighted. */
  #parts: readonly Float64Array[] = [];
  #totals = new Float64Array(0);

  constructor(deps: SelectionDeps) {
    this.#deps = deps;
    this.#scorers = deps.plugins.filter(({ plugin, weight }) => plugin.preScore !== undefined && weight > 0);
    this.#preparation = new FilterPreparation(
      deps.plugins.map(({ plugin }) => plugin),
      this.#scorers.map(({ plugin }) => plugin),
    );
  }

  /**
   * Finds the node with the highest score among those that pass every filter; one of them at random if several.
   * A node that was promised to the pod is taken as soon as it can be.
   */
  select(context: PodContext): Selection {
    const promised = this.#promisedRow(context);
    if (promised !== undefined) {
      return { kind: 'found', feasibleCount: 1, row: promised, scores: [] };
    }
    const prepared = this.#preparation.prepare(context);
    if ('rejection' in prepared) {
      return { kind: 'none', diagnosis: refusedEverywhere(context, prepared.rejection) };
    }
    const rejections: Rejections = [];
    const enough = this.#deps.nodesToFind(context.state.nodes.nodeCount);
    const feasible = this.#filter(context, prepared, rejections, enough);
    if (feasible.count === 0) {
      return { kind: 'none', diagnosis: diagnose(context, rejections) };
    }
    this.#score(context, prepared.answers, feasible);
    const best = this.#best(feasible.count);
    return { kind: 'found', feasibleCount: feasible.count, ...this.#scoredNode(best) };
  }

  /** The node that was promised to the pod, if it can be taken now. */
  promisedNode(context: PodContext): Node | undefined {
    const row = this.#promisedRow(context);
    return row === undefined ? undefined : context.state.nodes.nodes[row];
  }

  /** The nodes that {@link select} would choose among, or why there are none. */
  feasibleNodes(
    context: PodContext,
  ): { readonly nodes: readonly Node[] } | Extract<Selection, { readonly kind: 'none' }> {
    const prepared = this.#preparation.prepare(context);
    if ('rejection' in prepared) {
      return { kind: 'none', diagnosis: refusedEverywhere(context, prepared.rejection) };
    }
    const rejections: Rejections = [];
    const enough = this.#deps.nodesToFind(context.state.nodes.nodeCount);
    const { rows, count } = this.#filter(context, prepared, rejections, enough);
    if (count === 0) {
      return { kind: 'none', diagnosis: diagnose(context, rejections) };
    }
    const nodes = [...rows.subarray(0, count)].flatMap((row) => context.state.nodes.nodes[row] ?? []);
    return { nodes };
  }

  /** As {@link select}, of the nodes that `rejectionOf` has nothing against, with the further scores added. */
  selectAmong(
    context: PodContext,
    rejectionOf: (nodeName: string) => Rejection | undefined,
    scores: readonly OutsideScores[],
  ): Selection {
    const prepared = this.#preparation.prepare(context);
    if ('rejection' in prepared) {
      return { kind: 'none', diagnosis: refusedEverywhere(context, prepared.rejection) };
    }
    const { nodes } = context.state;
    const outside: NodeFilter = { check: (row) => rejectionOf(nodes.nameOf(row)) };
    const clusterFilters = [...prepared.clusterFilters, outside];
    const rejections: Rejections = [];
    const feasible = this.#filter(context, { ...prepared, clusterFilters }, rejections, Infinity);
    if (feasible.count === 0) {
      return { kind: 'none', diagnosis: diagnose(context, rejections) };
    }
    this.#score(context, prepared.answers, feasible);
    const nameAt = (position: number): string => nodes.nameOf(feasible.rows[position] ?? 0);
    for (let position = 0; position < feasible.count; position++) {
      for (const { byNode } of scores) {
        this.#totals[position] = (this.#totals[position] ?? 0) + (byNode.get(nameAt(position)) ?? 0);
      }
    }
    const best = this.#best(feasible.count);
    const scored = this.#scoredNode(best);
    const further = scores.map(({ name, byNode }) => ({
      plugin: name,
      score: byNode.get(nameAt(best)) ?? 0,
    }));
    return {
      kind: 'found',
      feasibleCount: feasible.count,
      row: scored.row,
      scores: [...scored.scores, ...further],
    };
  }

  /** Asks every filter about one node in the state as it is now, without and with the pods nominated there. */
  check(context: PodContext, row: number): Rejection | undefined {
    return this.#checkOnce(context, row) ?? this.#checkWithNominated(context, row);
  }

  /** Every node's rejection, and the scores of every node that has none. Nothing is chosen. */
  survey(context: PodContext): {
    readonly rejections: readonly (Rejection | undefined)[];
    readonly scored: readonly ScoredNode[];
  } {
    const prepared = this.#preparation.prepare(context);
    if ('rejection' in prepared) {
      const { rejection } = prepared;
      return { rejections: context.state.nodes.nodes.map((node) => node && rejection), scored: [] };
    }
    const rejections: Rejections = [];
    const feasible = this.#filter(context, prepared, rejections, Infinity);
    this.#score(context, prepared.answers, feasible);
    return {
      rejections,
      scored: Array.from({ length: feasible.count }, (_, index) => this.#scoredNode(index)),
    };
  }

  #promisedRow(context: PodContext): number | undefined {
    const { nodes } = context.state;
    const nodeName = this.#deps.nominations.nodeOf(context.pod.metadata.uid);
    const row = nodeName === undefined ? undefined : nodes.rowOf(nodeName);
    const isThere = row !== undefined && nodes.nodes[row] !== undefined;
    return isThere && this.check(context, row) === undefined ? row : undefined;
  }

  #filter(
    context: PodContext,
    prepared: PreparedFilters,
    rejections: Rejections,
    enough: number,
  ): FeasibleNodes {
    const { nodes } = context.state;
    const { answers, clusterFilters } = prepared;
    answers.refresh();
    const end = nodes.rowsEnd;
    if (this.#rows.length < end) {
      this.#rows = new Int32Array(end);
    }
    rejections.length = end;
    const excluded = answers.onlyNodes === undefined ? undefined : excludedBy(answers.onlyNodes.plugin);
    const start = enough < nodes.nodeCount ? this.#startRow : 0;
    let count = 0;
    let step = 0;
    for (; step < end && count < enough; step++) {
      const row = start + step < end ? start + step : start + step - end;
      if (nodes.nodes[row] === undefined) {
        continue;
      }
      let rejection =
        excluded !== undefined && answers.onlyNodes?.names.has(nodes.nameOf(row)) === false
          ? excluded
          : answers.rejections[row];
      for (let i = 0; rejection === undefined && i < clusterFilters.length; i++) {
        rejection = clusterFilters[i]?.check(row);
      }
      if (rejection === undefined && this.#deps.nominations.size > 0) {
        rejection = this.#checkWithNominated(context, row);
      }
      if (rejection === undefined) {
        this.#rows[count] = row;
        count += 1;
      } else {
        rejections[row] = rejection;
      }
    }
    this.#startRow = end === 0 ? 0 : (start + step) % end;
    return { rows: this.#rows, count };
  }

  #checkOnce(context: PodContext, row: number): Rejection | undefined {
    const prepared = this.#preparation.prepare(context);
    if ('rejection' in prepared) {
      return prepared.rejection;
    }
    const { answers, clusterFilters } = prepared;
    if (answers.onlyNodes?.names.has(context.state.nodes.nameOf(row)) === false) {
      return excludedBy(answers.onlyNodes.plugin);
    }
    let rejection = answers.check(row);
    for (let i = 0; rejection === undefined && i < clusterFilters.length; i++) {
      rejection = clusterFilters[i]?.check(row);
    }
    return rejection;
  }

  /** The pod must fit beside the pods that the node is promised to, too. */
  #checkWithNominated(context: PodContext, row: number): Rejection | undefined {
    const { state, pod } = context;
    const ahead = this.#deps.nominations.ahead(state.nodes.nameOf(row), pod);
    if (ahead.length === 0) {
      return undefined;
    }
    return state.imagine(({ add }) => {
      for (const other of ahead) {
        add(state.describe(other, row));
      }
      return this.#checkOnce(context, row);
    });
  }

  #score(context: PodContext, answers: RowAnswers, { rows, count }: FeasibleNodes): void {
    if (this.#totals.length < count) {
      this.#totals = new Float64Array(this.#rows.length);
      this.#parts = this.#scorers.map(() => new Float64Array(this.#rows.length));
    }
    const totals = this.#totals.fill(0, 0, count);
    for (let index = 0; index < this.#scorers.length; index++) {
      const { plugin, weight } = this.#scorers[index] ?? NO_SCORER;
      const part = this.#parts[index] ?? totals;
      const kept = answers.scoresOf(plugin);
      const scorer =
        plugin.scoreReach === 'node' ? kept?.scorer : plugin.preScore?.(context, { rows, count });
      if (scorer === undefined || scorer === 'skip') {
        part.fill(0, 0, count);
        continue;
      }
      for (let i = 0; i < count; i++) {
        const row = rows[i] ?? 0;
        part[i] = kept === undefined ? scorer.score(row) : (kept.scores[row] ?? 0);
      }
      scorer.normalise?.(part, count, rows);
      for (let i = 0; i < count; i++) {
        const weighted = (part[i] ?? 0) * weight;
        part[i] = weighted;
        totals[i] = (totals[i] ?? 0) + weighted;
      }
    }
  }

  /** Position of the highest total; ties are broken by chance, each with the same probability. */
  #best(count: number): number {
    let max = -Infinity;
    let ties = 0;
    for (let i = 0; i < count; i++) {
      const total = this.#totals[i] ?? 0;
      if (total > max) {
        max = total;
        ties = 1;
      } else if (total === max) {
        ties += 1;
      }
    }
    let skipped = ties > 1 ? this.#deps.random.int(ties) : 0;
    for (let i = 0; i < count; i++) {
      if (this.#totals[i] === max) {
        if (skipped === 0) {
          return i;
        }
        skipped -= 1;
      }
    }
    return 0;
  }

  #scoredNode(position: number): ScoredNode {
    return {
      row: this.#rows[position] ?? 0,
      scores: this.#scorers.map(({ plugin }, index) => ({
        plugin: plugin.name,
        score: this.#parts[index]?.[position] ?? 0,
      })),
    };
  }
}

const NO_SCORER: WeightedPlugin = { plugin: { name: '' }, weight: 0 };

const exclusions = new Map<string, Rejection>();

function excludedBy(plugin: string): Rejection {
  let rejection = exclusions.get(plugin);
  if (rejection === undefined) {
    rejection = unfit(plugin, `node(s) didn't satisfy plugin(s) [${plugin}]`);
    exclusions.set(plugin, rejection);
  }
  return rejection;
}

function refusedEverywhere({ state: { nodes } }: PodContext, preFilter: Rejection): Diagnosis {
  return {
    nodeCount: nodes.nodeCount,
    preFilter,
    rejections: [],
    counts: new Map(),
    plugins: new Set([preFilter.plugin]),
  };
}

function diagnose({ state: { nodes } }: PodContext, rejections: Rejections): Diagnosis {
  const counts = new Map<Rejection, number>();
  for (const rejection of rejections) {
    if (rejection !== undefined) {
      counts.set(rejection, (counts.get(rejection) ?? 0) + 1);
    }
  }
  return {
    nodeCount: nodes.nodeCount,
    preFilter: undefined,
    rejections,
    counts,
    plugins: new Set([...counts.keys()].map(({ plugin }) => plugin)),
  };
}
