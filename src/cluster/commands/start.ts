import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { SystemClock } from '#base/clock.ts';
import { SystemCommands } from '#base/command.ts';
import { SystemRandom } from '#base/random.ts';
import { ExampleApplication } from '../example-application.ts';
import { exampleImage } from '../example-image.ts';
import { packageRoot } from '../package-root.ts';
import { LocalCluster } from '../local-cluster.ts';
import { DIRECTORY_OPTION, directoryOf, parseOptions, readPort, UsageError } from './command-line.ts';
import { installPackages } from './install-packages.ts';
import { chooseNodes, problemsText } from './node-choice.ts';
import { createLog } from './log-options.ts';
import { formatMs, runUntilStopped } from './up.ts';

const OPTIONS = {
  ...DIRECTORY_OPTION,
  nodes: { type: 'string', default: 'auto' },
  port: { type: 'string' },
  kubeconfig: { type: 'string' },
  'registry-mirror': { type: 'string', multiple: true },
  'no-install': { type: 'boolean', default: false },
  'log-level': { type: 'string', default: 'error' },
} as const;

const HELP = `Usage: npm start -- [options]    (or: coracle start [options])

Starts a cluster, deploys the example application in examples/hello and waits until it answers. Ctrl-C stops everything.

  --no-install             only say which system programs are missing; do not install them
  --nodes auto|oci|sim:N   real containers (oci), N simulated nodes, or what this host can do (default auto)
  --data-dir DIR           everything the cluster keeps (default ~/.coracle)
  --port P                 port of the API server
  --kubeconfig FILE        also write the administrator's kubeconfig there
  --registry-mirror R=URL  pull images of registry R (as docker.io) from this URL instead; may be given more than once
`;

const EXAMPLE = join(packageRoot(), 'examples/hello');

/** `coracle start`: from nothing to an application that answers through its Service. */
export async function start(args: readonly string[]): Promise<number> {
  const options = parseOptions(args, OPTIONS);
  if (options.help === true) {
    process.stdout.write(HELP);
    return 0;
  }
  const clock = new SystemClock();
  const commands = new SystemCommands();
  const startMs = clock.monotonicMs();
  let choice = chooseNodes(options.nodes, options['registry-mirror']);
  const missing = choice.problems.flatMap(({ aptPackage }) => (aptPackage === undefined ? [] : [aptPackage]));
  if (missing.length > 0 && !options['no-install'] && (await installPackages(missing))) {
    choice = chooseNodes(options.nodes, options['registry-mirror']);
  }
  if (choice.kind === 'lacking') {
    throw new UsageError(`this host cannot run real containers yet:\n${problemsText(choice.problems)}`);
  }
  const { nodes, problems } = choice;
  if (nodes.kind === 'sim') {
    process.stdout.write(
      `Nodes are simulated: the API, controllers and scheduler are real, pods go through their life, but no program runs in them.\n${problems.length > 0 ? `${problemsText(problems)}\n` : ''}`,
    );
  }
  const directory = directoryOf(options['data-dir']);
  const port = readPort(options.port);
  const phase = (name: string, durationMs: number): void => {
    process.stdout.write(`  ✓ ${name.padEnd(44)} ${formatMs(durationMs).padStart(8)}\n`);
  };
  process.stdout.write('Starting a cluster…\n');
  return runUntilStopped({
    directory,
    nodesText: options.nodes,
    keepsContainers: false,
    start: () =>
      LocalCluster.start({
        directory,
        nodes,
        ...(port === undefined ? {} : { port }),
        ...(options.kubeconfig === undefined ? {} : { kubeconfig: resolve(options.kubeconfig) }),
        clock,
        random: new SystemRandom(),
        log: createLog(clock, options['log-level']),
        onPhase: phase,
      }),
    onReady: async (cluster, signal) => {
      const application = new ExampleApplication({ cluster, clock, onPhase: phase }, EXAMPLE);
      if (cluster.node !== undefined && existsSync(EXAMPLE)) {
        const beforeMs = clock.monotonicMs();
        await cluster.node.runtime.images.build(await exampleImage(commands, join(EXAMPLE, 'server.mjs')));
        phase('example image built', clock.monotonicMs() - beforeMs);
      }
      const url = await application.run(signal);
      process.stdout.write(summary({ cluster, url, totalMs: clock.monotonicMs() - startMs }));
    },
  });
}

function summary({
  cluster,
  url,
  totalMs,
}: {
  cluster: LocalCluster;
  url: string | undefined;
  totalMs: number;
}): string {
  const kubectl = `kubectl --kubeconfig ${cluster.kubeconfig}`;
  return [
    '',
    url === undefined ? `Ready after ${formatMs(totalMs)}.` : `Ready after ${formatMs(totalMs)}: ${url}`,
    `  kubeconfig  ${cluster.kubeconfig}`,
    '',
    'Try next:',
    ...(url === undefined ? [] : [`  curl ${url}`]),
    `  ${kubectl} get pods -o wide`,
    `  ${kubectl} scale deployment hello --replicas=5`,
    ...(url === undefined
      ? []
      : [`  ${kubectl} exec -it deploy/hello -- sh`, `  ${kubectl} logs -f deploy/hello`]),
    `  ${kubectl} delete pod -l app=hello`,
    '',
    'Ctrl-C stops everything; the next start resumes the same cluster.',
    '',
  ].join('\n');
}
