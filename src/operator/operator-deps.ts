import type { ApiObject } from '#api/object.ts';
import type { ResourceType } from '#api/resource-type.ts';
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import type { Client } from '#client/client.ts';
import type { EventRecorder } from '#client/event-recorder.ts';
import type { Informers, Lister } from '#client/lister.ts';

/** What the controllers of one operator share. */
export interface OperatorDeps {
  readonly client: Client;
  readonly informers: Pick<Informers, 'of'>;
  readonly clock: Clock;
  readonly log: Logger;
  readonly events: EventRecorder;
  /** @throws {NotCachedError} no controller watches the resource */
  readonly cached: <T extends ApiObject>(resource: ResourceType<T>) => Lister<T>;
}
