import type { Service } from '#api/types/core.v1.ts';
import type { EndpointSlice } from '#api/types/discovery.v1.ts';
import type { Availability } from './api-service-conditions.ts';
import type { RemoteApi } from './remote-api.ts';

export const PASSED: Availability = { status: 'True', reason: 'Passed', message: 'all checks passed' };

/** What the API knows of a Service without asking it anything: the first thing that is missing. */
export function missingPart(
  { service: { namespace, name, port } }: RemoteApi,
  service: Service | undefined,
  slices: readonly EndpointSlice[],
): Availability | undefined {
  const subject = `service/${name} in ${JSON.stringify(namespace)}`;
  if (service === undefined) {
    return unavailable('ServiceNotFound', `${subject} is not present`);
  }
  if ((service.spec.type ?? 'ClusterIP') !== 'ClusterIP') {
    return undefined;
  }
  const declared = (service.spec.ports ?? []).find((each) => each.port === port);
  if (declared === undefined) {
    return unavailable('ServicePortError', `${subject} is not listening on port ${port}`);
  }
  if (slices.length === 0) {
    return unavailable('EndpointsNotFound', `cannot find endpointslices for ${subject}`);
  }
  const portName = declared.name ?? '';
  return slices.some((slice) => hasReadyEndpoint(slice, portName))
    ? undefined
    : unavailable(
        'MissingEndpoints',
        `endpointslices for ${subject} have no addresses with port name ${JSON.stringify(portName)}`,
      );
}

export function failedCheck(message: string): Availability {
  return unavailable('FailedDiscoveryCheck', message);
}

function unavailable(reason: string, message: string): Availability {
  return { status: 'False', reason, message };
}

function hasReadyEndpoint({ endpoints, ports }: EndpointSlice, portName: string): boolean {
  return (
    (endpoints ?? []).some(({ conditions }) => conditions?.ready !== false) &&
    (ports ?? []).some(({ name, port }) => (name ?? '') === portName && port !== undefined)
  );
}
