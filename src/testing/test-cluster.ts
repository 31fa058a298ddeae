import { parseObjectKey, type ApiObject, type NewObject } from '#api/object.ts';
import type { ResourceInfo } from '#api/resource-table.ts';
import { badRequest, isNotFound } from '#api/status-error.ts';
import type { Pod } from '#api/types/core.v1.ts';
import { POD } from '#api/types/resources.ts';
import type { NodeConnection } from '#apiserver/endpoints/node-directory.ts';
import type { ResourceType } from '#api/resource-type.ts';
import type { DeleteOptions } from '#api/types/meta.v1.ts';
import { serviceAccountUser } from '#apiserver/authn/service-account-identity.ts';
import { ALL_AUTHENTICATED, type UserInfo } from '#apiserver/authn/user.ts';
import { SILENT_LOGGER, type Logger } from '#base/log.ts';
import { VirtualClock } from '#base/virtual-clock.ts';
import type { PodExplanation } from '#scheduler/explain/explain-pod.ts';
import type { SchedulerOptions } from '#scheduler/scheduler.ts';
import { Client } from '#client/client.ts';
import type { Connection } from '#client/connection.ts';
import type { MemoryStore } from '#store/memory-store.ts';
import { parseStage, STAGE_API_VERSION } from '#kubelet/sim/stages/stage.ts';
import { ClusterLife, type LifeOrigin, type LifeOptions } from './cluster-life.ts';
import { durationMs, type Duration } from '#base/duration.ts';
import type { FaultEffect, RequestFilter } from './faults.ts';
import type {
  NamespaceOption,
  ServingOptions,
  TestClock,
  TestNode,
  UntilOptions,
  Watched,
} from './cluster-handles.ts';
import type { ServedListener } from './disturb.ts';
import type { ContainerFunction } from './functions/container-function.ts';
import { serveOverHttps } from './serve-over-https.ts';
import { inTime } from './in-time.ts';
import { Invariants } from './invariants.ts';
import { manifestsOf, type Manifest } from './manifests.ts';
import type { Predicate } from './predicates.ts';
import type { Change } from './recorder.ts';
import {
  placeOf,
  resourceNamed,
  resourceOf,
  UnknownResourceError,
  type Place,
  type Target,
} from './target.ts';
import { logsOf, runIn, type CommandResult, type ContainerChoice, type LogChoice } from './pod-access.ts';
import { describeWait } from './until-error.ts';

export interface TestClusterOptions {
  /** Simulated nodes, named `sim-0`, `sim-1`, …; 1 when left out. */
  readonly nodes?: number;
  /** All chance comes from it: the same seed gives the same history. 1 when left out. */
  readonly seed?: number;
  /** What the clock shows at first; 2026-01-01T00:00:00Z when left out. */
  readonly startTime?: string | number | Date;
  /** False for an API server alone, without controllers and scheduler. */
  readonly hasComponents?: boolean;
  /** Profiles and plugins of the scheduler; upstream's defaults when left out. Plugins live on through `reset`. */
  readonly scheduler?: SchedulerOptions;
  /** What containers of these images do: each node then runs a kubelet over functions. Other images run for ever. */
  readonly images?: Readonly<Record<string, ContainerFunction>>;
  /** kwok `Stage` objects: how simulated pods and nodes live, before what is built in. */
  readonly stages?: readonly object[];
  readonly log?: Logger;
}

const WITHIN: Duration = { minutes: 10 };
const NAMESPACE_DEFAULT = 'default';
const FIELD_MANAGER = 'coracle-testing';
/** An odd number, so that lives of one cluster draw from far apart stretches of chance. */
const SEED_STEP = 0x3c6e_f35f;

/**
 * A real cluster inside this process on a clock of its own: API server, controllers, scheduler and simulated
 * nodes. Time stands still until it is told to pass, by `clock.advance` or by `until`.
 */
export class TestCluster implements AsyncDisposable {
  readonly clock: TestClock;
  /**
   * Requests of an administrator; faults hit them like any other. One that a fault delays waits for the clock,
   * which the methods of the cluster itself let run.
   */
  client: Client;
  readonly seed: number;
  readonly #options: Omit<LifeOptions, 'onChange' | 'isWanted'>;
  readonly #invariants: Invariants;
  #life: ClusterLife;
  /** As the cluster was when `startCluster` or `fork` returned it. */
  #pristine: ReturnType<ClusterLife['snapshot']>;
  readonly #startMs: number;
  #lives = 0;
  #kubeconfig: Promise<string> | undefined;
  /** Of the HTTPS server, once it was asked for; they are the same after a reset. */
  #port = 0;
  #onRequest: ServedListener | undefined;

