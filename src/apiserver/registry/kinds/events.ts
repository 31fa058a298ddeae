import type { ResourceInfo } from '#api/resource-table.ts';
import type { Event } from '#api/types/core.v1.ts';
import { newEventProblems } from '#api/validation/event-rules.ts';
import { validatorFor } from '#api/validation/validators.ts';
import { defaultStrategy } from '../default-strategy.ts';
import type { DraftObject, Strategy } from '../strategy.ts';
import { selectableFieldsOf } from './selectable-fields.ts';

/** Events go after an hour, as upstream's `--event-ttl` has it by default. */
const TTL_SECONDS = 3600;

/** Events are the same objects in two groups; the newer one asks more of them. */
export function eventStrategy(info: ResourceInfo): Strategy {
  const validator = validatorFor(info);
  return {
    ...defaultStrategy(info),
    selectableFields: selectableFieldsOf('events'),
    ttlSeconds: TTL_SECONDS,
    // The version a client speaks is known only at the end.
    validateCreate: () => [],
    validateUpdate: () => [],
    async finishValidation({ next, previous, context }) {
      if (context.group === 'events.k8s.io') {
        return newEventProblems(asEvent(next), previous === undefined ? undefined : asEvent(previous));
      }
      return previous === undefined
        ? validator.validateCreate(next)
        : validator.validateUpdate(next, previous);
    },
  };
}

function asEvent(object: DraftObject): Event {
  // The storage of events holds nothing else.
  return object as unknown as Event;
}
