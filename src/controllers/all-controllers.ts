import type { ApiObject } from '#api/object.ts';
import type { ResourceType } from '#api/resource-type.ts';
import { CUSTOM_RESOURCE_DEFINITION } from '#api/types/resources.ts';
import { TaskGroup } from '#base/task-group.ts';
import type { Client } from '#client/client.ts';
import { ApiEventRecorder } from '#client/api-event-recorder.ts';
import type { EventRecorder } from '#client/event-recorder.ts';
import { LeaderElector } from '#client/leader-elector.ts';
import { BootstrapSigner } from './bootstrap-signer/bootstrap-signer.ts';
import {
  RequestApprovingController,
  RequestCleaningController,
  RequestSigningController,
  type SignCertificate,
} from './certificates/certificate-controllers.ts';
import { ClusterRoleAggregationController } from './clusterrole-aggregation/cluster-role-aggregation-controller.ts';
import { CronJobController } from './cronjob/cron-job-controller.ts';
import { namespacedCustomResources } from './custom-resources/custom-resource-types.ts';
import { DaemonSetController } from './daemonset/daemon-set-controller.ts';
import { DeploymentController } from './deployment/deployment-controller.ts';
import { DisruptionController } from './disruption/disruption-controller.ts';
import { EndpointsController } from './endpoints/endpoints-controller.ts';
import { EndpointSliceController } from './endpointslice/endpoint-slice-controller.ts';
import { EndpointSliceMirroringController } from './endpointslice-mirroring/endpoint-slice-mirroring-controller.ts';
import { collectableResources } from './garbage-collector/collectable-resources.ts';
import { EphemeralVolumeController } from './ephemeral-volume/ephemeral-volume-controller.ts';
import { GarbageCollector } from './garbage-collector/garbage-collector.ts';
import { HorizontalPodAutoscalerController } from './horizontal-pod-autoscaler/horizontal-pod-autoscaler-controller.ts';
import type { MetricsSource } from './horizontal-pod-autoscaler/metrics-source.ts';
import { ServedMetrics } from './horizontal-pod-autoscaler/served-metrics.ts';
import { JobController } from './job/job-controller.ts';
import { LocalVolumeController, type LocalVolumeDirectory } from './local-volumes/local-volume-controller.ts';
import { NamespaceController } from './namespace/namespace-controller.ts';
import { namespacedResources } from './namespace/namespaced-resources.ts';
import { NodeIpamController, type PodRange } from './node-ipam/node-ipam-controller.ts';
import { NodeLifecycleController } from './node-lifecycle/node-lifecycle-controller.ts';
import { NodeTtlController } from './node-ttl/node-ttl-controller.ts';
import { PodGcController } from './pod-gc/pod-gc-controller.ts';
import { REPLICA_SET_KIND } from './replicaset/replica-kind.ts';
import { ReplicaSetController } from './replicaset/replica-set-controller.ts';
import { REPLICATION_CONTROLLER_KIND } from './replicationcontroller/replication-controller-kind.ts';
import { RootCaPublisher } from './root-ca/root-ca-publisher.ts';
import { ResourceQuotaController } from './resourcequota/resource-quota-controller.ts';
import type { ControllerDeps } from './runner/controller-deps.ts';
import { ControllerRunner } from './runner/controller-runner.ts';
import type { Controller } from './runner/controller.ts';
import { ServiceAccountController } from './serviceaccount/service-account-controller.ts';
import { StatefulSetController } from './statefulset/stateful-set-controller.ts';
import { claimProtection, volumeProtection } from './storage-protection/storage-protection-controller.ts';
import { TaintEvictionController } from './taint-eviction/taint-eviction-controller.ts';
import { TokenCleaner } from './token-cleaner/token-cleaner.ts';
import { TtlAfterFinishedController } from './ttl-after-finished/ttl-after-finished-controller.ts';
import { VolumeBindingController } from './volume-binding/volume-binding-controller.ts';

export interface ControllersOptions extends Omit<ControllerDeps, 'events'> {
  /** What pods verify the API server with, PEM. */
  readonly rootCaPem: string;
  /** Ranges of pod addresses to divide among the nodes; without any, nodes get none. */
  readonly podRanges?: readonly PodRange[];
  /** The resources whose objects live in namespaces; built-in ones and those of definitions when left out. */
  readonly namespacedResources?: () =>
    | readonly ResourceType<ApiObject>[]
    | Promise<readonly ResourceType<ApiObject>[]>;
  /** What other servers have behind the API server; nothing when left out. */
  readonly aggregated?: () => {
    readonly namespaced: readonly ResourceType<ApiObject>[];
    readonly undiscovered: readonly string[];
  };
  /** Signs approved CertificateSigningRequests; without it they wait for somebody else. */
  readonly signCertificate?: SignCertificate;
  /** Where volumes on the nodes themselves lie; without it nobody makes them. */
  readonly localVolumes?: LocalVolumeDirectory;
  /** What autoscalers go by; the metrics APIs behind the API server when left out. */
  readonly metricsSource?: MetricsSource;
  /** Set where several processes run controllers: only the holder of the Lease does. */
  readonly leaderElection?: { readonly namespace: string; readonly name: string; readonly identity: string };
  /** The client of one controller, by the name of its service account; the shared one when left out. */
  readonly clientOf?: (controller: string) => Client;
  /** Replaces the recorders that write Events through the client. */
  readonly events?: (component: string) => EventRecorder;
}

/** All controllers of a cluster. The informers are started and closed by their owner, not here. */
export interface Controllers extends AsyncDisposable {
  /** Begins to work; with leader election, once elected, and again each time. */
  start(): void;
  close(): Promise<void>;
}

