import { objectKey } from '#api/object.ts';
import type { Pod } from '#api/types/core.v1.ts';
import {
  CSI_NODE,
  NAMESPACE,
  NODE,
  PERSISTENT_VOLUME,
  PERSISTENT_VOLUME_CLAIM,
  POD,
  POD_DISRUPTION_BUDGET,
  STORAGE_CLASS,
} from '#api/types/resources.ts';
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import type { MetricsRegistry } from '#base/metrics.ts';
import type { Random } from '#base/random.ts';
import { TaskGroup } from '#base/task-group.ts';
import type { Client } from '#client/client.ts';
import type { EventRecorder } from '#client/event-recorder.ts';
import type { Informers } from '#client/lister.ts';
import { ClusterFeed } from './cluster-feed.ts';
import { DecisionLog } from './explain/decision-log.ts';
import { explainPod, type PodExplanation } from './explain/explain-pod.ts';
import type { ExtenderOptions } from './extenders/extender-options.ts';
import { Extenders } from './extenders/extenders.ts';
import { httpPosters, type PosterFactory } from './extenders/post-json.ts';
import { Nominations } from './framework/nominations.ts';
import { NodeSelection, type NodesToFind } from './framework/node-selection.ts';
import type { Plugin, QueueingHint } from './framework/plugin.ts';
import { PodReports } from './pod-reports.ts';
import { InformedSelectors } from './plugins/pod-topology-spread/own-selectors.ts';
import { volumePlugins } from './plugins/volume-binding/volume-plugins.ts';
import { checkPluginNames } from './plugin-names.ts';
import {
  adaptiveNodesToFind,
  DEFAULT_SCHEDULER_NAME,
  profilePlugins,
  type ProfileOptions,
} from './profile.ts';
import { SchedulingQueue, type Backoff } from './queue/scheduling-queue.ts';
import type { HintTable } from './queue/waiting-room.ts';
import { SchedulerMetrics } from './scheduler-metrics.ts';
import { SchedulingLoop, type Profile } from './scheduling-loop.ts';
import { ClusterState } from './state/cluster-state.ts';
import { StatusWriter } from './status-writer.ts';
import { evictVictim } from './victim-eviction.ts';

export interface SchedulerDeps {
  readonly client: Client;
  /** Started by their owner, before or after `start`. */
  readonly informers: Informers;
  readonly events: EventRecorder;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly metrics: MetricsRegistry;
  /** How extenders are reached; over HTTP when left out. */
  readonly posters?: PosterFactory;
}

export interface SchedulerOptions {
  /**
   * Plugins of the user's own. They are in every profile, after upstream's and before `DefaultBinder`, unless a
   * profile disables them by name.
   */
  readonly plugins?: readonly Plugin[];
  /** Programs that are asked over HTTP about the pods that they are interested in. */
  readonly extenders?: readonly ExtenderOptions[];
  /** Left out: one profile with upstream's defaults, named `default-scheduler`. */
  readonly profiles?: readonly ProfileOptions[];
  /**
   * Stop looking after this share of the nodes was found feasible; 0 lets it shrink with the cluster as upstream's
   * default does. Left out: all nodes are looked at, because here looking at all costs less than a
   * worse choice does.
   */
  readonly percentageOfNodesToScore?: number;
  /** Bindings on their way at once. */
  readonly bindingsMax?: number;
  /** Between tries of a pod that fails; 1 s to 10 s when left out. */
  readonly backoff?: Backoff;
}

export interface Scheduler {
  /** Begins to schedule once the informers have synced. */
  start(): void;
  /** Why the pod is where it is, or is nowhere; undefined for a pod that is not known. */
  explain(podKey: string): PodExplanation | undefined;
  /** Stops deciding, cancels bindings on their way, and waits until they have ended. */
  close(): Promise<void>;
}

const BINDINGS_MAX = 128;

