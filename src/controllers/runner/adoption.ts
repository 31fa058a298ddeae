import type { ApiObject } from '#api/object.ts';
import { isInvalid, isNotFound } from '#api/status-error.ts';
import type { LabelSelector } from '#api/label-selector.ts';
import type { ResourceClient } from '#client/client.ts';
import { controllerOf, controllerReference } from './controller-reference.ts';

export interface ClaimOptions<T extends ApiObject> {
  readonly owner: ApiObject;
  readonly selector: LabelSelector;
  readonly objects: readonly T[];
  readonly client: ResourceClient<T>;
  /** Reads the owner from the server: adopting for an owner that is going or was replaced would leak the object. */
  readonly freshOwner: () => Promise<ApiObject>;
  readonly signal: AbortSignal;
}

/**
 * The objects that belong to `owner`: its own that match, and orphans that match, which it adopts; its own
 * that match no more are released. An owner that is being deleted neither adopts nor releases.
 */
export async function claimObjects<T extends ApiObject>(options: ClaimOptions<T>): Promise<readonly T[]> {
  const { owner, objects, selector } = options;
  const claimed: T[] = [];
  const mayAdopt = onceAsked(options);
  for (const object of objects) {
    const controller = controllerOf(object);
    const isMatch = selector.matches(object.metadata.labels);
    if (controller !== undefined) {
      if (controller.uid !== owner.metadata.uid) {
        continue;
      }
      if (isMatch) {
        claimed.push(object);
      } else if (owner.metadata.deletionTimestamp === undefined) {
        await release(options, object);
      }
      continue;
    }
    const isAlive =
      owner.metadata.deletionTimestamp === undefined && object.metadata.deletionTimestamp === undefined;
    if (isMatch && isAlive && (await mayAdopt()) && (await adopt(options, object))) {
      claimed.push(object);
    }
  }
  return claimed;
}

/** True for objects of `owner` that match, without adopting or releasing anything. */
export function isClaimedBy(owner: ApiObject, selector: LabelSelector): (object: ApiObject) => boolean {
  return (object) =>
    controllerOf(object)?.uid === owner.metadata.uid && selector.matches(object.metadata.labels);
}

function onceAsked<T extends ApiObject>({ owner, freshOwner }: ClaimOptions<T>): () => Promise<boolean> {
  let answer: Promise<boolean> | undefined;
  const ask = async (): Promise<boolean> => {
    const fresh = await freshOwner();
    if (fresh.metadata.uid !== owner.metadata.uid) {
      throw new Error(`${owner.kind} ${owner.metadata.name} was replaced by another of the same name`);
    }
    return fresh.metadata.deletionTimestamp === undefined;
  };
  return () => (answer ??= ask());
}

async function adopt<T extends ApiObject>(
  { owner, client, signal }: ClaimOptions<T>,
  object: T,
): Promise<boolean> {
  const patch = { metadata: { uid: object.metadata.uid, ownerReferences: [controllerReference(owner)] } };
  return await patchOwners(client, object, patch, signal);
}

async function release<T extends ApiObject>(
  { owner, client, signal }: ClaimOptions<T>,
  object: T,
): Promise<void> {
  const removed = { $patch: 'delete', uid: owner.metadata.uid };
  const patch = { metadata: { uid: object.metadata.uid, ownerReferences: [removed] } };
  await patchOwners(client, object, patch, signal);
}

/** False when the object went or was replaced in the meantime. */
async function patchOwners<T extends ApiObject>(
  client: ResourceClient<T>,
  { metadata: { namespace = '', name } }: T,
  patch: object,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    // A strategic patch of metadata has the same form for every kind.
    await client.patch(
      namespace,
      name,
      patch as Parameters<typeof client.patch>[2],
      { type: 'strategic' },
      signal,
    );
    return true;
  } catch (error) {
    // Invalid: the owner reference or the UID in the patch are no longer there, so it is somebody else's object.
    if (isNotFound(error) || isInvalid(error)) {
      return false;
    }
    throw error;
  }
}
