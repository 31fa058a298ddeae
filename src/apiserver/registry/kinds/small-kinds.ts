import type { ResourceInfo } from '#api/resource-table.ts';
import type { ServiceAccount } from '#api/types/core.v1.ts';
import type { EndpointSlice } from '#api/types/discovery.v1.ts';
import type { DeviceTaint, ResourceClaim, ResourceSlice } from '#api/types/resource.v1.ts';
import type { Clock } from '#base/clock.ts';
import { jsonEqual } from '#base/json-equal.ts';
import { defaultStrategy, withStatus } from '../default-strategy.ts';
import { timestamp, withMetadata } from '../metadata.ts';
import type { DraftObject, Strategy } from '../strategy.ts';
import { selectableFieldsOf } from './selectable-fields.ts';
import { nextGeneration } from './workloads.ts';

/** Kinds that differ from the rule in one thing each. */

/** A service account names its secrets, and says no more about them. */
export function serviceAccountStrategy(info: ResourceInfo): Strategy {
  return {
    ...defaultStrategy(info),
    selectableFields: selectableFieldsOf('serviceaccounts'),
    prepareCreate: withBareSecrets,
    prepareUpdate: withBareSecrets,
  };
}

function withBareSecrets(object: DraftObject): DraftObject {
  // The storage of service accounts holds nothing else.
  const { secrets } = object as unknown as ServiceAccount;
  return secrets === undefined || secrets.every((secret) => Object.keys(secret).join('') === 'name')
    ? object
    : { ...object, secrets: secrets.map(({ name }) => (name === undefined ? {} : { name })) };
}

/** Labels say which service a slice belongs to, so a change of them is one of the desired state. */
export function endpointSliceStrategy(info: ResourceInfo): Strategy {
  return {
    ...defaultStrategy(info),
    selectableFields: selectableFieldsOf('endpointslices.discovery.k8s.io'),
    prepareCreate: withoutTopology,
    prepareUpdate: (next, current) => {
      const prepared = withoutTopology(next);
      const isMoved = !jsonEqual(next.metadata.labels ?? {}, current.metadata.labels ?? {});
      // A changed slice counts by itself.
      return isMoved && jsonEqual(bodyOf(prepared), bodyOf(current))
        ? nextGeneration(prepared, current)
        : prepared;
    },
  };
}

function bodyOf({ metadata: _metadata, ...body }: DraftObject): object {
  return body;
}

/** This version reads where an endpoint is from its own fields. */
function withoutTopology(object: DraftObject): DraftObject {
  // The storage of slices holds nothing else.
  const { endpoints } = object as unknown as EndpointSlice;
  return (endpoints ?? []).every(({ deprecatedTopology }) => deprecatedTopology === undefined)
    ? object
    : {
        ...object,
        endpoints: (endpoints ?? []).map(({ deprecatedTopology: _dropped, ...endpoint }) => endpoint),
      };
}

/** The first state of a class is the only one that is counted: what matters about it never changes. */
export function priorityClassStrategy(info: ResourceInfo): Strategy {
  return {
    ...defaultStrategy(info),
    selectableFields: selectableFieldsOf('priorityclasses.scheduling.k8s.io'),
    prepareCreate: (object) => withMetadata(object, { ...object.metadata, generation: 1 }),
  };
}

/** Taints of devices say since when they are there. */
export function resourceSliceStrategy(info: ResourceInfo, clock: Clock): Strategy {
  return {
    ...defaultStrategy(info),
    selectableFields: selectableFieldsOf('resourceslices.resource.k8s.io'),
    prepareCreate: (object) => withTaintTimes(object, clock),
    prepareUpdate: (next) => withTaintTimes(next, clock),
  };
}

function withTaintTimes(object: DraftObject, clock: Clock): DraftObject {
  // The storage of slices holds nothing else.
  const { spec } = object as unknown as ResourceSlice;
  const { devices } = spec;
  if (devices?.some(({ taints }) => taints?.some(({ timeAdded }) => timeAdded === undefined)) !== true) {
    return object;
  }
  const timed = (taint: DeviceTaint): DeviceTaint => ({ timeAdded: timestamp(clock), ...taint });
  const stamped = devices.map((device) =>
    device.taints === undefined ? device : { ...device, taints: device.taints.map(timed) },
  );
  return { ...object, spec: { ...spec, devices: stamped } };
}

/** What drivers report of a device goes with the device. */
export function resourceClaimStrategy(info: ResourceInfo): Strategy {
  const base = defaultStrategy(info);
  return {
    ...base,
    selectableFields: selectableFieldsOf('resourceclaims.resource.k8s.io'),
    prepareUpdate: async (next, current, subresource, context) => {
      const prepared = await base.prepareUpdate(next, current, subresource, context);
      return subresource === 'status' ? withoutLostDevices(prepared, current) : prepared;
    },
  };
}

function withoutLostDevices(next: DraftObject, current: DraftObject): DraftObject {
  const { status } = asClaim(next);
  if (status.devices === undefined) {
    return next;
  }
  const held = new Set(deviceIds(status.allocation));
  const lost = new Set(deviceIds(asClaim(current).status.allocation).filter((id) => !held.has(id)));
  const { devices, ...rest } = status;
  const kept = devices.filter((device) => !lost.has(idOf(device)));
  return withStatus(next, kept.length === 0 ? rest : { ...rest, devices: kept });
}

interface DeviceId {
  readonly driver: string;
  readonly pool: string;
  readonly device: string;
}

function deviceIds(allocation: ResourceClaim['status']['allocation']): readonly string[] {
  return (allocation?.devices.results ?? []).map(idOf);
}

function idOf({ driver, pool, device }: DeviceId): string {
  return `${driver}/${pool}/${device}`;
}

function asClaim(object: DraftObject): ResourceClaim {
  // The storage of claims holds nothing else.
  return object as unknown as ResourceClaim;
}