  private constructor(
    life: ClusterLife,
    parts: {
      readonly seed: number;
      readonly options: Omit<LifeOptions, 'onChange' | 'isWanted'>;
      readonly invariants: Invariants;
    },
  ) {
    this.#life = life;
    this.seed = parts.seed;
    this.#options = parts.options;
    this.#invariants = parts.invariants;
    this.#startMs = life.clock.nowMs();
    this.#pristine = life.snapshot();
    this.client = new Client(life.base.transport, FIELD_MANAGER);
    this.clock = {
      now: () => new Date(this.#life.clock.nowMs()),
      nowMs: () => this.#life.clock.nowMs(),
      settle: async () => {
        await this.#life.clock.settle();
        this.#checkInvariants();
      },
      advance: async (duration, { beforeLeap } = {}) => {
        const { clock } = this.#life;
        const targetMs = clock.nowMs() + durationMs(duration);
        if (beforeLeap !== undefined) {
          await leapTo(clock, targetMs, beforeLeap);
        }
        await clock.advance(targetMs - clock.nowMs());
        this.#checkInvariants();
      },
    };
  }

  static async start(options: TestClusterOptions = {}): Promise<TestCluster> {
    const { nodes = 1, seed = 1, startTime, hasComponents = true, log = SILENT_LOGGER, ...rest } = options;
    const clock =
      startTime === undefined ? new VirtualClock() : new VirtualClock(new Date(startTime).getTime());
    return TestCluster.#begin({ clock, seed }, { nodeCount: nodes, hasComponents, log, ...rest });
  }

  /** A cluster that goes on where another one was; `store` is its own from now on, and on `clock`. */
  static resume(
    options: Pick<TestClusterOptions, 'nodes' | 'seed' | 'log' | 'scheduler'>,
    origin: { readonly store: MemoryStore; readonly clock: VirtualClock },
  ): Promise<TestCluster> {
    const { nodes = 1, seed = 1, log = SILENT_LOGGER, scheduler } = options;
    return TestCluster.#begin({ ...origin, seed }, { nodeCount: nodes, hasComponents: true, log, scheduler });
  }

  static async #begin(
    origin: LifeOrigin,
    options: Omit<LifeOptions, 'onChange' | 'isWanted'>,
  ): Promise<TestCluster> {
    const invariants = new Invariants();
    const life = await ClusterLife.start(origin, { ...options, ...listenerOf(invariants) });
    return new TestCluster(life, { seed: origin.seed, options, invariants });
  }

