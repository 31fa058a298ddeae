import type { ApiObject } from '#api/object.ts';
import { objectKey } from '#api/object.ts';
import { isExpired } from '#api/status-error.ts';
import type { ResourceType } from '#api/resource-type.ts';
import { DEPLOYMENT, ENDPOINT_SLICE, NAMESPACE, POD, REPLICA_SET } from '#api/types/resources.ts';
import { TaskGroup } from '#base/task-group.ts';
import { ConnectionError } from '#client/transport.ts';
import type { TestCluster } from '#testing/testing.ts';

const MIRRORED: readonly ResourceType<ApiObject>[] = [
  POD,
  DEPLOYMENT,
  REPLICA_SET,
  NAMESPACE,
  ENDPOINT_SLICE,
];

/** Copies of some resources kept by watches alone, to be compared with lists in the end. */
export class Mirror implements AsyncDisposable {
  readonly #cluster: TestCluster;
  readonly #copies = new Map<ResourceType<ApiObject>, Map<string, ApiObject>>();
  readonly #failures: string[] = [];
  readonly #tasks = new TaskGroup((name, error) => this.#failures.push(`${name}: ${String(error)}`));

  constructor(cluster: TestCluster) {
    this.#cluster = cluster;
    for (const resource of MIRRORED) {
      const copy = new Map<string, ApiObject>();
      this.#copies.set(resource, copy);
      this.#tasks.spawn(`watch of ${resource.resource}`, (signal) => this.#follow(resource, copy, signal));
    }
  }

  /** Where the copies are not what a list shows. */
  async differences(): Promise<readonly string[]> {
    const found = [...this.#failures];
    for (const [resource, copy] of this.#copies) {
      const listed = new Map(
        (await this.#cluster.list(resource)).map((object) => [
          objectKey(object),
          object.metadata.resourceVersion,
        ]),
      );
      for (const key of new Set([...listed.keys(), ...copy.keys()])) {
        const seen = copy.get(key)?.metadata.resourceVersion;
        if (seen !== listed.get(key)) {
          found.push(
            `${resource.resource} ${key}: watched ${seen ?? 'nothing'}, listed ${listed.get(key) ?? 'nothing'}`,
          );
        }
      }
    }
    return found;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#tasks.close();
  }

  async #follow(
    resource: ResourceType<ApiObject>,
    copy: Map<string, ApiObject>,
    signal: AbortSignal,
  ): Promise<void> {
    const client = this.#cluster.client.of(resource);
    let resourceVersion: string | undefined;
    while (!signal.aborted) {
      try {
        if (resourceVersion === undefined) {
          const list = await client.list('', {}, signal);
          copy.clear();
          list.items.forEach((object) => copy.set(objectKey(object), object));
          resourceVersion = list.metadata.resourceVersion ?? '';
        }
        const query = { resourceVersion, allowWatchBookmarks: 'true' };
        for await (const { type, object } of client.watch('', query, signal)) {
          if (type === 'DELETED') {
            copy.delete(objectKey(object));
          } else if (type !== 'BOOKMARK') {
            copy.set(objectKey(object), object);
          }
          resourceVersion = object.metadata.resourceVersion;
        }
      } catch (error) {
        if (isExpired(error)) {
          resourceVersion = undefined;
        } else if (!(error instanceof ConnectionError)) {
          throw error;
        }
      }
    }
  }
}
