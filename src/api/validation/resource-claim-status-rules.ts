import { isIPv4, isIPv6 } from 'node:net';
import { jsonEqual } from '#base/json-equal.ts';
import { dnsLabelProblems } from '../names.ts';
import type {
  AllocatedDeviceStatus,
  AllocationResult,
  NetworkDeviceData,
  ResourceClaim,
} from '../types/resource.v1.ts';
import { checkNodeSelector } from './affinity-rules.ts';
import { checkConditions } from './condition-rules.ts';
import * as device from './device-rules.ts';
import type { Problems } from './problems.ts';
import { checkRequestRef, checkRequestRefs, requestNames } from './request-ref-rules.ts';
import { checkCsiDriverName } from './volume-source-rules.ts';

const RESERVED_MAX = 256;
const RESULTS_MAX = 32;
const CONDITIONS_MAX = 8;
const INTERFACE_NAME_MAX = 256;
const HARDWARE_ADDRESS_MAX = 128;
const IPS_MAX = 16;
const UID_FORM = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** Who uses a claim and what it got. What it got stays as it is until it is given back. */
export function checkClaimStatus(problems: Problems, next: ResourceClaim, previous: ResourceClaim): void {
  const { reservedFor = [], allocation, devices } = next.status;
  const path = 'status.reservedFor';
  device.checkItems(problems, path, reservedFor, RESERVED_MAX, ({ resource, name, uid }, at) => {
    problems.requiredText(`${at}.resource`, resource);
    problems.requiredText(`${at}.name`, name);
    problems.requiredText(`${at}.uid`, uid);
  });
  device.checkUnique(problems, path, reservedFor, { max: RESERVED_MAX, keyOf: ({ uid }) => uid });
  const allocated = new Set((allocation?.devices.results ?? []).map(deviceId));
  device.checkItems(problems, 'status.devices', devices, Infinity, (each, at) =>
    checkDeviceStatus(problems, at, each, allocated),
  );
  device.checkUnique(problems, 'status.devices', devices, { max: Infinity, keyOf: deviceId });
  if (reservedFor.length > 0) {
    const before = previous.status.reservedFor ?? [];
    const isNew = (user: object): boolean => !before.some((old) => jsonEqual(old, user));
    if (allocation === undefined) {
      problems.forbidden(path, 'may not be specified when `allocated` is not set');
    } else if (next.metadata.deletionTimestamp !== undefined && reservedFor.some(isNew)) {
      problems.forbidden(
        path,
        'new entries may not be added while `deallocationRequested` or `deletionTimestamp` are set',
      );
    }
  }
  if (allocation !== undefined) {
    if (previous.status.allocation === undefined) {
      checkAllocation(problems, 'status.allocation', allocation, requestNames(next.spec.devices.requests));
    } else {
      problems.immutable('status.allocation', allocation, previous.status.allocation);
    }
  }
}

interface DeviceId {
  readonly driver: string;
  readonly pool: string;
  readonly device: string;
  readonly shareID?: string;
}

function deviceId({ driver, pool, device: name, shareID }: DeviceId): string {
  return [driver, pool, name, ...(shareID === undefined ? [] : [shareID])].join('/');
}

function checkDeviceStatus(
  problems: Problems,
  path: string,
  status: AllocatedDeviceStatus,
  allocated: ReadonlySet<string>,
): void {
  checkDeviceId(problems, path, status);
  if (!allocated.has(deviceId(status))) {
    problems.invalid(path, deviceId(status), 'must be an allocated device in the claim');
  }
  const conditions = status.conditions ?? [];
  if (conditions.length > CONDITIONS_MAX) {
    problems.tooMany(`${path}.conditions`, conditions.length, CONDITIONS_MAX);
  }
  checkConditions(problems, `${path}.conditions`, conditions);
  if (status.data !== undefined) {
    device.checkRaw(problems, `${path}.data`, status.data, false);
  }
  checkNetwork(problems, `${path}.networkData`, status.networkData ?? {});
}

function checkDeviceId(problems: Problems, path: string, id: DeviceId): void {
  checkCsiDriverName(problems, `${path}.driver`, id.driver);
  device.checkPoolName(problems, `${path}.pool`, id.pool);
  problems.names(`${path}.device`, id.device, dnsLabelProblems(id.device));
  if (id.shareID !== undefined) {
    checkUid(problems, `${path}.shareID`, id.shareID);
  }
}

function checkUid(problems: Problems, path: string, uid: string): void {
  if (UID_FORM.test(uid)) {
    return;
  }
  problems.invalid(
    path,
    uid,
    UID_FORM.test(uid.toLowerCase())
      ? 'uid must be in RFC 4122 normalized form, `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx` with lowercase hexadecimal characters'
      : `error validating uid: invalid UUID length: ${uid.length}`,
  );
}

function checkNetwork(problems: Problems, path: string, network: NetworkDeviceData): void {
  const { interfaceName = '', hardwareAddress = '', ips } = network;
  if (interfaceName.length > INTERFACE_NAME_MAX) {
    problems.tooLong(`${path}.interfaceName`, INTERFACE_NAME_MAX);
  }
  if (hardwareAddress.length > HARDWARE_ADDRESS_MAX) {
    problems.tooLong(`${path}.hardwareAddress`, HARDWARE_ADDRESS_MAX);
  }
  device.checkItems(problems, `${path}.ips`, ips, IPS_MAX, (address, at) => {
    const [ip = '', prefix = '', ...more] = address.split('/');
    const bits = isIPv4(ip) ? 32 : isIPv6(ip) ? 128 : -1;
    if (more.length > 0 || !/^\d+$/.test(prefix) || Number(prefix) > bits) {
      problems.invalid(
        at,
        address,
        'must be a valid address in CIDR form, (e.g. 10.9.8.7/24 or 2001:db8::1/64)',
      );
    }
  });
  device.checkUnique(problems, `${path}.ips`, ips, { max: IPS_MAX, keyOf: (address) => address });
}

function checkAllocation(
  problems: Problems,
  path: string,
  { devices, nodeSelector }: AllocationResult,
  names: ReadonlySet<string>,
): void {
  device.checkItems(problems, `${path}.devices.results`, devices.results, RESULTS_MAX, (result, at) => {
    const { shareID, ...id } = result;
    checkRequestRef(problems, `${at}.request`, result.request, names);
    checkDeviceId(problems, at, id);
    device.checkBindings(problems, at, result);
    device.checkDeviceTolerations(problems, `${at}.tolerations`, result.tolerations);
    if (shareID !== undefined) {
      checkUid(problems, `${at}.shareID`, shareID);
    }
  });
  const configPath = `${path}.devices.config`;
  device.checkItems(problems, configPath, devices.config, 2 * device.CONFIGS_MAX, (config, at) => {
    problems.requiredOneOf(`${at}.source`, config.source, ['FromClaim', 'FromClass']);
    checkRequestRefs(problems, `${at}.requests`, config.requests, names);
    device.checkConfiguration(problems, at, config, false);
  });
  if (nodeSelector !== undefined) {
    checkNodeSelector(problems, `${path}.nodeSelector`, nodeSelector);
  }
}
