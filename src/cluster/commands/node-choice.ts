import { checkHost, type HostProblem, type HostPrograms } from '#runtime/oci/check-host.ts';
import type { RegistryMirrors } from '#runtime/oci/registry-client.ts';
import type { NodeChoice } from '../local-cluster.ts';
import { UsageError } from './command-line.ts';

export type ChoiceResult =
  | { readonly kind: 'chosen'; readonly nodes: NodeChoice; readonly problems: readonly HostProblem[] }
  | { readonly kind: 'lacking'; readonly problems: readonly HostProblem[] };

/** Nodes when real containers cannot run here. */
const SIM_COUNT_DEFAULT = 3;

/**
 * Reads `--nodes auto|oci|cri|sim:N` and the registry mirrors of real ones. `auto` takes real containers where this host can run them.
 *
 * @throws {UsageError}
 */
export function chooseNodes(text: string, mirrorTexts: readonly string[] = []): ChoiceResult {
  const mirrors = readMirrors(mirrorTexts);
  const sim = /^sim(?::(\d{1,5}))?$/.exec(text);
  if (sim !== null) {
    const count = sim[1] === undefined ? SIM_COUNT_DEFAULT : Number(sim[1]);
    return { kind: 'chosen', nodes: { kind: 'sim', count }, problems: [] };
  }
  switch (text) {
    case 'oci': {
      const check = checkHost();
      return check.kind === 'ready' ? chosenOci(check.programs, mirrors) : check;
    }
    case 'auto': {
      const check = checkHost();
      return check.kind === 'ready'
        ? chosenOci(check.programs, mirrors)
        : { kind: 'chosen', nodes: { kind: 'sim', count: SIM_COUNT_DEFAULT }, problems: check.problems };
    }
    case 'cri':
      throw new UsageError('nodes of kind cri (containerd, CRI-O) are not supported yet; use oci or sim:N');
    default:
      throw new UsageError(`--nodes takes auto, oci or sim:N, not ${JSON.stringify(text)}`);
  }
}

/** Reads `--registry-mirror REGISTRY=URL`. @throws {UsageError} */
function readMirrors(texts: readonly string[]): RegistryMirrors {
  return new Map(
    texts.map((text) => {
      const [, registry, url] = /^([^=/\s]+)=(https?:\/\/[^\s]+?)\/*$/.exec(text) ?? [];
      if (registry === undefined || url === undefined) {
        throw new UsageError(
          `--registry-mirror takes REGISTRY=URL, as docker.io=http://127.0.0.1:5000, not ${JSON.stringify(text)}`,
        );
      }
      return [registry, url];
    }),
  );
}

function chosenOci(programs: HostPrograms, registryMirrors: RegistryMirrors): ChoiceResult {
  return { kind: 'chosen', nodes: { kind: 'oci', programs, registryMirrors }, problems: [] };
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
