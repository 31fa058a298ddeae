import type { Node, Pod } from '#api/types/core.v1.ts';
import type { Plugin, PodContext } from '../framework/plugin.ts';
import { ClusterState } from '../state/cluster-state.ts';

/** A state with these nodes, and the pods that name a node among them. */
export function stateOf(nodes: readonly Node[], pods: readonly Pod[] = []): ClusterState {
  const state = new ClusterState();
  for (const node of nodes) {
    state.nodes.set(node);
  }
  for (const pod of pods) {
    state.setPod(pod);
  }
  return state;
}

export function contextOf(state: ClusterState, pod: Pod): PodContext {
  return { pod, shape: state.shapes.of(pod), state };
}

/** What the plugin's filter says of each node: its reasons, or `ok`. One word when it says it of none. */
export function filterAll(
  plugin: Plugin,
  state: ClusterState,
  pod: Pod,
): Readonly<Record<string, string>> | string {
  const outcome = plugin.preFilter?.(contextOf(state, pod)) ?? 'skip';
  if (outcome === 'skip') {
    return outcome;
  }
  if ('rejection' in outcome) {
    return outcome.rejection.reasons.join(', ');
  }
  return Object.fromEntries(
    state.nodes.nodes.map((node, row) => [
      node?.metadata.name ?? '',
      outcome.filter.check(row)?.reasons.join(', ') ?? 'ok',
    ]),
  );
}

/** The plugin's normalised, unweighted scores of all nodes, or `skip`. */
export function scoreAll(
  plugin: Plugin,
  state: ClusterState,
  pod: Pod,
): Readonly<Record<string, number>> | string {
  const rows = Int32Array.from(state.nodes.nodes.keys());
  const scorer = plugin.preScore?.(contextOf(state, pod), { rows, count: rows.length }) ?? 'skip';
  if (scorer === 'skip') {
    return scorer;
  }
  const scores = Float64Array.from(rows, (row) => scorer.score(row));
  scorer.normalise?.(scores, scores.length, rows);
  return Object.fromEntries(
    state.nodes.nodes.map((node, row) => [node?.metadata.name ?? '', scores[row] ?? 0]),
  );
}
