import type { ResourceInfo } from '#api/resource-table.ts';
import type { APIService } from '#api/types/apiregistration.v1.ts';
import { LOCAL, withAvailability } from '../../aggregation/api-service-conditions.ts';
import { defaultStrategy, withStatus } from '../default-strategy.ts';
import type { DraftObject, Strategy } from '../strategy.ts';

/** A group that this server answers itself is available from the start. */
export function apiServiceStrategy(info: ResourceInfo): Strategy {
  return {
    ...defaultStrategy(info),
    prepareCreate(object: DraftObject) {
      // The storage of APIServices holds those only.
      const { spec, metadata } = object as unknown as APIService;
      const isLocal = spec.service === undefined;
      return withStatus(object, isLocal ? withAvailability({}, LOCAL, metadata.creationTimestamp ?? '') : {});
    },
  };
}
