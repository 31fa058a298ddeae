import {
  createControllers,
  type Controllers,
  type ControllersOptions,
} from '#controllers/all-controllers.ts';
import type { LocalVolumeDirectory } from '#controllers/local-volumes/local-volume-controller.ts';
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import type { MetricsRegistry } from '#base/metrics.ts';
import type { Random } from '#base/random.ts';
import { ApiEventRecorder } from '#client/api-event-recorder.ts';
import { createInformers } from '#client/informer.ts';
import type { Informers } from '#client/lister.ts';
import { createScheduler, type Scheduler, type SchedulerOptions } from '#scheduler/scheduler.ts';
import { serveResourceMetrics } from './resource-metrics/resource-metrics-api.ts';
import { CONTROLLER_MANAGER, controllerUser, SCHEDULER } from './component-users.ts';
import type { ControlPlane } from './control-plane.ts';

export interface ComponentDeps {
  readonly plane: ControlPlane;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly metrics: MetricsRegistry;
}

export interface ComponentOptions {
  /** What pods verify the API server with, PEM. */
  readonly rootCaPem: string;
  /** Addresses of all pods; each node gets a /24 of it. */
  readonly podCidr: string;
  /** Where volumes on the nodes themselves lie; without it nobody makes them. */
  readonly localVolumes?: LocalVolumeDirectory;
  /** Signs certificate requests that were approved; without it nobody does. */
  readonly signCertificate?: NonNullable<ControllersOptions['signCertificate']>;
  /** Left out: upstream's defaults. */
  readonly scheduler?: SchedulerOptions;
}

const NODE_PREFIX_LENGTH = 24;

/** The controllers and the scheduler, each with the identity and rights it has over the network. */
export class ComponentSet implements AsyncDisposable {
  readonly scheduler: Scheduler;
  readonly #controllers: Controllers;
  readonly #informers: readonly Informers[];
  readonly #schedulerEvents: ApiEventRecorder;

  constructor(deps: ComponentDeps, options: ComponentOptions) {
    const { rootCaPem, podCidr, signCertificate, localVolumes } = options;
    const { plane, clock, random, log, metrics } = deps;
    const managerTransport = plane.transportOf(CONTROLLER_MANAGER, 'kube-controller-manager');
    const managerInformers = createInformers({ transport: managerTransport, clock, random, log });
    this.#controllers = createControllers({
      client: plane.clientOf(CONTROLLER_MANAGER, 'kube-controller-manager'),
      informers: managerInformers,
      clock,
      random,
      log: log.with({ component: 'controller-manager' }),
      metrics,
      rootCaPem,
      ...(localVolumes === undefined ? {} : { localVolumes }),
      clientOf: (name) => plane.clientOf(controllerUser(name), name),
      aggregated: () => plane.server.aggregated,
      ...(signCertificate === undefined ? {} : { signCertificate }),
      podRanges: [{ cidr: podCidr, nodePrefixLength: NODE_PREFIX_LENGTH }],
    });
    serveResourceMetrics({ server: plane.server, client: plane.client, clock, log });
    const client = plane.clientOf(SCHEDULER, 'kube-scheduler');
    const schedulerInformers = createInformers({
      transport: plane.transportOf(SCHEDULER, 'kube-scheduler'),
      clock,
      random,
      log,
    });
    this.#schedulerEvents = new ApiEventRecorder({
      client,
      clock,
      random,
      log,
      component: 'default-scheduler',
    });
    this.scheduler = createScheduler(
      {
        client,
        informers: schedulerInformers,
        events: this.#schedulerEvents,
        clock,
        random,
        log: log.with({ component: 'scheduler' }),
        metrics,
      },
      options.scheduler,
    );
    this.#informers = [managerInformers, schedulerInformers];
  }

  start(): void {
    this.#informers.forEach((informers) => informers.start());
    this.#controllers.start();
    this.scheduler.start();
  }

  async close(): Promise<void> {
    await Promise.all([this.#controllers.close(), this.scheduler.close(), this.#schedulerEvents.close()]);
    await Promise.all(this.#informers.map((informers) => informers.close()));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
