import type { ApiObject } from '#api/object.ts';
import type { Event as CoreEvent } from '#api/types/core.v1.ts';
import type { Event } from '#api/types/events.v1.ts';
import type { DraftObject } from '../strategy.ts';

type Mapping = readonly (readonly [coreField: string, newField: string])[];

/** Fields that only changed their names between the core group and `events.k8s.io`. */
const RENAMED: Mapping = [
  ['involvedObject', 'regarding'],
  ['message', 'note'],
  ['source', 'deprecatedSource'],
  ['firstTimestamp', 'deprecatedFirstTimestamp'],
  ['lastTimestamp', 'deprecatedLastTimestamp'],
  ['count', 'deprecatedCount'],
  ['reportingComponent', 'reportingController'],
];

const REFERENCE = ['kind', 'namespace', 'name', 'uid', 'apiVersion', 'resourceVersion', 'fieldPath'];

/** What selectors of the newer version may name, and the stored field behind it. */
export const EVENT_FIELDS: Readonly<Record<string, string>> = {
  ...Object.fromEntries(REFERENCE.map((name) => [`regarding.${name}`, `involvedObject.${name}`])),
  reason: 'reason',
  reportingController: 'reportingComponent',
  type: 'type',
};

export function eventToStorage(object: ApiObject): DraftObject {
  return {
    ...renamed(
      object,
      RENAMED.map(([core, newer]) => [newer, core]),
    ),
    apiVersion: 'v1' satisfies CoreEvent['apiVersion'],
  } as DraftObject;
}

export function eventFromStorage(object: ApiObject): ApiObject {
  return {
    ...renamed(object, RENAMED),
    apiVersion: 'events.k8s.io/v1' satisfies Event['apiVersion'],
  } as ApiObject;
}

function renamed(object: ApiObject, mapping: Mapping): object {
  const names = new Map(mapping);
  return Object.fromEntries(
    Object.entries(object).map(([key, value]: [string, unknown]) => [names.get(key) ?? key, value]),
  );
}
