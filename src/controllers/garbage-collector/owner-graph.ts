import type { ApiObject } from '#api/object.ts';
import type { ResourceType } from '#api/resource-type.ts';
import type { OwnerReference } from '#api/types/meta.v1.ts';

export const FOREGROUND_FINALIZER = 'foregroundDeletion';
export const ORPHAN_FINALIZER = 'orphan';

/** An object, or an owner that somebody refers to and that was not seen yet. */
export interface GraphNode {
  readonly uid: string;
  apiVersion: string;
  kind: string;
  /** Empty for objects of the cluster. */
  namespace: string;
  name: string;
  /** Undefined until seen. */
  resource: ResourceType<ApiObject> | undefined;
  owners: readonly OwnerReference[];
  isBeingDeleted: boolean;
  /** Deleted in the foreground: waits until its dependents are gone. */
  isWaitingForDependents: boolean;
  readonly dependents: Set<GraphNode>;
}

/** Something to be looked at, because a change may call for it. */
export interface GraphTask {
  readonly kind: 'check' | 'orphan';
  readonly uid: string;
}

/**
 * Who owns whom, as far as the local copies show. Pure bookkeeping: every change returns what has to be
 * looked at, and looking (with fresh reads) and acting are the collector's part.
 *
 * A `check` asks whether the object should go (no owner left, or its turn in a foreground deletion) or, for one
 * that waits for its dependents, whether it may go now. An `orphan` asks to set the dependents free.
 */
export class OwnerGraph {
  readonly #nodes = new Map<string, GraphNode>();

  get(uid: string): GraphNode | undefined {
    return this.#nodes.get(uid);
  }

  get size(): number {
    return this.#nodes.size;
  }

  /** Takes in an object that was added or changed. */
  observe(resource: ResourceType<ApiObject>, object: ApiObject): readonly GraphTask[] {
    const { metadata, kind, apiVersion } = object;
    const tasks: GraphTask[] = [];
    const node = this.#nodes.get(metadata.uid) ?? this.#add(metadata.uid);
    const before = { owners: node.owners, isBeingDeleted: node.isBeingDeleted, namespace: node.namespace };
    const wasSeen = node.resource !== undefined;
    Object.assign(node, {
      apiVersion,
      kind,
      resource,
      namespace: metadata.namespace ?? '',
      name: metadata.name,
    });
    if (!wasSeen && before.namespace !== node.namespace) {
      // Those who took it for their owner from another namespace were wrong.
      tasks.push(...[...node.dependents].map(check));
    }
    tasks.push(...this.#relink(node, metadata.ownerReferences ?? []));
    const finalizers = metadata.finalizers ?? [];
    node.isBeingDeleted = metadata.deletionTimestamp !== undefined;
    if (node.isBeingDeleted && finalizers.includes(ORPHAN_FINALIZER)) {
      tasks.push({ kind: 'orphan', uid: node.uid });
    }
    if (node.isBeingDeleted && finalizers.includes(FOREGROUND_FINALIZER) && !node.isWaitingForDependents) {
      node.isWaitingForDependents = true;
      tasks.push(...[...node.dependents].map(check), check(node));
    }
    tasks.push(...this.#unblocked(node, before.owners));
    return tasks;
  }

  /** Takes in that an object is gone. */
  forget(uid: string): readonly GraphTask[] {
    const node = this.#nodes.get(uid);
    if (node === undefined) {
      return [];
    }
    const tasks = [...node.dependents].map(check);
    for (const owner of this.#ownersOf(node)) {
      owner.dependents.delete(node);
      if (owner.isWaitingForDependents) {
        tasks.push(check(owner));
      }
      this.#dropIfUnused(owner);
    }
    node.owners = [];
    if (node.dependents.size === 0) {
      this.#nodes.delete(uid);
    } else {
      // Kept for its dependents' sake, as an owner that is not there.
      node.resource = undefined;
      node.isWaitingForDependents = false;
    }
    return tasks;
  }

  /** Dependents whose reference says that this owner must not go before them. */
  blockingDependents(node: GraphNode): readonly GraphNode[] {
    return [...node.dependents].filter(({ owners }) =>
      owners.some(({ uid, blockOwnerDeletion }) => uid === node.uid && blockOwnerDeletion === true),
    );
  }

  #add(uid: string): GraphNode {
    const node: GraphNode = {
      uid,
      apiVersion: '',
      kind: '',
      namespace: '',
      name: '',
      resource: undefined,
      owners: [],
      isBeingDeleted: false,
      isWaitingForDependents: false,
      dependents: new Set(),
    };
    this.#nodes.set(uid, node);
    return node;
  }

  #relink(node: GraphNode, owners: readonly OwnerReference[]): readonly GraphTask[] {
    const tasks: GraphTask[] = [];
    const uidsNow = new Set(owners.map(({ uid }) => uid));
    for (const owner of this.#ownersOf(node)) {
      if (!uidsNow.has(owner.uid)) {
        owner.dependents.delete(node);
        if (owner.isWaitingForDependents) {
          tasks.push(check(owner));
        }
        this.#dropIfUnused(owner);
      }
    }
    const isChanged =
      node.owners.length !== owners.length || owners.some(({ uid }) => !this.#isLinked(node, uid));
    node.owners = owners;
    for (const reference of owners) {
      let owner = this.#nodes.get(reference.uid);
      if (owner === undefined) {
        owner = this.#add(reference.uid);
        const { apiVersion, kind, name } = reference;
        Object.assign(owner, { apiVersion, kind, name, namespace: node.namespace });
        // Only a fresh read can tell whether it exists.
        tasks.push(check(owner));
      }
      owner.dependents.add(node);
      if (
        isChanged &&
        (owner.isWaitingForDependents || owner.resource === undefined || isForeign(node, owner))
      ) {
        tasks.push(check(node));
      }
    }
    return tasks;
  }

  /** Owners that wait for dependents, when this one stops blocking them. */
  #unblocked(node: GraphNode, before: readonly OwnerReference[]): readonly GraphTask[] {
    return before
      .filter(({ blockOwnerDeletion }) => blockOwnerDeletion === true)
      .filter(({ uid }) => node.owners.some((now) => now.uid === uid && now.blockOwnerDeletion !== true))
      .flatMap(({ uid }) => this.#nodes.get(uid) ?? [])
      .filter((owner) => owner.isWaitingForDependents)
      .map(check);
  }

  #ownersOf(node: GraphNode): readonly GraphNode[] {
    return node.owners.flatMap(({ uid }) => this.#nodes.get(uid) ?? []);
  }

  #isLinked(node: GraphNode, ownerUid: string): boolean {
    return this.#nodes.get(ownerUid)?.dependents.has(node) === true;
  }

  #dropIfUnused(owner: GraphNode): void {
    if (owner.resource === undefined && owner.dependents.size === 0) {
      this.#nodes.delete(owner.uid);
    }
  }
}

/** An owner lives in the namespace of its dependent, or in none. */
export function isForeign(dependent: GraphNode, owner: GraphNode): boolean {
  return owner.namespace !== '' && owner.namespace !== dependent.namespace;
}

function check({ uid }: GraphNode): GraphTask {
  return { kind: 'check', uid };
}