/**
 * Makes every controller. Do so before the informers start, because controllers add indexes to them.
 * Nothing runs before `start`.
 */
export function createControllers(options: ControllersOptions): Controllers {
  return new RunningControllers(options);
}

class RunningControllers implements Controllers {
  readonly #options: ControllersOptions;
  readonly #tasks: TaskGroup;
  readonly #recorders = new Map<string, ApiEventRecorder>();
  /** Made ahead for the first term; every later term makes its own, with nothing left from the last. */
  #prepared: readonly Controller[] | undefined;

  constructor(options: ControllersOptions) {
    this.#options = options;
    this.#tasks = TaskGroup.logging(options.log);
    this.#prepared = this.#create();
  }

  start(): void {
    const { leaderElection } = this.#options;
    this.#tasks.spawn('controllers', (signal) =>
      leaderElection === undefined ? this.#lead(signal) : this.#leadWhenElected(leaderElection, signal),
    );
  }

  async close(): Promise<void> {
    await this.#tasks.close();
    await Promise.all([...this.#recorders.values()].map((recorder) => recorder.close()));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #leadWhenElected(
    lease: NonNullable<ControllersOptions['leaderElection']>,
    signal: AbortSignal,
  ): Promise<void> {
    const elector = new LeaderElector({ ...this.#options, ...lease, events: this.#recorder(lease.name) });
    while (!signal.aborted) {
      await elector.run((term) => this.#lead(term), signal);
    }
  }

  async #lead(signal: AbortSignal): Promise<void> {
    const controllers = this.#prepared ?? this.#create();
    this.#prepared = undefined;
    await new ControllerRunner({ ...this.#options, controllers }).run(signal);
  }

  #create(): readonly Controller[] {
    return allControllers(
      { ...this.#options, events: (component) => this.#recorder(component) },
      this.#options,
    );
  }

  #recorder(component: string): EventRecorder {
    const { events, client, clock, random, log } = this.#options;
    if (events !== undefined) {
      return events(component);
    }
    let recorder = this.#recorders.get(component);
    if (recorder === undefined) {
      recorder = new ApiEventRecorder({ client, clock, random, log: log.with({ component }), component });
      this.#recorders.set(component, recorder);
    }
    return recorder;
  }
}

/**
 * The list that decides what a cluster does on its own. Each controller acts as the service account of that name,
 * with only the rights it needs, where the options give it one.
 */
function allControllers(deps: ControllerDeps, options: ControllersOptions): readonly Controller[] {
  const definitions = deps.informers.of(CUSTOM_RESOURCE_DEFINITION);
  const { podRanges = [], signCertificate, clientOf, localVolumes } = options;
  const as = (name: string): ControllerDeps =>
    clientOf === undefined ? deps : { ...deps, client: clientOf(name) };
  return [
    new NamespaceController(as('namespace-controller'), {
      resources:
        options.namespacedResources ??
        (() => [
          ...namespacedResources(),
          ...namespacedCustomResources(definitions.list()),
          ...(options.aggregated?.().namespaced ?? []),
        ]),
      undiscovered: () => options.aggregated?.().undiscovered ?? [],
    }),
    new ServiceAccountController(as('service-account-controller')),
    new RootCaPublisher(as('root-ca-cert-publisher'), options.rootCaPem),
    new DeploymentController(as('deployment-controller')),
    new ReplicaSetController(REPLICA_SET_KIND, as('replicaset-controller')),
    new ReplicaSetController(REPLICATION_CONTROLLER_KIND, as('replication-controller')),
    new EndpointsController(as('endpoint-controller')),
    new EndpointSliceController(as('endpointslice-controller')),
    new EndpointSliceMirroringController(as('endpointslicemirroring-controller')),
    new DaemonSetController(as('daemon-set-controller')),
    new StatefulSetController(as('statefulset-controller')),
    new JobController(as('job-controller')),
    new HorizontalPodAutoscalerController(as('horizontal-pod-autoscaler'), {
      metricsSource: options.metricsSource ?? new ServedMetrics(as('horizontal-pod-autoscaler').client),
    }),
    new CronJobController(as('cronjob-controller')),
    new TtlAfterFinishedController(as('ttl-after-finished-controller')),
    new TokenCleaner(as('token-cleaner')),
    new BootstrapSigner(as('bootstrap-signer')),
    new DisruptionController(as('disruption-controller')),
    new VolumeBindingController(as('persistent-volume-binder')),
    new EphemeralVolumeController(as('ephemeral-volume-controller')),
    ...(localVolumes === undefined
      ? []
      : [new LocalVolumeController(as('persistent-volume-binder'), localVolumes)]),
    claimProtection(as('pvc-protection-controller')),
    volumeProtection(as('pv-protection-controller')),
    new GarbageCollector(as('generic-garbage-collector'), collectableResources()),
    new NodeLifecycleController(as('node-controller')),
    new TaintEvictionController(as('node-controller')),
    new NodeTtlController(as('ttl-controller')),
    new PodGcController(as('pod-garbage-collector')),
    new ResourceQuotaController(as('resourcequota-controller'), namespacedResources()),
    new ClusterRoleAggregationController(as('clusterrole-aggregation-controller')),
    new RequestApprovingController(as('certificate-controller')),
    new RequestCleaningController(as('certificate-controller')),
    ...(signCertificate === undefined
      ? []
      : [new RequestSigningController(as('certificate-controller'), signCertificate)]),
    ...(podRanges.length === 0 ? [] : [new NodeIpamController(as('node-controller'), podRanges)]),
  ];
}
