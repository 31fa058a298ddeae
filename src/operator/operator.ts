import { hostname } from 'node:os';
import type { ApiObject } from '#api/object.ts';
import type { ResourceType } from '#api/resource-type.ts';
import { durationMs, type Duration } from '#base/duration.ts';
import { MetricsRegistry } from '#base/metrics.ts';
import { TaskGroup } from '#base/task-group.ts';
import { ApiEventRecorder } from '#client/api-event-recorder.ts';
import { Client } from '#client/client.ts';
import type { Connection } from '#client/connection.ts';
import { createInformers } from '#client/informer.ts';
import { LeaderElector } from '#client/leader-elector.ts';
import type { Informers, Lister } from '#client/lister.ts';
import { CONTROLLER_INDEX, controllerIndexValues } from '#controllers/runner/controller-reference.ts';
import { ControllerRunner } from '#controllers/runner/controller-runner.ts';
import type { OperatorController, WatchedResource } from './define-controller.ts';
import type { OperatorDeps } from './operator-deps.ts';
import { serveWebhooks, type WebhookServer, type WebhookServing } from './webhooks/webhook-server.ts';

export interface OperatorOptions {
  /** Field manager of its writes, source of its events, and the Lease's name unless told otherwise. */
  readonly name: string;
  readonly connection: Connection;
  readonly controllers: readonly OperatorController[];
  /** Watch this namespace alone, so that rights in it are enough; all of them when left out. */
  readonly namespace?: string;
  /** Work only while holding a Lease; without it there must be one process alone. */
  readonly leaderElection?: LeaderElection;
  readonly webhooks?: WebhookServing;
}

/** How several processes of one operator agree on which of them works. The times default to upstream's 15, 10 and 2 s. */
export interface LeaderElection {
  readonly namespace: string;
  readonly leaseName?: string;
  /** Different for every process; host name and chance when left out. */
  readonly identity?: string;
  readonly leaseDuration?: Duration;
  readonly renewDeadline?: Duration;
  readonly retryPeriod?: Duration;
}

/** A local copy was asked for that nobody keeps. */
export class NotCachedError extends Error {
  override readonly name = 'NotCachedError';
  readonly code = 'controller/not-cached';
}

/** Controllers at work. Close it to stop them: what is under way is told by its signal, the Lease is given back. */
export class Operator implements AsyncDisposable {
  readonly client: Client;
  readonly metrics: MetricsRegistry;
  /** The webhooks served, if any. */
  readonly webhooks: WebhookServer | undefined;
  readonly #informers: Informers;
  readonly #tasks: TaskGroup;
  readonly #running: AsyncDisposableStack;
  #isLeading = false;

