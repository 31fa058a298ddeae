import { isDeepStrictEqual } from 'node:util';
import { isIPv6 } from 'node:net';
import { objectKey } from '#api/object.ts';
import { isNotFound } from '#api/status-error.ts';
import type { EndpointAddress, Endpoints, Service } from '#api/types/core.v1.ts';
import type { Endpoint, EndpointSlice } from '#api/types/discovery.v1.ts';
import { ENDPOINT_SLICE, ENDPOINTS, SERVICE } from '#api/types/resources.ts';
import type { ResourceClient } from '#client/client.ts';
import type { Informer } from '#client/lister.ts';
import { type EndpointGroup, packSlices } from '../endpointslice/slice-packing.ts';
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
import { hasSelector } from '../service-backends/service-backends.ts';

const SERVICE_NAME = 'kubernetes.io/service-name';
const MANAGED_BY = 'endpointslice.kubernetes.io/managed-by';
const MANAGER = 'endpointslicemirroring-controller.k8s.io';
const SKIP = 'endpointslice.kubernetes.io/skip-mirror';
/** Endpoints that programs of old elect their leader with; they lead nowhere. */
const LEADER = 'control-plane.alpha.kubernetes.io/leader';
const MIRROR_INDEX = 'mirrored-service';
/** Addresses taken from one subset; the rest is left out. */
const ADDRESSES_PER_SUBSET_MAX = 1000;

/** Turns Endpoints that somebody wrote by hand, for a Service without a selector, into EndpointSlices. */
export class EndpointSliceMirroringController implements Controller {
  readonly name = 'endpoint_slice_mirroring';
  readonly workers = 5;
  readonly #client: ResourceClient<EndpointSlice>;
  readonly #endpoints: Informer<Endpoints>;
  readonly #services: Informer<Service>;
  readonly #slices: Informer<EndpointSlice>;
  readonly #expectations: Expectations;

  constructor({ client, informers, clock }: ControllerDeps) {
    this.#client = client.of(ENDPOINT_SLICE);
    this.#endpoints = informers.of(ENDPOINTS);
    this.#services = informers.of(SERVICE);
    this.#slices = informers.of(ENDPOINT_SLICE);
    this.#slices.addIndex(MIRROR_INDEX, mirrorKeys);
    this.#expectations = new Expectations(clock);
  }

  connect(queue: KeyQueue): readonly Disposable[] {
    return [
      enqueueOnChange(this.#endpoints, queue, (endpoints) => [objectKey(endpoints)]),
      enqueueOnChange(this.#services, queue, (service) => [objectKey(service)]),
      this.#slices.addHandler({
        onAdd: (slice) => mirrorKeys(slice).forEach((key) => this.#expectations.creationObserved(key)),
      }),
      enqueueOnChange(this.#slices, queue, mirrorKeys),
    ];
  }

  async reconcile(key: string, signal: AbortSignal): Promise<ReconcileResult> {
    const endpoints = this.#endpoints.get(key);
    const service = this.#services.get(key);
    const isMirrored =
      endpoints !== undefined && service !== undefined && !hasSelector(service) && wantsMirror(endpoints);
    if (!isMirrored) {
      this.#expectations.forget(key);
      await this.#deleteAll(this.#slices.byIndex(MIRROR_INDEX, key), signal);
      return DONE;
    }
    if (!this.#expectations.isSettled(key)) {
      return DONE;
    }
    const existing = this.#slices
      .byIndex(MIRROR_INDEX, key)
      .filter(({ metadata }) => metadata.deletionTimestamp === undefined);
    for (const addressType of ['IPv4', 'IPv6'] as const) {
      const slices = existing.filter((slice) => slice.addressType === addressType);
      await this.#write(endpoints, addressType, slices, signal);
    }
    return DONE;
  }

  async #write(
    endpoints: Endpoints,
    addressType: 'IPv4' | 'IPv6',
    slices: readonly EndpointSlice[],
    signal: AbortSignal,
  ): Promise<void> {
    const packed = packSlices(groupsOf(endpoints, addressType), slices);
    const labels = labelsOf(endpoints);
    const { namespace, name } = endpoints.metadata;
    for (const { ports, endpoints: members } of packed.create) {
      const ownerReferences = [controllerReference(endpoints)];
      const metadata = { namespace, generateName: `${name}-`, labels, ownerReferences };
      await this.#create(objectKey(endpoints), { metadata, addressType, endpoints: members, ports }, signal);
    }
    const relabelled = packed.keep.filter(({ metadata }) => !isDeepStrictEqual(metadata.labels, labels));
    const changed = relabelled.map((slice) => ({ slice, endpoints: slice.endpoints ?? [] }));
    for (const { slice, endpoints: members } of [...packed.update, ...changed]) {
      const next = { ...slice, metadata: { ...slice.metadata, labels }, endpoints: members };
      await this.#client.update(next, {}, signal);
    }
    await this.#deleteAll(packed.remove, signal);
  }

  async #create(
    key: string,
    slice: Parameters<ResourceClient<EndpointSlice>['create']>[0],
    signal: AbortSignal,
  ): Promise<void> {
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

  async #deleteAll(slices: readonly EndpointSlice[], signal: AbortSignal): Promise<void> {
    for (const { metadata } of slices) {
      try {
        await this.#client.delete(metadata.namespace, metadata.name, {}, signal);
      } catch (error) {
        if (!isNotFound(error)) {
          throw error;
        }
      }
    }
  }
}

function mirrorKeys({ metadata }: EndpointSlice): readonly string[] {
  const service = metadata.labels?.[SERVICE_NAME];
  return metadata.labels?.[MANAGED_BY] === MANAGER && service !== undefined
    ? [`${metadata.namespace}/${service}`]
    : [];
}

function wantsMirror({ metadata }: Endpoints): boolean {
  return metadata.labels?.[SKIP] !== 'true' && metadata.annotations?.[LEADER] === undefined;
}

function labelsOf({ metadata }: Endpoints): Readonly<Record<string, string>> {
  return { ...metadata.labels, [SERVICE_NAME]: metadata.name, [MANAGED_BY]: MANAGER };
}

function groupsOf({ subsets = [] }: Endpoints, addressType: 'IPv4' | 'IPv6'): readonly EndpointGroup[] {
  return subsets
    .map(({ addresses = [], notReadyAddresses = [], ports = [] }) => ({
      ports,
      endpoints: [
        ...addresses.map((address) => endpointOf(address, true)),
        ...notReadyAddresses.map((address) => endpointOf(address, false)),
      ]
        .filter(({ addresses: [ip = ''] }) => isIPv6(ip) === (addressType === 'IPv6'))
        .slice(0, ADDRESSES_PER_SUBSET_MAX),
    }))
    .filter(({ endpoints }) => endpoints.length > 0);
}

function endpointOf({ ip, hostname, nodeName, targetRef }: EndpointAddress, ready: boolean): Endpoint {
  return {
    addresses: [ip],
    conditions: { ready },
    ...(hostname === undefined || hostname === '' ? {} : { hostname }),
    ...(targetRef === undefined ? {} : { targetRef }),
    ...(nodeName === undefined ? {} : { nodeName }),
  };
}
