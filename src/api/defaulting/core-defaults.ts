import type {
  EndpointSubset,
  Endpoints,
  LimitRange,
  LimitRangeItem,
  Namespace,
  Node,
  PersistentVolume,
  PersistentVolumeClaim,
  PodTemplate,
  ReplicationController,
  ResourceList,
  Secret,
  Service,
  ServicePort,
  ServiceSpec,
  ServiceStatus,
} from '../types/core.v1.ts';
import { change, fill, mapItems, whenSet } from './fill.ts';
import { defaultPodTemplate } from './pod-defaults.ts';
import { defaultClaimSpec, defaultVolumeSources } from './volume-defaults.ts';

const AFFINITY_SECONDS = 10_800;
const NAME_LABEL = 'kubernetes.io/metadata.name';

export function defaultService(service: Service): Service {
  const spec = fill(service.spec, { sessionAffinity: 'None', type: 'ClusterIP' });
  const isLoadBalancer = spec.type === 'LoadBalancer';
  const isExternal =
    spec.type === 'NodePort' ||
    isLoadBalancer ||
    (spec.type === 'ClusterIP' && (spec.externalIPs ?? []).length > 0);
  const policies: Partial<ServiceSpec> = {
    ...(isExternal ? { externalTrafficPolicy: 'Cluster' } : {}),
    ...(spec.type === 'ExternalName' ? {} : { internalTrafficPolicy: 'Cluster' }),
    ...(isLoadBalancer ? { allocateLoadBalancerNodePorts: true } : {}),
  };
  return change(service, {
    spec: change(fill(spec, policies), {
      ports: mapItems(spec.ports, defaultServicePort),
      sessionAffinityConfig: affinityConfig(spec),
    }),
    status: isLoadBalancer ? defaultServiceStatus(service.status) : service.status,
  });
}

function defaultServiceStatus(status: ServiceStatus): ServiceStatus {
  const { loadBalancer } = status;
  return change(status, {
    loadBalancer: change(loadBalancer, {
      ingress: mapItems(loadBalancer.ingress, (ingress) =>
        ingress.ip === undefined ? ingress : fill(ingress, { ipMode: 'VIP' }),
      ),
    }),
  });
}

function affinityConfig({
  sessionAffinity,
  sessionAffinityConfig,
}: ServiceSpec): ServiceSpec['sessionAffinityConfig'] {
  if (sessionAffinity !== 'ClientIP') {
    return undefined;
  }
  return sessionAffinityConfig?.clientIP?.timeoutSeconds === undefined
    ? { clientIP: { timeoutSeconds: AFFINITY_SECONDS } }
    : sessionAffinityConfig;
}

function defaultServicePort(port: ServicePort): ServicePort {
  const isUnset = port.targetPort === undefined || port.targetPort === 0 || port.targetPort === '';
  return change(fill(port, { protocol: 'TCP' }), { targetPort: isUnset ? port.port : port.targetPort });
}

export function defaultSecret(secret: Secret): Secret {
  return fill(secret, { type: 'Opaque' });
}

export function defaultNamespace(namespace: Namespace): Namespace {
  const { metadata, status } = namespace;
  const { name } = metadata;
  const labels =
    name === undefined || name === ''
      ? metadata.labels
      : fill({ ...metadata.labels }, { [NAME_LABEL]: name });
  const isLabelled = metadata.labels?.[NAME_LABEL] !== undefined;
  return change(namespace, {
    metadata: isLabelled ? metadata : change(metadata, { labels }),
    status: fill(status, { phase: 'Active' }),
  });
}

export function defaultNode(node: Node): Node {
  const { capacity } = node.status;
  return capacity === undefined
    ? node
    : change(node, { status: fill(node.status, { allocatable: capacity }) });
}

export function defaultPersistentVolume(volume: PersistentVolume): PersistentVolume {
  return change(volume, {
    spec: change(
      fill(volume.spec, { persistentVolumeReclaimPolicy: 'Retain', volumeMode: 'Filesystem' }),
      defaultVolumeSources(volume.spec),
    ),
    status: fill(volume.status, { phase: 'Pending' }),
  });
}

export function defaultClaim(claim: PersistentVolumeClaim): PersistentVolumeClaim {
  return change(claim, {
    spec: defaultClaimSpec(claim.spec),
    status: fill(claim.status, { phase: 'Pending' }),
  });
}

export function defaultEndpoints(endpoints: Endpoints): Endpoints {
  const subset = (each: EndpointSubset): EndpointSubset =>
    change(each, { ports: mapItems(each.ports, (port) => fill(port, { protocol: 'TCP' })) });
  return change(endpoints, { subsets: mapItems(endpoints.subsets, subset) });
}

export function defaultLimitRange(range: LimitRange): LimitRange {
  return change(range, {
    spec: change(range.spec, { limits: mapItems(range.spec.limits, defaultLimit) ?? [] }),
  });
}

function defaultLimit(item: LimitRangeItem): LimitRangeItem {
  if (item.type !== 'Container') {
    return item;
  }
  const limits = merged(item.default, item.max);
  const requests = merged(merged(item.defaultRequest, limits), item.min);
  return change(item, { default: limits, defaultRequest: requests });
}

function merged(list: ResourceList | undefined, more: ResourceList | undefined): ResourceList | undefined {
  return more === undefined ? list : fill(list ?? {}, more);
}

export function defaultReplicationController(controller: ReplicationController): ReplicationController {
  const labels = controller.spec.template?.metadata.labels;
  const { metadata } = controller;
  const isLabelled = Object.keys(metadata.labels ?? {}).length > 0;
  return change(controller, {
    metadata: labels === undefined || isLabelled ? metadata : change(metadata, { labels }),
    spec: change(
      fill(controller.spec, { replicas: 1, ...(labels === undefined ? {} : { selector: labels }) }),
      {
        template: whenSet(controller.spec.template, defaultPodTemplate),
      },
    ),
  });
}

export function defaultPodTemplateObject(object: PodTemplate): PodTemplate {
  return change(object, { template: defaultPodTemplate(object.template) });
}
