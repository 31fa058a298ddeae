import type { ApiObject, NewObject } from '#api/object.ts';
import { dnsSubdomainProblems } from '#api/names.ts';
import { isNotFound, StatusError } from '#api/status-error.ts';
import type { Pod, PodTemplateSpec } from '#api/types/core.v1.ts';
import { POD } from '#api/types/resources.ts';
import { describeError } from '#base/log.ts';
import type { Client, ResourceClient } from '#client/client.ts';
import type { EventRecorder } from '#client/event-recorder.ts';
import { controllerReference } from '../runner/controller-reference.ts';

/** A pod made from a template and managed by `owner`. Its name is generated from the owner's unless given. */
export function podFromTemplate(owner: ApiObject, template: PodTemplateSpec, name?: string): NewObject<Pod> {
  const { labels, annotations, finalizers } = template.metadata;
  return {
    metadata: {
      namespace: owner.metadata.namespace ?? '',
      ...(name === undefined ? { generateName: generateNameOf(owner.metadata.name) } : { name }),
      ...(labels === undefined ? {} : { labels }),
      ...(annotations === undefined ? {} : { annotations }),
      ...(finalizers === undefined ? {} : { finalizers }),
      ownerReferences: [controllerReference(owner)],
    },
    spec: template.spec,
  };
}

/** Creates and deletes the pods of other objects, and says so with events on the owner. */
export class PodWriter {
  readonly #pods: ResourceClient<Pod>;
  readonly #events: EventRecorder;

  constructor(client: Client, events: EventRecorder) {
    this.#pods = client.of(POD);
    this.#events = events;
  }

  /** @throws what the client throws, after an event says so; nothing is said about a namespace that is going */
  async create(owner: ApiObject, pod: NewObject<Pod>, signal: AbortSignal): Promise<Pod> {
    try {
      const created = await this.#pods.create(pod, {}, signal);
      this.#events.event(owner, 'Normal', 'SuccessfulCreate', `Created pod: ${created.metadata.name}`);
      return created;
    } catch (error) {
      if (!isNamespaceTerminating(error) && !signal.aborted) {
        this.#events.event(owner, 'Warning', 'FailedCreate', `Error creating: ${describeError(error)}`);
      }
      throw error;
    }
  }

  /** Starts the pod's deletion. One that is gone already counts as deleted, and false is returned. */
  async delete(owner: ApiObject, pod: Pod, signal: AbortSignal): Promise<boolean> {
    const { namespace, name, uid } = pod.metadata;
    try {
      await this.#pods.delete(namespace, name, { preconditions: { uid } }, signal);
      this.#events.event(owner, 'Normal', 'SuccessfulDelete', `Deleted pod: ${name}`);
      return true;
    } catch (error) {
      if (isNotFound(error)) {
        return false;
      }
      if (!signal.aborted) {
        this.#events.event(owner, 'Warning', 'FailedDelete', `Error deleting: ${describeError(error)}`);
      }
      throw error;
    }
  }
}

/** The refusal of a create because the namespace is being emptied. */
export function isNamespaceTerminating(error: unknown): boolean {
  return (
    error instanceof StatusError &&
    error.details?.causes?.some(({ reason }) => reason === 'NamespaceTerminating') === true
  );
}

/** A name that cannot stand in front of a suffix is used as it is. */
function generateNameOf(ownerName: string): string {
  const prefix = `${ownerName}-`;
  return dnsSubdomainProblems(`${prefix}x`).length === 0 ? prefix : ownerName;
}
