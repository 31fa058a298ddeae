import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import type { MetricsRegistry } from '#base/metrics.ts';
import type { Random } from '#base/random.ts';
import type { Client } from '#client/client.ts';
import type { EventRecorder } from '#client/event-recorder.ts';
import type { Informers } from '#client/lister.ts';

/** What every controller is made from. */
export interface ControllerDeps {
  readonly client: Client;
  readonly informers: Informers;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly metrics: MetricsRegistry;
  /** The recorder of a component, by the name that its events carry: `replicaset-controller`. */
  readonly events: (component: string) => EventRecorder;
}
