import type { ApiObject } from '#api/object.ts';
import type { Event, Pod } from '#api/types/core.v1.ts';
import { EVENT, POD } from '#api/types/resources.ts';
import type { Client } from '#client/client.ts';
import { renderExplanation } from '#scheduler/explain/render-explanation.ts';
import type { PodExplanation } from '#scheduler/explain/explain-pod.ts';
import { durationText } from '#base/duration.ts';
import { placeText, type Place } from './target.ts';

/** What was waited for did not come true in time. The message says what there was to see. */
export class UntilError extends Error {
  override readonly name = 'UntilError';
  readonly code = 'testing/until';
  /** The last state seen; undefined when the object was not there. */
  readonly object: ApiObject | undefined;

  constructor(message: string, object: ApiObject | undefined) {
    super(message);
    this.object = object;
  }
}

export interface Waited {
  readonly place: Place;
  readonly predicateName: string;
  readonly withinMs: number;
  readonly seed: number;
  readonly object: ApiObject | undefined;
  readonly client: Client;
  readonly explain: (podKey: string) => PodExplanation | undefined;
}

const STATUS_CHARS_MAX = 2_000;
const EVENTS_MAX = 15;
const PODS_MAX = 5;

/** The object's status and events; those of its pods that are not ready, and why they are where they are. */
export async function describeWait(waited: Waited): Promise<UntilError> {
  const { place, predicateName, withinMs, seed, object, client, explain } = waited;
  const lines = [
    `${placeText(place)} was not ${predicateName} within ${durationText(withinMs)} of the cluster's time (seed ${seed}).`,
  ];
  if (object === undefined) {
    lines.push('It does not exist.');
  } else {
    const { status } = object as ApiObject & { readonly status?: unknown };
    lines.push('Its status:', indented(JSON.stringify(status ?? {}, null, 2).slice(0, STATUS_CHARS_MAX)));
  }
  const events = (await client.of(EVENT).list(place.namespace)).items;
  lines.push(...eventLines(events, place.resource.kind, place.name));
  const pods = object === undefined ? [] : await unreadyPods(client, object);
  for (const pod of pods.slice(0, PODS_MAX)) {
    const { namespace, name } = pod.metadata;
    lines.push('', `Its pod ${namespace}/${name} is ${pod.status.phase ?? 'not seen by any node'}:`);
    const explanation = explain(`${namespace}/${name}`);
    if (explanation !== undefined) {
      lines.push(indented(renderExplanation(explanation).trimEnd()));
    }
    lines.push(...eventLines(events, 'Pod', name));
  }
  return new UntilError(lines.join('\n'), object);
}

function eventLines(events: readonly Event[], kind: string, name: string): readonly string[] {
  const own = events.filter(
    ({ involvedObject }) => involvedObject.kind === kind && involvedObject.name === name,
  );
  return own.length === 0
    ? []
    : [
        'Events:',
        ...own
          .slice(-EVENTS_MAX)
          .map(
            ({ type, reason, message, count = 1 }) =>
              `  ${type ?? ''} ${reason ?? ''}${count > 1 ? ` (x${count})` : ''}: ${message ?? ''}`,
          ),
      ];
}

/** Pods that are the object or that it owns, by however many steps. */
async function unreadyPods(client: Client, object: ApiObject): Promise<readonly Pod[]> {
  if (object.kind === 'Pod') {
    return [object as Pod];
  }
  const { namespace = '', name } = object.metadata;
  const { items } = await client.of(POD).list(namespace);
  return items.filter((pod) => {
    const isOwned = pod.metadata.ownerReferences?.some(
      (owner) => owner.uid === object.metadata.uid || owner.name.startsWith(`${name}-`),
    );
    const isReady = pod.status.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True');
    return isOwned === true && isReady !== true;
  });
}

function indented(text: string): string {
  return text.replaceAll(/^/gm, '  ');
}
