import type { ApiObject } from '#api/object.ts';

/** What an event is about. `fieldPath` narrows it, as `spec.containers{web}` does for one container. */
export interface EventTarget {
  readonly object: ApiObject;
  readonly fieldPath?: string;
  /** Who reports, when it is not the recorder's own component: a scheduler speaks in the names of its profiles. */
  readonly component?: string;
}

/**
 * Writes Events in the background: alike ones are counted up on the same Event, a flood is dropped beyond
 * a bound. Never throws and never delays the caller.
 */
export interface EventRecorder {
  /** @param reason one word in CamelCase, upstream's where upstream has one */
  event(target: ApiObject | EventTarget, type: 'Normal' | 'Warning', reason: string, message: string): void;
}
