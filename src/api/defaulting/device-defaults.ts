import type {
  DeviceSubRequest,
  DeviceToleration,
  ExactDeviceRequest,
  ResourceClaim,
  ResourceClaimSpec,
  ResourceClaimTemplate,
} from '../types/resource.v1.ts';
import { change, fill, mapItems, whenSet } from './fill.ts';

export function defaultResourceClaim(claim: ResourceClaim): ResourceClaim {
  return change(claim, { spec: defaultSpec(claim.spec) });
}

export function defaultResourceClaimTemplate(template: ResourceClaimTemplate): ResourceClaimTemplate {
  return change(template, { spec: change(template.spec, { spec: defaultSpec(template.spec.spec) }) });
}

function defaultSpec(spec: ResourceClaimSpec): ResourceClaimSpec {
  const { devices } = spec;
  return change(spec, {
    devices: change(devices, {
      requests: mapItems(devices.requests, (request) =>
        change(request, {
          exactly: whenSet(request.exactly, defaultRequest),
          firstAvailable: mapItems(request.firstAvailable, defaultRequest),
        }),
      ),
    }),
  });
}

/** One device of a class, unless it is said otherwise. */
function defaultRequest<T extends ExactDeviceRequest | DeviceSubRequest>(request: T): T {
  const counted = fill<ExactDeviceRequest>(request, { allocationMode: 'ExactCount' });
  const isCounted = counted.allocationMode === 'ExactCount';
  return change(isCounted ? fill(counted, { count: 1 }) : counted, {
    tolerations: mapItems(request.tolerations, defaultToleration),
  }) as T;
}

function defaultToleration(toleration: DeviceToleration): DeviceToleration {
  return fill(toleration, { operator: 'Equal' });
}
