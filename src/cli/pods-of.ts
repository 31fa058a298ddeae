import { labelSelectorFromObject, labelSelectorFromSet } from '#api/label-selector.ts';
import type { Pod } from '#api/types/core.v1.ts';
import { CliError } from './cli-error.ts';
import { fetchObject, type FoundObject, listObjects, type Target } from './find-objects.ts';
import { type AnyObject, recordAt, valueAt } from './object-access.ts';
import { parseResourceArguments } from './resource-arguments.ts';
import { qualifiedName } from './resource-mapper.ts';
import type { Session } from './session.ts';

/** The object that `POD` or `TYPE/NAME` names. */
export async function fetchNamed(
  session: Session,
  text: string,
  namespace = session.namespace,
): Promise<FoundObject> {
  const slashed = text.includes('/') ? text : `pods/${text}`;
  const [named] = parseResourceArguments([slashed]);
  const resource = await session.resource(named?.type ?? '');
  const target: Target = { resource, namespace, name: named?.names[0] ?? '', source: '' };
  return fetchObject(session, target);
}

/** The text of the selector by which an object finds its pods; undefined when it has none. */
export function podSelectorOf(object: AnyObject): string | undefined {
  const selector = valueAt(object, 'spec', 'selector');
  if (selector === undefined) {
    return undefined;
  }
  const isMap = object.kind === 'Service' || object.kind === 'ReplicationController';
  // The server validated the selector.
  return isMap
    ? labelSelectorFromSet(recordAt(selector) as Readonly<Record<string, string>>).toString()
    : labelSelectorFromObject(recordAt(selector)).toString();
}

export async function podsOf(
  session: Session,
  { object, resource, namespace }: FoundObject,
): Promise<readonly Pod[]> {
  if (object.kind === 'Pod') {
    return [asPod(object)];
  }
  const labelSelector = podSelectorOf(object);
  if (labelSelector === undefined || labelSelector === '') {
    throw new CliError(
      `cannot attach to *${object.kind}: selector for ${qualifiedName(resource)} not implemented`,
    );
  }
  const pods = await listObjects(session, await session.resource('pods'), namespace, { labelSelector });
  return pods.map(({ object: pod }) => asPod(pod));
}

/** The pod to talk to: one that runs and is ready before others. */
export async function firstPod(session: Session, found: FoundObject): Promise<Pod> {
  const pods = await podsOf(session, found);
  const [pod] = pods.toSorted((left, right) => rank(left) - rank(right));
  if (pod === undefined) {
    throw new CliError(`timed out waiting for the condition`);
  }
  return pod;
}

export function asPod(object: AnyObject): Pod {
  // The resource was asked of the server by name.
  return object as unknown as Pod;
}

function rank(pod: Pod): number {
  const isReady =
    pod.status.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true;
  const phase = pod.status.phase === 'Running' ? 0 : pod.status.phase === 'Pending' ? 2 : 4;
  return phase + (isReady ? 0 : 1) + (pod.metadata.deletionTimestamp === undefined ? 0 : 8);
}

const DEFAULT_CONTAINER = 'kubectl.kubernetes.io/default-container';

/** The container to talk to when none is named; says so when there is a choice. */
export function containerOf(session: Session, pod: Pod, given: string, isQuiet = false): string {
  if (given !== '') {
    return given;
  }
  const annotated = pod.metadata.annotations?.[DEFAULT_CONTAINER];
  if (annotated !== undefined && containerNames(pod).includes(annotated)) {
    return annotated;
  }
  const [first] = pod.spec.containers;
  const others = allContainers(pod);
  if (others.length > 1 && !isQuiet) {
    session.printError(
      `Defaulted container ${JSON.stringify(first?.name ?? '')} out of: ${others.join(', ')}\n`,
    );
  }
  return first?.name ?? '';
}

export function containerNames({ spec }: Pod): readonly string[] {
  return [
    ...spec.containers.map(({ name }) => name),
    ...(spec.initContainers ?? []).map(({ name }) => name),
    ...(spec.ephemeralContainers ?? []).map(({ name }) => name),
  ];
}

function allContainers({ spec }: Pod): readonly string[] {
  return [
    ...spec.containers.map(({ name }) => name),
    ...(spec.ephemeralContainers ?? []).map(({ name }) => `${name} (ephem)`),
    ...(spec.initContainers ?? []).map(({ name }) => `${name} (init)`),
  ];
}
