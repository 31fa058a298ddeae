import { isDeepStrictEqual } from 'node:util';
import { type NewObject, objectKey } from '#api/object.ts';
import { isNotFound } from '#api/status-error.ts';
import type { Node, Pod, Service } from '#api/types/core.v1.ts';
import type { Endpoint, EndpointSlice } from '#api/types/discovery.v1.ts';
import { ENDPOINT_SLICE, NODE, POD, SERVICE } from '#api/types/resources.ts';
import type { ResourceClient } from '#client/client.ts';
import type { Informer } from '#client/lister.ts';
import { isNamespaceTerminating } from '../pods/pod-writer.ts';
import type { ControllerDeps } from '../runner/controller-deps.ts';
import { controllerReference } from '../runner/controller-reference.ts';
import {
  type Controller,
  DONE,
  enqueueOnChange,
  type KeyQueue,
  type ReconcileResult,
} from '../runner/controller.ts';
import { Expectations } from '../runner/expectations.ts';
import {
  backendPods,
  enqueueServicesOfPods,
  familiesOf,
  hasSelector,
  isHeadless,
} from '../service-backends/service-backends.ts';
import { endpointGroups } from './endpoint-groups.ts';
import { type EndpointGroup, packSlices } from './slice-packing.ts';

const SERVICE_NAME = 'kubernetes.io/service-name';
const MANAGED_BY = 'endpointslice.kubernetes.io/managed-by';
const MANAGER = 'endpointslice-controller.k8s.io';
const HEADLESS = 'service.kubernetes.io/headless';
const SERVICE_INDEX = 'service';

/** Keeps the EndpointSlices of every service with a selector: what proxies and DNS send traffic to. */
export class EndpointSliceController implements Controller {
  readonly name = 'endpoint_slice';
  readonly workers = 5;
  readonly #client: ResourceClient<EndpointSlice>;
  readonly #services: Informer<Service>;
  readonly #pods: Informer<Pod>;
  readonly #nodes: Informer<Node>;
  readonly #slices: Informer<EndpointSlice>;
  readonly #expectations: Expectations;

  constructor({ client, informers, clock }: ControllerDeps) {
    this.#client = client.of(ENDPOINT_SLICE);
    this.#services = informers.of(SERVICE);
    this.#pods = informers.of(POD);
    this.#nodes = informers.of(NODE);
    this.#slices = informers.of(ENDPOINT_SLICE);
    this.#slices.addIndex(SERVICE_INDEX, (slice) => (isOurs(slice) ? serviceKeys(slice) : []));
    this.#expectations = new Expectations(clock);
  }

