import type { ContainerState, ContainerStatus, Pod } from '#api/types/core.v1.ts';
import { POD } from '#api/types/resources.ts';
import { SystemClock } from '#base/clock.ts';
import { Client } from '#client/client.ts';
import { HttpsTransport } from '#client/https-transport.ts';
import { loadKubeconfig } from '#client/kubeconfig.ts';
import type { PodExplanation } from '#scheduler/explain/explain-pod.ts';
import { renderExplanation } from '#scheduler/explain/render-explanation.ts';
import { POD_EXPLANATIONS } from '../explain-api.ts';
import { DIRECTORY_OPTION, directoryOf, parseWords, UsageError } from './command-line.ts';

const OPTIONS = {
  ...DIRECTORY_OPTION,
  kubeconfig: { type: 'string' },
  namespace: { type: 'string', short: 'n' },
} as const;

const HELP = `Usage: coracle why pod/NAME [options]

Says why a pod waits for a node, is where it is, or does not get ready.

  -n, --namespace NS   the pod's namespace (default: the kubeconfig's)
  --kubeconfig FILE    the cluster (default: the one in --data-dir)
  --data-dir DIR       the cluster's data directory (default ~/.coracle)
`;

/** `coracle why pod/x`. */
export async function why(args: readonly string[]): Promise<number> {
  const { values, words } = parseWords(args, OPTIONS);
  if (values.help === true) {
    process.stdout.write(HELP);
    return 0;
  }
  const name = /^(?:pods?\/)?([^/]+)$/.exec(words[0] ?? '')?.[1];
  if (name === undefined || words.length !== 1) {
    throw new UsageError('name one pod, as in "coracle why pod/web-0"');
  }
  const target = loadKubeconfig(values.kubeconfig ?? directoryOf(values['data-dir']).kubeconfig);
  const namespace = values.namespace ?? target.namespace;
  const transport = new HttpsTransport({ ...target, clock: new SystemClock() });
  try {
    const pod = await new Client(transport).of(POD).get(namespace, name);
    const explanation = await transport.request({ verb: 'get', resource: POD_EXPLANATIONS, namespace, name });
    // The server answers this resource with nothing else.
    process.stdout.write(renderExplanation(explanation as PodExplanation) + containersText(pod));
  } finally {
    await transport.close();
  }
  return 0;
}

/** What the node tells about containers that are not well. */
function containersText({ status }: Pod): string {
  const statuses = [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])];
  const lines = statuses.flatMap((container) => containerLines(container));
  return lines.length === 0 ? '' : `\nOn its node:\n${lines.join('\n')}\n`;
}

function containerLines({ name, ready, restartCount, state, lastState }: ContainerStatus): readonly string[] {
  if (ready || state.terminated?.exitCode === 0) {
    return [];
  }
  const restarts = restartCount === 0 ? '' : `, restarted ${restartCount} times`;
  const last = stateText(lastState);
  return [
    `  Container ${name} is not ready: ${stateText(state) ?? 'it has not started'}${restarts}.`,
    ...(last === undefined ? [] : [`    Before that: ${last}.`]),
  ];
}

function stateText({ waiting, terminated, running }: ContainerState): string | undefined {
  if (waiting !== undefined) {
    return [waiting.reason ?? 'waiting', waiting.message]
      .filter((part) => part !== undefined && part !== '')
      .join(', ');
  }
  if (terminated !== undefined) {
    const why =
      terminated.message === undefined || terminated.message === '' ? '' : `, ${terminated.message}`;
    return `${terminated.reason ?? 'ended'} with exit code ${terminated.exitCode}${why}`;
  }
  return running === undefined ? undefined : 'it runs, but its readiness probe has not succeeded';
}
