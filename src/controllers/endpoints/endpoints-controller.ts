import { isDeepStrictEqual } from 'node:util';
import { type NewObject, objectKey, parseObjectKey } from '#api/object.ts';
import { isNotFound } from '#api/status-error.ts';
import type { Endpoints, Pod, Service } from '#api/types/core.v1.ts';
import { ENDPOINTS, POD, SERVICE } from '#api/types/resources.ts';
import type { Client } from '#client/client.ts';
import type { Informer } from '#client/lister.ts';
import { isNamespaceTerminating } from '../pods/pod-writer.ts';
import type { ControllerDeps } from '../runner/controller-deps.ts';
import {
  type Controller,
  DONE,
  enqueueOnChange,
  type KeyQueue,
  type ReconcileResult,
} from '../runner/controller.ts';
import {
  backendPods,
  enqueueServicesOfPods,
  hasSelector,
  isHeadless,
} from '../service-backends/service-backends.ts';
import { ADDRESSES_MAX, endpointSubsets } from './endpoints-plan.ts';

const HEADLESS = 'service.kubernetes.io/headless';
const MANAGED_BY = 'endpoints.kubernetes.io/managed-by';
const OVER_CAPACITY = 'endpoints.kubernetes.io/over-capacity';

/** Keeps the Endpoints object of every service with a selector; for clients that do not read EndpointSlices. */
export class EndpointsController implements Controller {
  readonly name = 'endpoint';
  readonly workers = 5;
  readonly #client: Client;
  readonly #services: Informer<Service>;
  readonly #pods: Informer<Pod>;
  readonly #endpoints: Informer<Endpoints>;

  constructor({ client, informers }: ControllerDeps) {
    this.#client = client;
    this.#services = informers.of(SERVICE);
    this.#pods = informers.of(POD);
    this.#endpoints = informers.of(ENDPOINTS);
  }

  connect(queue: KeyQueue): readonly Disposable[] {
    return [
      enqueueOnChange(this.#services, queue, (service) => [objectKey(service)]),
      enqueueServicesOfPods(this.#pods, this.#services, queue),
      this.#endpoints.addHandler({ onDelete: (endpoints) => queue.add(objectKey(endpoints)) }),
    ];
  }

  async reconcile(key: string, signal: AbortSignal): Promise<ReconcileResult> {
    const service = this.#services.get(key);
    const current = this.#endpoints.get(key);
    if (service === undefined) {
      if (current !== undefined) {
        await this.#delete(key, signal);
      }
      return DONE;
    }
    if (!hasSelector(service) || service.metadata.deletionTimestamp !== undefined) {
      return DONE;
    }
    const wanted = this.#wanted(service);
    if (current === undefined) {
      await this.#create(wanted, signal);
    } else if (!isSame(current, wanted)) {
      await this.#client.of(ENDPOINTS).update(merged(current, wanted), {}, signal);
    }
    return DONE;
  }

  #wanted(service: Service): NewObject<Endpoints> & Pick<Endpoints, 'subsets'> {
    const pods = backendPods(service, this.#pods);
    const subsets = endpointSubsets(service, pods);
    const { namespace, name, labels } = service.metadata;
    return {
      metadata: {
        namespace,
        name,
        labels: {
          ...labels,
          [MANAGED_BY]: 'endpoint-controller',
          ...(isHeadless(service) ? { [HEADLESS]: '' } : {}),
        },
        ...(pods.length > ADDRESSES_MAX ? { annotations: { [OVER_CAPACITY]: 'truncated' } } : {}),
      },
      ...(subsets.length === 0 ? {} : { subsets }),
    };
  }

  async #create(wanted: NewObject<Endpoints>, signal: AbortSignal): Promise<void> {
    try {
      await this.#client.of(ENDPOINTS).create(wanted, {}, signal);
    } catch (error) {
      if (!isNamespaceTerminating(error)) {
        throw error;
      }
    }
  }

  async #delete(key: string, signal: AbortSignal): Promise<void> {
    const { namespace, name } = parseObjectKey(key);
    try {
      await this.#client.of(ENDPOINTS).delete(namespace, name, {}, signal);
    } catch (error) {
      if (!isNotFound(error)) {
        throw error;
      }
    }
  }
}

function isSame(current: Endpoints, wanted: NewObject<Endpoints>): boolean {
  const { labels = {}, annotations = {} }: Partial<Endpoints['metadata']> = wanted.metadata;
  return (
    isDeepStrictEqual(current.subsets ?? [], wanted.subsets ?? []) &&
    isDeepStrictEqual(current.metadata.labels ?? {}, labels) &&
    current.metadata.annotations?.[OVER_CAPACITY] === annotations[OVER_CAPACITY]
  );
}

function merged(
  current: Endpoints,
  { metadata, subsets }: NewObject<Endpoints> & Pick<Endpoints, 'subsets'>,
): Endpoints {
  const { labels, annotations }: Partial<Endpoints['metadata']> = metadata;
  const { [OVER_CAPACITY]: _, ...kept } = current.metadata.annotations ?? {};
  return {
    ...current,
    metadata: {
      ...current.metadata,
      ...(labels === undefined ? {} : { labels }),
      annotations: { ...kept, ...annotations },
    },
    ...(subsets === undefined ? { subsets: [] } : { subsets }),
  };
}