  connect(queue: KeyQueue): readonly Disposable[] {
    return [
      enqueueOnChange(this.#services, queue, (service) => [objectKey(service)]),
      enqueueServicesOfPods(this.#pods, this.#services, queue),
      this.#slices.addHandler({
        onAdd: (slice) => {
          for (const key of isOurs(slice) ? serviceKeys(slice) : []) {
            this.#expectations.creationObserved(key);
            queue.add(key);
          }
        },
        onUpdate: (_, slice) => this.#enqueueOwner(slice, queue),
        onDelete: (slice) => this.#enqueueOwner(slice, queue),
      }),
      this.#nodes.addHandler({
        onAdd: () => this.#enqueueAll(queue),
        onUpdate: (previous, current) => {
          if (!isDeepStrictEqual(previous.metadata.labels, current.metadata.labels)) {
            this.#enqueueAll(queue);
          }
        },
        onDelete: () => this.#enqueueAll(queue),
      }),
    ];
  }

  async reconcile(key: string, signal: AbortSignal): Promise<ReconcileResult> {
    const service = this.#services.get(key);
    if (service === undefined) {
      this.#expectations.forget(key);
      // The garbage collector removes the slices of a service that is gone.
      return DONE;
    }
    const isWanted = hasSelector(service) && service.metadata.deletionTimestamp === undefined;
    if (!isWanted || !this.#expectations.isSettled(key)) {
      return DONE;
    }
    const pods = backendPods(service, this.#pods);
    const existing = this.#slices
      .byIndex(SERVICE_INDEX, key)
      .filter(({ metadata }) => metadata.deletionTimestamp === undefined);
    const families = familiesOf(service);
    for (const family of families) {
      const addressType = family === 6 ? 'IPv6' : 'IPv4';
      const groups = endpointGroups(service, pods, family, (name) => this.#nodes.get(name));
      const slices = existing.filter((slice) => slice.addressType === addressType);
      await this.#write(service, addressType, groups, slices, signal);
    }
    const foreign = existing.filter(
      ({ addressType }) => !families.some((family) => addressType === `IPv${family}`),
    );
    for (const slice of foreign) {
      await this.#delete(slice, signal);
    }
    return DONE;
  }

  async #write(
    service: Service,
    addressType: string,
    groups: readonly EndpointGroup[],
    slices: readonly EndpointSlice[],
    signal: AbortSignal,
  ): Promise<void> {
    // A service without endpoints has one empty slice, so that consumers can tell "none" from "not known yet".
    const isEmpty = groups.length === 0;
    const placeholder = isEmpty ? slices[0] : undefined;
    const packed = packSlices(
      groups,
      slices.filter((slice) => slice !== placeholder),
    );
    const labels = sliceLabels(service);
    const create = isEmpty && placeholder === undefined ? [{ ports: [], endpoints: [] }] : packed.create;
    for (const { ports, endpoints } of create) {
      await this.#create(
        service,
        { metadata: sliceMetadata(service, labels), addressType, endpoints, ports },
        signal,
      );
    }
    for (const { slice, endpoints } of packed.update) {
      await this.#update(slice, labels, endpoints, signal);
    }
    const isUntouched = (slice: EndpointSlice): boolean => isDeepStrictEqual(slice.metadata.labels, labels);
    for (const slice of packed.keep.filter((kept) => !isUntouched(kept))) {
      await this.#update(slice, labels, slice.endpoints ?? [], signal);
    }
    if (
      placeholder !== undefined &&
      ((placeholder.endpoints ?? []).length > 0 || !isUntouched(placeholder))
    ) {
      await this.#update({ ...placeholder, ports: [] }, labels, [], signal);
    }
    for (const slice of packed.remove) {
      await this.#delete(slice, signal);
    }
  }

  async #create(service: Service, slice: NewObject<EndpointSlice>, signal: AbortSignal): Promise<void> {
    const key = objectKey(service);
    this.#expectations.expectCreations(key, 1);
    try {
      await this.#client.create(slice, {}, signal);
    } catch (error) {
      this.#expectations.creationObserved(key);
      if (!isNamespaceTerminating(error)) {
        throw error;
      }
    }
  }

  async #update(
    slice: EndpointSlice,
    labels: Readonly<Record<string, string>>,
    endpoints: readonly Endpoint[],
    signal: AbortSignal,
  ): Promise<void> {
    await this.#client.update({ ...slice, metadata: { ...slice.metadata, labels }, endpoints }, {}, signal);
  }

  async #delete({ metadata: { namespace, name } }: EndpointSlice, signal: AbortSignal): Promise<void> {
    try {
      await this.#client.delete(namespace, name, {}, signal);
    } catch (error) {
      if (!isNotFound(error)) {
        throw error;
      }
    }
  }

  #enqueueOwner(slice: EndpointSlice, queue: KeyQueue): void {
    for (const key of isOurs(slice) ? serviceKeys(slice) : []) {
      queue.add(key);
    }
  }

  #enqueueAll(queue: KeyQueue): void {
    for (const service of this.#services.list()) {
      queue.add(objectKey(service));
    }
  }
}

function isOurs({ metadata }: EndpointSlice): boolean {
  return metadata.labels?.[MANAGED_BY] === MANAGER;
}

function serviceKeys({ metadata }: EndpointSlice): readonly string[] {
  const name = metadata.labels?.[SERVICE_NAME];
  return name === undefined ? [] : [`${metadata.namespace}/${name}`];
}

function sliceLabels(service: Service): Readonly<Record<string, string>> {
  return {
    ...service.metadata.labels,
    [SERVICE_NAME]: service.metadata.name,
    [MANAGED_BY]: MANAGER,
    ...(isHeadless(service) ? { [HEADLESS]: '' } : {}),
  };
}

function sliceMetadata(
  service: Service,
  labels: Readonly<Record<string, string>>,
): NewObject<EndpointSlice>['metadata'] {
  const { namespace, name } = service.metadata;
  return { namespace, generateName: `${name}-`, labels, ownerReferences: [controllerReference(service)] };
}
