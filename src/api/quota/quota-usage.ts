import type { ApiObject } from '../object.ts';
import { qualifiedResource } from '../status-error.ts';
import type { PersistentVolumeClaim, Pod, Service } from '../types/core.v1.ts';
import { podResources } from './pod-resources.ts';
import { addResources, maxResources, type ResourceList } from './resource-list.ts';

type Resource = { readonly group: string; readonly resource: string };

/** Core resources that were counted under their own name before everything could be counted as `count/…`. */
const COUNTED_BY_NAME: ReadonlySet<string> = new Set([
  'configmaps',
  'persistentvolumeclaims',
  'replicationcontrollers',
  'resourcequotas',
  'secrets',
  'services',
]);

const CLASS_SUFFIX = '.storageclass.storage.k8s.io/';

/**
 * What one object uses, in the names that quotas are written in.
 *
 * @param nowMs pods whose time is over use nothing but their place
 */
export function usageOf(resource: Resource, object: ApiObject, nowMs: number): ResourceList {
  const name = qualifiedResource(resource);
  const counted: ResourceList = {
    [`count/${name}`]: '1',
    ...(COUNTED_BY_NAME.has(name) ? { [name]: '1' } : {}),
  };
  switch (name) {
    case 'pods':
      return { ...counted, ...podUsage(object as Pod, nowMs) };
    case 'services':
      return { ...counted, ...serviceUsage(object as Service) };
    case 'persistentvolumeclaims':
      return { ...counted, ...claimUsage(object as PersistentVolumeClaim) };
    default:
      return counted;
  }
}

/** Those of the names that objects of a resource use. */
export function matchingNames(resource: Resource, names: readonly string[]): readonly string[] {
  const qualified = qualifiedResource(resource);
  return names.filter((name) => {
    if (name === `count/${qualified}` || (COUNTED_BY_NAME.has(qualified) && name === qualified)) {
      return true;
    }
    switch (qualified) {
      case 'pods':
        return isPodResource(name);
      case 'services':
        return name === 'services.loadbalancers' || name === 'services.nodeports';
      case 'persistentvolumeclaims':
        return name === 'requests.storage' || name.includes(CLASS_SUFFIX);
      default:
        return false;
    }
  });
}

const COMPUTE = ['cpu', 'memory', 'ephemeral-storage'] as const;

function isPodResource(name: string): boolean {
  const bare = name.replace(/^(requests|limits)\./, '');
  return (
    name === 'pods' ||
    COMPUTE.some((compute) => compute === bare) ||
    name.startsWith('hugepages-') ||
    name.startsWith('requests.hugepages-') ||
    (name.startsWith('requests.') && isExtended(bare))
  );
}

/** A resource of somebody's own: `example.com/gpu`. */
function isExtended(name: string): boolean {
  return name.includes('/') && !/(^|\.)kubernetes\.io\//.test(name) && !name.includes(CLASS_SUFFIX);
}

function podUsage(pod: Pod, nowMs: number): ResourceList {
  return isOver(pod, nowMs) ? {} : computeUsage(podResources(pod, 'requests'), podResources(pod, 'limits'));
}

function isOver({ metadata, status }: Pod, nowMs: number): boolean {
  const { deletionTimestamp, deletionGracePeriodSeconds } = metadata;
  return (
    status.phase === 'Succeeded' ||
    status.phase === 'Failed' ||
    (deletionTimestamp !== undefined &&
      deletionGracePeriodSeconds !== undefined &&
      nowMs > Date.parse(deletionTimestamp) + deletionGracePeriodSeconds * 1000)
  );
}

/** Requests and limits in the names of quotas; a plain `cpu` means the requests. */
export function computeUsage(requests: ResourceList, limits: ResourceList): ResourceList {
  const usage: Record<string, string> = { pods: '1' };
  for (const name of COMPUTE) {
    const request = requests[name];
    const limit = limits[name];
    if (request !== undefined) {
      usage[name] = request;
      usage[`requests.${name}`] = request;
    }
    if (limit !== undefined) {
      usage[`limits.${name}`] = limit;
    }
  }
  for (const [name, request] of Object.entries(requests)) {
    if (name.startsWith('hugepages-')) {
      usage[name] = request;
      usage[`requests.${name}`] = request;
    } else if (isExtended(name)) {
      usage[`requests.${name}`] = request;
    }
  }
  return usage;
}

function serviceUsage({ spec }: Service): ResourceList {
  const ports = spec.ports ?? [];
  switch (spec.type) {
    case 'NodePort':
      return { 'services.nodeports': String(ports.length), 'services.loadbalancers': '0' };
    case 'LoadBalancer': {
      const isAllocated = spec.allocateLoadBalancerNodePorts !== false;
      const counted = isAllocated ? ports : ports.filter(({ nodePort = 0 }) => nodePort !== 0);
      return { 'services.nodeports': String(counted.length), 'services.loadbalancers': '1' };
    }
    default:
      return { 'services.nodeports': '0', 'services.loadbalancers': '0' };
  }
}

function claimUsage({ metadata, spec, status }: PersistentVolumeClaim): ResourceList {
  const asked = spec.resources.requests?.['storage'];
  // A claim that is growing counts as large as it is already, even when less is asked for again.
  const allocated = status.allocatedResources?.['storage'];
  const storage = asked === undefined ? undefined : larger(asked, allocated);
  const className =
    metadata.annotations?.['volume.beta.kubernetes.io/storage-class'] ?? spec.storageClassName ?? '';
  const ofClass = (name: string): string => `${className}${CLASS_SUFFIX}${name}`;
  return {
    ...(className === '' ? {} : { [ofClass('persistentvolumeclaims')]: '1' }),
    ...(storage === undefined ? {} : { 'requests.storage': storage }),
    ...(storage === undefined || className === '' ? {} : { [ofClass('requests.storage')]: storage }),
  };
}

function larger(left: string, right: string | undefined): string {
  return right === undefined ? left : (maxResources({ size: left }, { size: right })['size'] ?? left);
}

/** The sum of what many objects use. */
export function totalUsage(usages: readonly ResourceList[]): ResourceList {
  return usages.reduce(addResources, {});
}
