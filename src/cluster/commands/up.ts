import { resolve } from 'node:path';
import { SystemClock } from '#base/clock.ts';
import { SystemRandom } from '#base/random.ts';
import { assertStopped, processStartTime, type DataDirectory, type RunState } from '../data-directory.ts';
import { AUDIT_HELP, AUDIT_OPTIONS, chooseAudit } from './audit-options.ts';
import { DIRECTORY_OPTION, directoryOf, parseOptions, readPort, UsageError } from './command-line.ts';
import { chooseLimits, LIMIT_HELP, LIMIT_OPTIONS } from './limit-options.ts';
import { createLog } from './log-options.ts';
import { chooseNodes, problemsText } from './node-choice.ts';
import { readyText } from './ready-text.ts';
import { chooseScheduler, SCHEDULER_HELP, SCHEDULER_OPTIONS } from './scheduler-options.ts';
import { chooseSecurity, SECURITY_HELP, SECURITY_OPTIONS } from './security-options.ts';
import { chooseClock, VIRTUAL_HELP, VIRTUAL_OPTIONS, virtualOptions } from './virtual-options.ts';
import { chooseStore, STORE_HELP, STORE_OPTIONS } from './store-choice.ts';

const OPTIONS = {
  ...DIRECTORY_OPTION,
  ...SECURITY_OPTIONS,
  ...STORE_OPTIONS,
  ...LIMIT_OPTIONS,
  ...AUDIT_OPTIONS,
  ...SCHEDULER_OPTIONS,
  nodes: { type: 'string', default: 'auto' },
  port: { type: 'string' },
  kubeconfig: { type: 'string' },
  'registry-mirror': { type: 'string', multiple: true },
  detach: { type: 'boolean', default: false },
  'keep-containers': { type: 'boolean', default: false },
  ...VIRTUAL_OPTIONS,
  'log-level': { type: 'string', default: 'warn' },
} as const;

const HELP = `Usage: coracle up [options]

  --nodes auto|oci|sim:N   real containers (oci), N simulated nodes, or what this host can do (default auto)
  --data-dir DIR           everything the cluster keeps (default ~/.coracle)
  --port P                 port of the API server (default: that of the last start, else 6443 or any free one)
  --kubeconfig FILE        also write the administrator's kubeconfig there
  --registry-mirror R=URL  pull images of registry R (as docker.io) from this URL instead; may be given more than once
  --detach                 return when the cluster is ready, and leave it running
  --keep-containers        leave containers running when the program stops; the next start takes them over
  --log-level LEVEL        debug, info, warn or error (default warn)
${VIRTUAL_HELP}${SECURITY_HELP}${STORE_HELP}${LIMIT_HELP}${AUDIT_HELP}${SCHEDULER_HELP}`;

/** npm and the terminal may both pass on one Ctrl-C; signals this close together count as one. */
const SAME_SIGNAL_MS = 1_000;