  /**
   * Server-side applies manifests: YAML with any number of documents, or objects. Namespaces and definitions
   * go first. Objects without a namespace go to `default`. A kwok `Stage` is no object: simulated nodes follow it.
   */
  async apply(
    manifests: string | object | readonly object[],
    { namespace = NAMESPACE_DEFAULT }: { readonly namespace?: string } = {},
  ): Promise<readonly ApiObject[]> {
    const applied: ApiObject[] = [];
    for (const manifest of manifestsOf(manifests)) {
      if (manifest.apiVersion === STAGE_API_VERSION) {
        this.#life.addStage(parseStage(manifest));
        continue;
      }
      const resource = await this.#resourceOf(manifest);
      const { name, namespace: own = namespace } = manifest.metadata;
      const target = resource.isNamespaced ? own : '';
      applied.push(
        await this.#drive(
          this.client.of(resource).patch(target, name, manifest, { type: 'apply', force: true }),
        ),
      );
    }
    return applied;
  }

  /** @throws {StatusError} NotFound among others */
  get<T extends ApiObject>(target: Target<T>, options: NamespaceOption = {}): Promise<T> {
    const { resource, namespace, name } = this.#placeOf(target, options.namespace);
    return this.#drive(this.client.of(resource).get(namespace, name));
  }

  /** All objects of a resource, by its handle or its name; of all namespaces unless one is given. */
  async list<T extends ApiObject>(
    resource: string | ResourceType<T>,
    { namespace = '', labelSelector }: NamespaceOption & { readonly labelSelector?: string } = {},
  ): Promise<readonly T[]> {
    const handle = this.#handleOf(resource);
    const query = labelSelector === undefined ? {} : { labelSelector };
    return (await this.#drive(this.client.of(handle).list(namespace, query))).items;
  }

  create<T extends ApiObject>(resource: ResourceType<T>, object: NewObject<T>): Promise<T> {
    const namespace = object.metadata.namespace ?? NAMESPACE_DEFAULT;
    const metadata = Object.assign({}, object.metadata, resource.isNamespaced ? { namespace } : {});
    return this.#drive(this.client.of(resource).create(Object.assign({}, object, { metadata })));
  }

  /** What it owns goes as the resource has it by default (in the background), unless told otherwise. */
  delete(
    target: Target,
    { namespace = NAMESPACE_DEFAULT, ...options }: NamespaceOption & Partial<DeleteOptions> = {},
  ): Promise<void> {
    const place = this.#placeOf(target, namespace);
    return this.#drive(this.client.of(place.resource).delete(place.namespace, place.name, options));
  }

  /**
   * Lets time pass until `predicate` holds for the object, and returns it. Looks whenever everything that can
   * happen at one time has happened; never sleeps.
   *
   * @throws {UntilError}     it did not come true within the time; says what there was to see
   * @throws {InvariantError} an invariant was broken on the way
   */
  async until<T extends ApiObject>(
    target: Target<T>,
    predicate: Predicate<T>,
    { within = WITHIN, namespace = NAMESPACE_DEFAULT, beforeLeap }: UntilOptions = {},
  ): Promise<T> {
    const place = this.#placeOf(target, namespace);
    const { clock } = this.#life;
    const withinMs = durationMs(within);
    const deadlineMs = clock.nowMs() + withinMs;
    for (let seen = -1; ;) {
      await clock.settle();
      this.#checkInvariants();
      const { revision } = this.#life.recorder;
      const object = revision === seen ? undefined : await this.#read(place);
      if (revision !== seen && predicate(object)) {
        // Only isGone and its like hold for an object that is not there, and nobody uses their result.
        return object as T;
      }
      seen = revision;
      if (beforeLeap !== undefined) {
        await beforeLeap();
        await clock.settle();
        if (this.#life.recorder.revision !== seen) {
          continue;
        }
      }
      const dueMs = clock.nextDueMs();
      if (dueMs === undefined || dueMs > deadlineMs) {
        throw await this.#describe(place, predicate.name, withinMs);
      }
      await clock.advance(dueMs - clock.nowMs());
    }
  }

  /** Asserts about every state of every object of a resource, from now on. */
  watch<T extends ApiObject>(resource: string | ResourceType<T>, options: NamespaceOption = {}): Watched<T> {
    const prefix = this.#prefixOf(this.#handleOf(resource), options.namespace ?? '');
    const add = (isBroken: (object: T) => boolean, message: string): Disposable =>
      // Keys below a resource's prefix hold objects of that resource.
      this.#invariants.add({ prefix, isBroken: (object) => isBroken(object as T), message });
    return {
      never: (predicate, message = `never(${predicate.name}) was broken`) => add(predicate, message),
      always: (predicate, message = `always(${predicate.name}) was broken`) =>
        add((object) => !predicate(object), message),
    };
  }

  /** Every change of an object so far, those of earlier objects of the same name included, oldest first. */
  history<T extends ApiObject>(target: Target<T>, options: NamespaceOption = {}): readonly Change<T>[] {
    const { resource, namespace, name } = this.#placeOf(target, options.namespace);
    // A key holds objects of its own resource only.
    return this.#life.recorder.changesOf(
      `${this.#prefixOf(resource, namespace)}${name}`,
    ) as readonly Change<T>[];
  }

  /** Every change of the cluster so far, one short line each. */
  timeline(): readonly string[] {
    return this.#life.recorder.timeline(this.#startMs);
  }

  /** Every change of the cluster so far with all its bytes; equal for two runs that went the same way. */
  transcript(): readonly string[] {
    return this.#life.recorder.transcript();
  }

  /** Disturbs matching requests within this process until the handle is disposed of. */
  fault(filter: RequestFilter, effect: FaultEffect): Disposable {
    return this.#life.faults.add(filter, effect);
  }

  /**
   * The API server stops and starts again, as those in this process see it: every watch breaks, and nothing reaches it
   * for some time. What it has stored stays.
   */
  restartApiServer({ downFor = {} }: { readonly downFor?: Duration } = {}): void {
    this.#life.faults.restart(durationMs(downFor));
  }

  /** Ends all faults on requests. */
  clearFaults(): void {
    this.#life.faults.clear();
  }

  /** @throws {RangeError} there is no such node */
  node(name: string): TestNode {
    if (!this.#life.nodes.names.includes(name)) {
      throw new RangeError(`no simulated node ${name}; there are: ${this.#life.nodes.names.join(', ')}`);
    }
    const { nodes, crashed } = this.#life;
    return {
      name,
      crash: () => {
        crashed.add(name);
        nodes.silence(name, { hasCrashed: true });
      },
      partition: () => nodes.silence(name, { hasCrashed: false }),
      recover: () => nodes.revive(name, { hasRestarted: crashed.delete(name) }),
    };
  }

  /**
   * Reaches a Service or pod whose containers are functions, by `http://name.namespace:port/` as from within the cluster.
   * Lets time pass until there is an answer.
   *
   * @throws {TypeError} as `fetch` does; its cause says why
   */
  fetch(input: string | URL | Request, init?: RequestInit): Promise<Response> {
    const { requests } = this.#life.nodes;
    if (requests === undefined) {
      throw new RangeError('nothing answers on simulated nodes; start the cluster with { images }');
    }
    return inTime(
      this.#life.clock,
      requests.fetch({ namespace: NAMESPACE_DEFAULT }, new Request(input, init)),
    );
  }

  /** What a container has written. @throws {StatusError} in the words of `kubectl logs` */
  async logs(target: Target, { namespace, ...choice }: NamespaceOption & LogChoice = {}): Promise<string> {
    const pod = await this.#podOf(target, namespace);
    return await logsOf(this.#connectionOf(pod), pod, choice);
  }

  /** Runs a command in a container and lets time pass until it ends. @throws {StatusError} in the words of `kubectl exec` */
  async exec(
    target: Target,
    command: readonly string[],
    { namespace, ...choice }: NamespaceOption & ContainerChoice & { readonly stdin?: string } = {},
  ): Promise<CommandResult> {
    const pod = await this.#podOf(target, namespace);
    return await inTime(this.#life.clock, runIn(this.#connectionOf(pod), pod, command, choice));
  }

  /** Why the scheduler put a pod where it is, or nowhere; undefined for a pod it does not know. */
  explain(target: Target, options: NamespaceOption = {}): PodExplanation | undefined {
    const { namespace, name } = this.#placeOf(target, options.namespace);
    return this.#life.explain(`${namespace}/${name}`);
  }

  /**
   * For an operator, or any other client within this process: it lives on the cluster's clock, and faults hit it.
   * Good until a reset; a fork has connections of its own.
   *
   * @param serviceAccount acts as this one, `namespace/name`, with its rights; an administrator when left out
   */
  connect({ serviceAccount }: { readonly serviceAccount?: string } = {}): Connection {
    const { base, clock } = this.#life;
    return {
      transport:
        serviceAccount === undefined
          ? base.transport
          : base.plane.transportOf(userOf(serviceAccount), serviceAccount),
      clock,
      random: base.random,
      log: this.#options.log,
    };
  }

  /**
   * A kubeconfig for an administrator. The first call opens an HTTPS port on 127.0.0.1.
   *
   * @param options with the first call: which port (any free one when left out), and who is told of requests
   * @throws {Error} `EADDRINUSE` when the port is taken
   */
  kubeconfig({ port = this.#port, onRequest = this.#onRequest }: ServingOptions = {}): Promise<string> {
    this.#onRequest = onRequest;
    this.#kubeconfig ??= this.#serve(port);
    return this.#kubeconfig;
  }

  /** The names of the simulated nodes. */
  get nodeNames(): readonly string[] {
    return this.#life.nodes.names;
  }

  /** What the cluster holds and the time it is, to be kept and resumed. The caller closes the store. */
  async snapshot(): Promise<{ readonly store: MemoryStore; readonly clock: VirtualClock }> {
    await this.#life.clock.settle();
    return this.#life.snapshot();
  }

  /** An independent cluster in the same state at the same time. The caller disposes of it. */
  async fork(): Promise<TestCluster> {
    await this.clock.settle();
    return TestCluster.#begin({ ...this.#life.snapshot(), ...this.#inherited() }, this.#options);
  }

  /**
   * Back to how the cluster was when it was started or forked, time included. Faults and invariants end; clients
   * over HTTPS have to connect again, at the same port.
   */
  async reset(): Promise<void> {
    const { recorder } = this.#life;
    await this.#life.close();
    this.#invariants.clear();
    const clock = new VirtualClock(this.#pristine.clock.nowMs());
    const store = this.#pristine.store.fork({ clock });
    this.#life = await ClusterLife.start(
      { clock, store, recorder, seed: this.#nextSeed() },
      { ...this.#options, ...listenerOf(this.#invariants) },
    );
    this.client = new Client(this.#life.base.transport, FIELD_MANAGER);
    const wasServing = this.#kubeconfig !== undefined;
    this.#kubeconfig = undefined;
    if (wasServing) {
      await this.kubeconfig();
    }
  }

  /**
   * Ends the cluster.
   *
   * @throws {InvariantError} an invariant was broken and nothing has said so yet
   */
  async close(): Promise<void> {
    await this.#life.close();
    await this.#pristine.store.close();
    this.#checkInvariants();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Lets time pass for a request that a fault delays; nobody else would. */
  async #drive<T>(request: Promise<T>): Promise<T> {
    return this.#life.faults.canDelay ? await inTime(this.#life.clock, request) : await request;
  }

  async #podOf(target: Target, namespace: string | undefined): Promise<Pod> {
    const place = this.#placeOf(target, namespace);
    return await this.#drive(this.client.of(POD).get(place.namespace, place.name));
  }

  #connectionOf({ metadata, spec }: Pod): NodeConnection {
    const connection = this.#life.base.plane.server.nodes.find(spec.nodeName ?? '');
    if (connection === undefined) {
      throw badRequest(`pod ${metadata.name} does not have a host assigned`);
    }
    return connection;
  }

  #inherited(): Pick<LifeOrigin, 'seed' | 'recorder' | 'faults' | 'stages'> {
    const { recorder, faults, stages } = this.#life;
    return { seed: this.#nextSeed(), recorder, faults, stages };
  }

  /** Two lives of one cluster must not give out the same UIDs. */
  #nextSeed(): number {
    this.#lives++;
    return (this.seed + this.#lives * SEED_STEP) >>> 0;
  }

  #checkInvariants(): void {
    const { recorder } = this.#life;
    this.#invariants.throwIfBroken((change) => recorder.writerOf(change));
  }

  async #read<T extends ApiObject>({ resource, namespace, name }: Place<T>): Promise<T | undefined> {
    try {
      return await this.#life.base.plane.client.of(resource).get(namespace, name);
    } catch (error) {
      if (isNotFound(error)) {
        return undefined;
      }
      throw error;
    }
  }

  async #describe(place: Place, predicateName: string, withinMs: number): Promise<Error> {
    return describeWait({
      place,
      predicateName: predicateName === '' ? 'as wanted' : predicateName,
      withinMs,
      seed: this.seed,
      object: await this.#read(place),
      client: this.#life.base.plane.client,
      explain: (podKey) => this.#life.explain(podKey),
    });
  }

  /** The custom resources that are served now. */
  get #custom(): readonly ResourceInfo[] {
    return this.#life.base.plane.server.registry.custom.resources();
  }

  #placeOf<T extends ApiObject>(target: Target<T>, namespace = NAMESPACE_DEFAULT): Place<T> {
    return placeOf(target, { namespace, custom: this.#custom });
  }

  #handleOf<T extends ApiObject>(resource: string | ResourceType<T>): ResourceType<T> {
    // The caller says by the type parameter what a word names.
    return typeof resource === 'string'
      ? (resourceNamed(resource, this.#custom) as ResourceType<T>)
      : resource;
  }

  /** Lets the server take in a definition that was just written before a kind is taken for unknown. */
  async #resourceOf(manifest: Manifest): Promise<ResourceType<ApiObject>> {
    try {
      return resourceOf(manifest, this.#custom);
    } catch (error) {
      if (!(error instanceof UnknownResourceError)) {
        throw error;
      }
      await this.#life.clock.settle();
      return resourceOf(manifest, this.#custom);
    }
  }

  #prefixOf(resource: ResourceType<ApiObject>, namespace: string): string {
    return this.#life.prefixOf(resource, namespace);
  }

  async #serve(wantedPort: number): Promise<string> {
    const { port, kubeconfig } = await serveOverHttps(this.#life, wantedPort, this.#onRequest);
    this.#port = port;
    return kubeconfig;
  }
}

function userOf(serviceAccount: string): UserInfo {
  const { namespace, name } = parseObjectKey(serviceAccount);
  const user = serviceAccountUser(namespace, name, '');
  return { ...user, groups: [...user.groups, ALL_AUTHENTICATED] };
}

/** Lets time pass in leaps, to the last event that is due by then. */
async function leapTo(clock: VirtualClock, targetMs: number, beforeLeap: () => Promise<void>): Promise<void> {
  for (;;) {
    await clock.settle();
    await beforeLeap();
    await clock.settle();
    const dueMs = clock.nextDueMs();
    if (dueMs === undefined || dueMs > targetMs) {
      return;
    }
    await clock.advance(dueMs - clock.nowMs());
  }
}

function listenerOf(invariants: Invariants): Pick<LifeOptions, 'onChange' | 'isWanted'> {
  return {
    onChange: (change, key) => invariants.check(change, key),
    isWanted: (key) => invariants.isWanted(key),
  };
}
