import { quantityToMillis, quantityToNumber } from '#api/quantity.ts';
import type { ObjectFieldSelector, Pod, ResourceFieldSelector } from '#api/types/core.v1.ts';
import { containerNamed } from '../pod/pod-containers.ts';
import { ConfigError } from './config-error.ts';

/** What of the downward API is not in the pod object itself. */
export interface FieldContext {
  readonly nodeName: string;
  readonly hostIps: readonly string[];
  readonly podIps: readonly string[];
  /** Of the node; stands in for a limit that a container does not have. */
  readonly allocatable: Readonly<Record<string, string>>;
}

/** @throws {ConfigError} for a path that the downward API does not offer */
export function fieldValue(pod: Pod, { fieldPath }: ObjectFieldSelector, context: FieldContext): string {
  const { metadata, spec } = pod;
  const subscript = /^metadata\.(labels|annotations)\['([^']+)'\]$/.exec(fieldPath);
  if (subscript !== null) {
    const [, map, key = ''] = subscript;
    return (map === 'labels' ? metadata.labels : metadata.annotations)?.[key] ?? '';
  }
  switch (fieldPath) {
    case 'metadata.name':
      return metadata.name;
    case 'metadata.namespace':
      return metadata.namespace;
    case 'metadata.uid':
      return metadata.uid;
    case 'metadata.labels':
      return mapText(metadata.labels);
    case 'metadata.annotations':
      return mapText(metadata.annotations);
    case 'spec.nodeName':
      return context.nodeName;
    case 'spec.serviceAccountName':
      return spec.serviceAccountName ?? '';
    case 'status.hostIP':
      return context.hostIps[0] ?? '';
    case 'status.hostIPs':
      return context.hostIps.join(',');
    case 'status.podIP':
      return context.podIps[0] ?? '';
    case 'status.podIPs':
      return context.podIps.join(',');
    default:
      throw new ConfigError('CreateContainerConfigError', `unsupported fieldPath: ${fieldPath}`);
  }
}

/** One `key="value"` line each, sorted, as files of the downward API have them. */
function mapText(map: Readonly<Record<string, string>> | undefined): string {
  return Object.entries(map ?? {})
    .toSorted(([left], [right]) => (left < right ? -1 : 1))
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
    .join('\n');
}

/**
 * A container's own request or limit in whole multiples of the divisor, rounded up.
 *
 * @param ownName the container that asks, unless the selector names another
 * @throws {ConfigError}
 */
export function resourceValue(
  pod: Pod,
  ownName: string,
  { containerName, resource, divisor }: ResourceFieldSelector,
  context: FieldContext,
): string {
  const name = containerName === undefined || containerName === '' ? ownName : containerName;
  const container = containerNamed(pod, name);
  const match = /^(limits|requests)\.(.+)$/.exec(resource);
  if (container === undefined || match === null) {
    const problem =
      container === undefined
        ? `container ${name} not found`
        : `unsupported container resource : ${resource}`;
    throw new ConfigError('CreateContainerConfigError', problem);
  }
  const [, list, what = ''] = match;
  const { limits, requests } = container.resources;
  const isStandIn = ['cpu', 'memory', 'ephemeral-storage'].includes(what);
  const own = list === 'limits' ? limits?.[what] : requests?.[what];
  const standIn = list === 'limits' && isStandIn ? context.allocatable[what] : undefined;
  const quantity = own ?? standIn ?? '0';
  if (what === 'cpu') {
    return String(Math.ceil(quantityToMillis(quantity) / cpuDivisor(divisor)));
  }
  const unit = divisor === undefined || divisor === '0' ? 1 : quantityToNumber(divisor);
  return String(Math.ceil(quantityToNumber(quantity) / unit));
}

function cpuDivisor(divisor: string | undefined): number {
  return divisor === undefined || divisor === '0' ? 1000 : quantityToMillis(divisor);
}