/** `coracle up`. Ends when the cluster does; with `--detach` see there. */
export async function up(args: readonly string[]): Promise<number> {
  const options = parseOptions(args, OPTIONS);
  if (options.help === true) {
    process.stdout.write(HELP);
    return 0;
  }
  const directory = directoryOf(options['data-dir']);
  assertStopped(directory);
  const isVirtual = chooseClock(options) === 'virtual';
  if (isVirtual) {
    return runUntilStopped({
      directory,
      nodesText: options.nodes,
      keepsContainers: true,
      start: async () =>
        (await import('../virtual/virtual-cluster.ts')).VirtualCluster.start(
          virtualOptions(options, directory),
        ),
      onReady: sayReady,
    });
  }
  const choice = chooseNodes(options.nodes, options['registry-mirror']);
  if (choice.kind === 'lacking') {
    throw new UsageError(`this host cannot run real containers yet:\n${problemsText(choice.problems)}`);
  }
  if (choice.problems.length > 0) {
    process.stdout.write(
      `Real containers cannot run here, so the nodes are simulated: pods start and stop, but nothing runs in them.\n${problemsText(choice.problems)}\n`,
    );
  }
  const port = readPort(options.port);
  const security = chooseSecurity(options);
  const store = chooseStore(options);
  const limits = chooseLimits(options);
  const audit = chooseAudit(options);
  const scheduler = chooseScheduler(options);
  const clock = new SystemClock();
  return runUntilStopped({
    directory,
    nodesText: options.nodes,
    keepsContainers: options['keep-containers'],
    start: async () =>
      (await import('../local-cluster.ts')).LocalCluster.start({
        directory,
        nodes: choice.nodes,
        security,
        store,
        limits,
        audit,
        ...(scheduler === undefined ? {} : { scheduler }),
        ...(port === undefined ? {} : { port }),
        ...(options.kubeconfig === undefined ? {} : { kubeconfig: resolve(options.kubeconfig) }),
        clock,
        random: new SystemRandom(),
        log: createLog(clock, options['log-level']),
        onPhase: (name, durationMs) => process.stdout.write(`  ${name.padEnd(28)} ${formatMs(durationMs)}\n`),
      }),
    onReady: sayReady,
  });
}

function sayReady(cluster: RunningCluster): Promise<void> {
  process.stdout.write(readyText(cluster));
  return Promise.resolve();
}

/** What of a cluster the program that runs it needs. */
export interface RunningCluster {
  readonly server: string;
  readonly kubeconfig: string;
  readonly control?: string | undefined;
  readonly clock?: 'virtual';
  /** Stops; containers go on running. */
  close(): Promise<void>;
  /** Stops everything. */
  destroy(): Promise<void>;
}

export interface ForegroundRun<Cluster extends RunningCluster> {
  readonly directory: DataDirectory;
  readonly nodesText: string;
  /** Leave containers to the next start instead of stopping them. */
  readonly keepsContainers: boolean;
  readonly start: () => Promise<Cluster>;
  readonly onReady: (cluster: Cluster, signal: AbortSignal) => Promise<void>;
}

/** Starts a cluster, waits for Ctrl-C or SIGTERM, and stops it. A second Ctrl-C ends at once. */
export async function runUntilStopped<Cluster extends RunningCluster>({
  directory,
  nodesText,
  keepsContainers,
  start,
  onReady,
}: ForegroundRun<Cluster>): Promise<number> {
  const stop = new AbortController();
  const clock = new SystemClock();
  let firstMs = 0;
  const onSignal = (): void => {
    if (!stop.signal.aborted) {
      firstMs = clock.monotonicMs();
      stop.abort();
    } else if (clock.monotonicMs() - firstMs > SAME_SIGNAL_MS) {
      process.exit(130);
    }
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  const cluster = await start();
  try {
    directory.writeRun(runState(cluster, nodesText));
    await onReady(cluster, stop.signal).catch((error: unknown) => {
      // What was under way ends with an error of its own when it is told to stop.
      if (!stop.signal.aborted) {
        throw error;
      }
    });
    if (!stop.signal.aborted) {
      await new Promise<void>((resolveStop) =>
        stop.signal.addEventListener('abort', () => resolveStop(), { once: true }),
      );
    }
    process.stdout.write('Stopping…\n');
  } finally {
    await (keepsContainers ? cluster.close() : cluster.destroy());
    directory.clearRun();
  }
  return 0;
}

function runState({ server, kubeconfig, control, clock }: RunningCluster, nodes: string): RunState {
  return {
    pid: process.pid,
    startTime: processStartTime(process.pid) ?? '',
    server,
    kubeconfig,
    nodes,
    isReady: true,
    ...(clock === undefined ? {} : { clock }),
    ...(control === undefined ? {} : { control }),
  };
}

export function formatMs(durationMs: number): string {
  return durationMs < 1000 ? `${Math.round(durationMs)} ms` : `${(durationMs / 1000).toFixed(2)} s`;
}
