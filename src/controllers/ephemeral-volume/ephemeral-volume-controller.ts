import { objectKey, type NewObject } from '#api/object.ts';
import { isAlreadyExists } from '#api/status-error.ts';
import type { PersistentVolumeClaim, Pod, Volume } from '#api/types/core.v1.ts';
import { PERSISTENT_VOLUME_CLAIM, POD } from '#api/types/resources.ts';
import type { Informer } from '#client/lister.ts';
import type { ControllerDeps } from '../runner/controller-deps.ts';
import {
  type Controller,
  DONE,
  enqueueOnChange,
  type KeyQueue,
  type ReconcileResult,
} from '../runner/controller.ts';

/** Makes the claims of generic ephemeral volumes; they belong to their pod and go with it. */
export class EphemeralVolumeController implements Controller {
  readonly name = 'ephemeral_volume';
  readonly workers = 5;
  readonly #deps: ControllerDeps;
  readonly #pods: Informer<Pod>;
  readonly #claims: Informer<PersistentVolumeClaim>;

  constructor(deps: ControllerDeps) {
    this.#deps = deps;
    this.#pods = deps.informers.of(POD);
    this.#claims = deps.informers.of(PERSISTENT_VOLUME_CLAIM);
  }

  connect(queue: KeyQueue): readonly Disposable[] {
    return [
      enqueueOnChange(this.#pods, queue, (pod) => (hasEphemeral(pod) ? [objectKey(pod)] : [])),
      // A claim that was deleted under a pod is made again.
      enqueueOnChange(this.#claims, queue, ({ metadata }) =>
        (metadata.ownerReferences ?? [])
          .filter(({ kind, controller }) => kind === 'Pod' && controller === true)
          .map(({ name }) => `${metadata.namespace}/${name}`),
      ),
    ];
  }

  async reconcile(key: string, signal: AbortSignal): Promise<ReconcileResult> {
    const pod = this.#pods.get(key);
    if (pod === undefined || pod.metadata.deletionTimestamp !== undefined) {
      return DONE;
    }
    for (const volume of pod.spec.volumes ?? []) {
      const claim = claimOf(pod, volume);
      if (claim !== undefined) {
        await this.#ensure(pod, claim, signal);
      }
    }
    return DONE;
  }

  async #ensure(pod: Pod, claim: NewObject<PersistentVolumeClaim>, signal: AbortSignal): Promise<void> {
    const { namespace } = pod.metadata;
    const { name } = claim.metadata;
    const existing = this.#claims.get(`${namespace}/${name}`);
    if (existing === undefined) {
      try {
        await this.#deps.client.of(PERSISTENT_VOLUME_CLAIM).create(claim, {}, signal);
      } catch (error) {
        if (!isAlreadyExists(error)) {
          throw error;
        }
      }
      return;
    }
    if (!(existing.metadata.ownerReferences ?? []).some(({ uid }) => uid === pod.metadata.uid)) {
      throw new Error(
        `PVC ${namespace}/${name} was not created for pod ${namespace}/${pod.metadata.name} (pod is not owner)`,
      );
    }
  }
}

function hasEphemeral({ spec }: Pod): boolean {
  return (spec.volumes ?? []).some(({ ephemeral }) => ephemeral !== undefined);
}

function claimOf(
  { metadata }: Pod,
  { name, ephemeral }: Volume,
): NewObject<PersistentVolumeClaim> | undefined {
  const template = ephemeral?.volumeClaimTemplate;
  if (template === undefined) {
    return undefined;
  }
  const { labels, annotations } = template.metadata;
  return {
    metadata: {
      namespace: metadata.namespace,
      name: `${metadata.name}-${name}`,
      ...(labels === undefined ? {} : { labels }),
      ...(annotations === undefined ? {} : { annotations }),
      ownerReferences: [
        {
          apiVersion: 'v1',
          kind: 'Pod',
          name: metadata.name,
          uid: metadata.uid,
          controller: true,
          blockOwnerDeletion: true,
        },
      ],
    },
    spec: template.spec,
  };
}