  private constructor(
    { name, connection, controllers, leaderElection, namespace }: OperatorOptions,
    webhooks: WebhookServer | undefined,
  ) {
    const { transport, clock, random } = connection;
    const log = connection.log.with({ operator: name });
    this.client = new Client(transport, name);
    this.metrics = new MetricsRegistry();
    this.webhooks = webhooks;
    this.#running = new AsyncDisposableStack();
    if (webhooks !== undefined) {
      this.#running.use(webhooks);
    }
    this.#informers = this.#running.use(createInformers({ transport, clock, random, log }));
    const events = this.#running.use(
      new ApiEventRecorder({ client: this.client, clock, random, log, component: name }),
    );
    this.#tasks = this.#running.adopt(TaskGroup.logging(log), (tasks) => tasks.close());
    const watched = controllers.flatMap((each) => each.watched);
    const scoped = scopedInformers(this.#informers, namespace);
    const cached = cachesOf(watched, scoped);
    const deps: OperatorDeps = {
      client: this.client,
      informers: scoped,
      clock,
      log,
      events,
      cached,
    };
    const runner = new ControllerRunner({
      controllers: controllers.map((each) => each.create(deps)),
      informers: this.#informers,
      clock,
      log,
      metrics: this.metrics,
    });
    const lead = async (signal: AbortSignal): Promise<void> => {
      this.#isLeading = true;
      try {
        await runner.run(signal);
      } finally {
        this.#isLeading = false;
      }
    };
    this.#informers.start();
    if (leaderElection === undefined) {
      this.#tasks.spawn('controllers', lead);
    } else {
      const elector = new LeaderElector({
        client: this.client,
        clock,
        random,
        log,
        metrics: this.metrics,
        events,
        ...electionOf(leaderElection, name, `${hostname()}_${random.uuid()}`),
      });
      this.#tasks.spawn('leader election', async (signal) => {
        for (let outcome = 'lost'; outcome === 'lost';) {
          outcome = await elector.run(lead, signal);
        }
      });
    }
  }

  static async start(options: OperatorOptions): Promise<Operator> {
    const { webhooks, connection } = options;
    const served = webhooks === undefined ? undefined : await serveWebhooks(webhooks, connection.log);
    return new Operator(options, served);
  }

  /** Whether its controllers run here: always without leader election, else while it holds the Lease. */
  get isLeading(): boolean {
    return this.#isLeading;
  }

  /** Resolves when every local copy is complete for the first time. */
  whenSynced(signal?: AbortSignal): Promise<void> {
    return this.#informers.whenSynced(signal);
  }

  close(): Promise<void> {
    return this.#running.disposeAsync();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** Starts controllers, and webhooks if there are any; they run until the operator is closed. */
export function startOperator(options: OperatorOptions): Promise<Operator> {
  return Operator.start(options);
}

/** Runs an operator until Ctrl-C or SIGTERM: the main program of most. */
export async function runOperator(options: OperatorOptions): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  process.once('SIGINT', () => resolve());
  process.once('SIGTERM', () => resolve());
  await using _operator = await startOperator(options);
  await promise;
}

/** Informers that look into one namespace where a resource has any, unless they are told which. */
function scopedInformers(informers: Informers, namespace: string | undefined): Pick<Informers, 'of'> {
  return namespace === undefined
    ? informers
    : {
        of: (resource, scope = {}) =>
          informers.of(resource, resource.isNamespaced ? { namespace, ...scope } : scope),
      };
}

function cachesOf(
  watched: readonly WatchedResource[],
  informers: Pick<Informers, 'of'>,
): OperatorDeps['cached'] {
  const caches = new Map<string, Lister<ApiObject>>();
  for (const { resource, scope } of watched) {
    const informer = informers.of(resource, scope);
    informer.addIndex(CONTROLLER_INDEX, controllerIndexValues);
    const key = keyOf(resource);
    if (!caches.has(key)) {
      caches.set(key, informer);
    }
  }
  return <T extends ApiObject>(resource: ResourceType<T>) => {
    const cache = caches.get(keyOf(resource));
    if (cache === undefined) {
      throw new NotCachedError(
        `there is no local copy of ${resource.resource}: name it in "owns" or "watches" of a controller, or ask the server with "client"`,
      );
    }
    // The cache of a resource holds objects of that resource's type.
    return cache as Lister<T>;
  };
}

function keyOf({ group, version, resource }: ResourceType<ApiObject>): string {
  return `${group}/${version}/${resource}`;
}

function electionOf(
  { namespace, leaseName, identity, leaseDuration, renewDeadline, retryPeriod }: LeaderElection,
  operatorName: string,
  ownIdentity: string,
): Pick<ConstructorParameters<typeof LeaderElector>[0], 'namespace' | 'name' | 'identity'> {
  return {
    namespace,
    name: leaseName ?? operatorName,
    identity: identity ?? ownIdentity,
    ...(leaseDuration === undefined ? {} : { leaseDurationMs: durationMs(leaseDuration) }),
    ...(renewDeadline === undefined ? {} : { renewDeadlineMs: durationMs(renewDeadline) }),
    ...(retryPeriod === undefined ? {} : { retryPeriodMs: durationMs(retryPeriod) }),
  };
}
