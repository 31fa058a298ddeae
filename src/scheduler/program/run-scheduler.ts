import { hostname } from 'node:os';
import { MetricsRegistry } from '#base/metrics.ts';
import { TaskGroup } from '#base/task-group.ts';
import { ApiEventRecorder } from '#client/api-event-recorder.ts';
import { Client } from '#client/client.ts';
import { connect, type ConnectOptions, type Connection } from '#client/connection.ts';
import { createInformers } from '#client/informer.ts';
import { LeaderElector } from '#client/leader-elector.ts';
import type { PodExplanation } from '../explain/explain-pod.ts';
import { DEFAULT_SCHEDULER_NAME } from '../profile.ts';
import { createScheduler, type Scheduler, type SchedulerOptions } from '../scheduler.ts';

/** A Lease that several processes of one scheduler share, so that one of them works at a time. */
export interface SchedulerLease {
  readonly namespace: string;
  /** The scheduler's name when left out. */
  readonly name?: string;
}

export interface SchedulerProgramOptions extends SchedulerOptions {
  /** Pods ask for the scheduler by this name (`spec.schedulerName`). Left out: the names that `profiles` say. */
  readonly schedulerName?: string;
  /** Work only while holding a Lease; without it there must be one process alone. */
  readonly leaderElection?: SchedulerLease;
}

/** A scheduler at work on a cluster. Close it to stop; what waits for a node then waits for another one. */
export interface RunningScheduler extends AsyncDisposable {
  readonly metrics: MetricsRegistry;
  /** Why the pod `namespace/name` is where it is, or nowhere; undefined for one that is not known, or while not leading. */
  explain(podKey: string): PodExplanation | undefined;
  close(): Promise<void>;
}

/**
 * Starts a scheduler of one's own beside, or in place of, the one that the cluster has.
 *
 * @throws {PluginNameError} two plugins have one name, or a profile speaks of one that is not there
 */
export async function startScheduler({
  connection,
  schedulerName,
  leaderElection,
  ...options
}: SchedulerProgramOptions & { readonly connection: Connection }): Promise<RunningScheduler> {
  const { transport, clock, random } = connection;
  const name = schedulerName ?? options.profiles?.[0]?.schedulerName ?? DEFAULT_SCHEDULER_NAME;
  const log = connection.log.with({ scheduler: name });
  const client = new Client(transport, name);
  const metrics = new MetricsRegistry();
  await using started = new AsyncDisposableStack();
  const events = started.use(new ApiEventRecorder({ client, clock, random, log, component: name }));
  const informers = started.use(createInformers({ transport, clock, random, log }));
  const create = (registry: MetricsRegistry): Scheduler =>
    createScheduler(
      { client, informers, events, clock, random, log, metrics: registry },
      named(options, schedulerName),
    );
  let scheduler: Scheduler | undefined = create(metrics);
  const tasks = started.adopt(TaskGroup.logging(log), (group) => group.close());
  started.defer(() => scheduler?.close());
  informers.start();
  if (leaderElection === undefined) {
    scheduler.start();
  } else {
    const elector = new LeaderElector({
      client,
      clock,
      random,
      log,
      metrics,
      events,
      namespace: leaderElection.namespace,
      name: leaderElection.name ?? name,
      identity: `${hostname()}_${random.uuid()}`,
    });
    const lead = async (signal: AbortSignal): Promise<void> => {
      // Leading again begins with nothing assumed, so with a new one; the first counts in the metrics that are seen.
      scheduler ??= create(new MetricsRegistry());
      scheduler.start();
      await aborted(signal);
      const ending = scheduler;
      scheduler = undefined;
      await ending.close();
    };
    tasks.spawn('leader election', async (signal) => {
      for (let outcome = 'lost'; outcome === 'lost';) {
        outcome = await elector.run(lead, signal);
      }
    });
  }
  const running = started.move();
  return {
    metrics,
    explain: (podKey) => scheduler?.explain(podKey),
    close: () => running.disposeAsync(),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

/**
 * Runs a scheduler until Ctrl-C or SIGTERM: the main program of most.
 *
 * ```ts
 * await runScheduler({ schedulerName: 'quiet-scheduler', plugins: [quiet] });
 * ```
 *
 * @throws {KubeconfigError} there is no cluster, or it cannot be used
 */
export async function runScheduler({
  kubeconfig,
  context,
  userAgent = 'coracle-scheduler',
  log,
  ...options
}: SchedulerProgramOptions & ConnectOptions): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  process.once('SIGINT', () => resolve());
  process.once('SIGTERM', () => resolve());
  await using connection = connect({
    userAgent,
    ...(kubeconfig === undefined ? {} : { kubeconfig }),
    ...(context === undefined ? {} : { context }),
    ...(log === undefined ? {} : { log }),
  });
  await using _scheduler = await startScheduler({ ...options, connection });
  await promise;
}

/** With one profile of that name, if the options say no other. */
function named(options: SchedulerOptions, schedulerName: string | undefined): SchedulerOptions {
  if (schedulerName === undefined) {
    return options;
  }
  const { profiles = [{}] } = options;
  return { ...options, profiles: profiles.map((profile) => ({ schedulerName, ...profile })) };
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve();
    } else {
      signal.addEventListener('abort', () => resolve(), { once: true });
    }
  });
}