/**
 * Assigns pods that name one of its profiles to nodes. Run one at a time: a lease around it sees to that.
 *
 * @throws {PluginNameError} two plugins have one name, or a profile speaks of one that is not there
 */
export function createScheduler(deps: SchedulerDeps, options: SchedulerOptions = {}): Scheduler {
  return new PodScheduler(deps, options);
}

class PodScheduler implements Scheduler {
  readonly #deps: SchedulerDeps;
  readonly #tasks: TaskGroup;
  readonly #state = new ClusterState();
  readonly #nominations = new Nominations();
  readonly #decisions = new DecisionLog();
  readonly #selectors: InformedSelectors;
  readonly #profiles: ReadonlyMap<string, Profile>;
  readonly #queue: SchedulingQueue;
  readonly #reports: PodReports;
  readonly #metrics: SchedulerMetrics;
  readonly #loop: SchedulingLoop;
  readonly #feed: ClusterFeed;
  /** Undefined when there are none. */
  readonly #extenders: Extenders | undefined;

  constructor(deps: SchedulerDeps, options: SchedulerOptions) {
    const { informers, clock, log, events, client } = deps;
    checkPluginNames(options);
    askForInformers(informers);
    this.#deps = deps;
    this.#tasks = TaskGroup.logging(log);
    const { extenders = [] } = options;
    this.#extenders =
      extenders.length === 0 ? undefined : new Extenders(extenders, deps.posters ?? httpPosters(clock), log);
    this.#selectors = new InformedSelectors(informers);
    this.#profiles = this.#createProfiles(options);
    this.#metrics = new SchedulerMetrics(deps.metrics);
    const statuses = new StatusWriter({ client, log, tasks: this.#tasks });
    this.#reports = new PodReports({ events, clock, statuses });
    this.#queue = new SchedulingQueue({
      clock,
      hints: hintsOf(this.#profiles.values()),
      gateOf: (pod) => gateOf(this.#profileOf(pod), pod),
      ...(options.backoff === undefined ? {} : { backoff: options.backoff }),
      onReady: () => this.#loop.wake(),
    });
    this.#loop = new SchedulingLoop({
      clock,
      log,
      tasks: this.#tasks,
      state: this.#state,
      queue: this.#queue,
      nominations: this.#nominations,
      profileOf: (pod) => this.#profileOf(pod),
      reports: this.#reports,
      metrics: this.#metrics,
      decisions: this.#decisions,
      preempt: (pod, nodeName, victims) => this.#preempt(pod, nodeName, victims),
      bindingsMax: options.bindingsMax ?? BINDINGS_MAX,
      extenders: this.#extenders,
    });
    this.#feed = new ClusterFeed({
      informers,
      state: this.#state,
      queue: this.#queue,
      nominations: this.#nominations,
      isOurs: (pod) => this.#profileOf(pod) !== undefined,
      onGone: (pod) => this.#decisions.delete(objectKey(pod)),
    });
  }

  start(): void {
    // A pod decided before all nodes and pods are known might land on a full node.
    this.#tasks.spawn('start scheduling', async (signal) => {
      await this.#deps.informers.whenSynced(signal);
      if (!signal.aborted) {
        this.#feed.start();
      }
    });
  }

  explain(podKey: string): PodExplanation | undefined {
    const pod = this.#deps.informers.of(POD).get(podKey);
    if (pod === undefined) {
      return undefined;
    }
    return explainPod({
      pod,
      state: this.#state,
      queued: this.#queue.get(pod.metadata.uid),
      attempts: this.#decisions.of(podKey),
      selection: this.#profileOf(pod)?.selection,
      nominatedNodeName: this.#nominations.nodeOf(pod.metadata.uid),
    });
  }

  async close(): Promise<void> {
    this.#feed[Symbol.dispose]();
    this.#selectors[Symbol.dispose]();
    this.#loop.close();
    this.#queue.close();
    await this.#tasks.close();
    this.#extenders?.close();
  }

  #createProfiles({
    profiles = [{}],
    plugins: ownPlugins = [],
    extenders = [],
    percentageOfNodesToScore = 100,
  }: SchedulerOptions): ReadonlyMap<string, Profile> {
    const { client, clock, random, informers } = this.#deps;
    const nodesToFind: NodesToFind =
      percentageOfNodesToScore === 100 ? (count) => count : adaptiveNodesToFind(percentageOfNodesToScore);
    const budgets = informers.of(POD_DISRUPTION_BUDGET);
    const extenderResources = extenders
      .flatMap(({ managedResources = [] }) => managedResources)
      .flatMap(({ name, ignoredByScheduler }) => (ignoredByScheduler === true ? [name] : []));
    return new Map(
      profiles.map((profile): [string, Profile] => {
        const name = profile.schedulerName ?? DEFAULT_SCHEDULER_NAME;
        const plugins = profilePlugins(
          {
            client,
            random,
            nominations: this.#nominations,
            ownSelectors: this.#selectors,
            budgets: () => budgets.list(),
            volumePlugins: volumePlugins({ client, clock, informers }),
            ownPlugins,
            extenderResources,
          },
          profile,
        );
        const selection = new NodeSelection({ plugins, nominations: this.#nominations, random, nodesToFind });
        return [name, { name, plugins: plugins.map(({ plugin }) => plugin), selection }];
      }),
    );
  }

  #profileOf({ spec }: Pod): Profile | undefined {
    return this.#profiles.get(spec.schedulerName ?? DEFAULT_SCHEDULER_NAME);
  }

  #preempt(pod: Pod, nodeName: string, victims: readonly Pod[]): void {
    const { client, events, clock, log } = this.#deps;
    this.#metrics.preemptionAttempts.inc();
    this.#metrics.preemptionVictims.observe(victims.length);
    for (const other of this.#nominations.on(nodeName)) {
      if ((other.spec.priority ?? 0) < (pod.spec.priority ?? 0)) {
        // Its promise is broken: what it waited for goes to a more important pod.
        this.#nominations.delete(other.metadata.uid);
        this.#reports.clearNomination(other);
        this.#queue.activate(other.metadata.uid);
      }
    }
    this.#tasks.spawn('preempt pods', async (signal) => {
      const evictions = victims.map((victim) =>
        evictVictim({ client, events, clock }, victim, { preemptor: pod, nodeName }, signal),
      );
      const failed = (await Promise.allSettled(evictions)).filter(({ status }) => status === 'rejected');
      if (failed.length > 0 && !signal.aborted) {
        log.warn('victims could not be removed', {
          pod: objectKey(pod),
          node: nodeName,
          failed: failed.length,
        });
        this.#nominations.delete(pod.metadata.uid);
        this.#queue.activate(pod.metadata.uid);
      }
    });
  }
}

/** Names everything that is read, so that the informers' owner starts it. */
function askForInformers(informers: Informers): void {
  informers.of(NODE);
  informers.of(POD);
  informers.of(NAMESPACE);
  informers.of(POD_DISRUPTION_BUDGET);
  informers.of(PERSISTENT_VOLUME_CLAIM);
  informers.of(PERSISTENT_VOLUME);
  informers.of(STORAGE_CLASS);
  informers.of(CSI_NODE);
}

/** Profiles share one queue, so a plugin's hints are those of all its instances. */
function hintsOf(profiles: Iterable<Profile>): HintTable {
  const hints = new Map<string, readonly QueueingHint[]>();
  for (const { plugins } of profiles) {
    for (const { name, queueingHints } of plugins) {
      if (queueingHints !== undefined) {
        hints.set(name, queueingHints);
      }
    }
  }
  return hints;
}

function gateOf(profile: Profile | undefined, pod: Pod): string | undefined {
  for (const plugin of profile?.plugins ?? []) {
    const gate = plugin.preEnqueue?.(pod);
    if (gate !== undefined) {
      return gate;
    }
  }
  return undefined;
}
