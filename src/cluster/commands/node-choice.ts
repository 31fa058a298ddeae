import { checkHost, type HostProblem } from '#runtime/oci/check-host.ts';
import type { NodeChoice } from '../local-cluster.ts';
import { UsageError } from './command-line.ts';

export type ChoiceResult =
  | { readonly kind: 'chosen'; readonly nodes: NodeChoice; readonly problems: readonly HostProblem[] }
  | { readonly kind: 'lacking'; readonly problems: readonly HostProblem[] };

/** Nodes when real containers cannot run here. */
const SIM_COUNT_DEFAULT = 3;

/**
 * Reads `--nodes auto|oci|cri|sim:N`. `auto` takes real containers where this host can run them.
 *
 * @throws {UsageError}
 */
export function chooseNodes(text: string): ChoiceResult {
  const sim = /^sim(?::(\d{1,5}))?$/.exec(text);
  if (sim !== null) {
    const count = sim[1] === undefined ? SIM_COUNT_DEFAULT : Number(sim[1]);
    return { kind: 'chosen', nodes: { kind: 'sim', count }, problems: [] };
  }
  switch (text) {
    case 'oci': {
      const check = checkHost();
      return check.kind === 'ready' ? chosenOci(check.programs) : check;
    }
    case 'auto': {
      const check = checkHost();
      return check.kind === 'ready'
        ? chosenOci(check.programs)
        : { kind: 'chosen', nodes: { kind: 'sim', count: SIM_COUNT_DEFAULT }, problems: check.problems };
    }
    case 'cri':
      throw new UsageError('nodes of kind cri (containerd, CRI-O) are not supported yet; use oci or sim:N');
    default:
      throw new UsageError(`--nodes takes auto, oci or sim:N, not ${JSON.stringify(text)}`);
  }
}

function chosenOci(programs: Extract<NodeChoice, { kind: 'oci' }>['programs']): ChoiceResult {
  return { kind: 'chosen', nodes: { kind: 'oci', programs }, problems: [] };
}

/** What stands between this host and real containers, and the one command that mends it. */
export function problemsText(problems: readonly HostProblem[]): string {
  const lines = problems.map(({ what, why }) => `  ${what}: ${why}`);
  const packages = problems.flatMap(({ aptPackage }) => (aptPackage === undefined ? [] : [aptPackage]));
  const hint =
    packages.length === 0
      ? []
      : [`  To install what is missing: apt-get update && apt-get install -y ${packages.join(' ')}`];
  return [...lines, ...hint].join('\n');
}
