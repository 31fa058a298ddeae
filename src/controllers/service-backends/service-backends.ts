import { familyOfIp } from '#base/ip.ts';
import { type LabelSelector, labelSelectorFromSet } from '#api/label-selector.ts';
import { objectKey } from '#api/object.ts';
import type { Pod, Protocol, Service, ServicePort } from '#api/types/core.v1.ts';
import type { Informer } from '#client/lister.ts';
import { isPodTerminal } from '../pods/pod-state.ts';
import type { KeyQueue } from '../runner/controller.ts';

/** A port of a service as one pod offers it. */
export interface ResolvedPort {
  readonly name: string;
  readonly port: number;
  readonly protocol: Protocol;
  readonly appProtocol?: string;
}

/** True for services whose backends are pods chosen by labels. Others get theirs from elsewhere. */
export function hasSelector({ spec }: Service): boolean {
  return spec.type !== 'ExternalName' && Object.keys(spec.selector ?? {}).length > 0;
}

export function isHeadless({ spec }: Service): boolean {
  return spec.clusterIP === 'None';
}

/** Built once for each state of a service: every change of a pod is held against every service beside it. */
const selectors = new WeakMap<Service, LabelSelector>();

function selectorOf(service: Service): LabelSelector {
  let selector = selectors.get(service);
  if (selector === undefined) {
    selector = labelSelectorFromSet(service.spec.selector);
    selectors.set(service, selector);
  }
  return selector;
}

/** The pods a service chooses that have an address and have not finished. */
export function backendPods(service: Service, pods: Informer<Pod>): readonly Pod[] {
  const selector = selectorOf(service);
  return pods
    .byIndex('namespace', service.metadata.namespace)
    .filter(
      (pod) => selector.matches(pod.metadata.labels) && podAddresses(pod).length > 0 && !isPodTerminal(pod),
    );
}

export function podAddresses({ status }: Pod): readonly string[] {
  const all = status.podIPs?.map(({ ip }) => ip) ?? [];
  return all.length > 0 || (status.podIP ?? '') === '' ? all : [status.podIP ?? ''];
}

export function podAddressOfFamily(pod: Pod, family: 4 | 6): string | undefined {
  return podAddresses(pod).find((address) => familyOfIp(address) === family);
}

/** The address families of a service; those of its cluster IP when it does not say, IPv4 for want of one. */
export function familiesOf({ spec }: Service): readonly (4 | 6)[] {
  const declared = spec.ipFamilies ?? [];
  return declared.length > 0
    ? declared.map((family) => (family === 'IPv6' ? 6 : 4))
    : [familyOfIp(spec.clusterIP ?? '') ?? 4];
}

/** The service's ports as the pod offers them; a named port that the pod lacks is left out. */
export function resolvePorts(service: Service, pod: Pod): readonly ResolvedPort[] {
  return (service.spec.ports ?? []).flatMap((servicePort) => {
    const port = containerPort(pod, servicePort);
    const { name = '', protocol = 'TCP', appProtocol } = servicePort;
    return port === undefined
      ? []
      : [{ name, port, protocol, ...(appProtocol === undefined ? {} : { appProtocol }) }];
  });
}

/** The host name under which cluster DNS knows the pod behind this service, if any. */
export function hostnameFor(service: Service, { metadata, spec }: Pod): string | undefined {
  const isNamed = (spec.hostname ?? '') !== '' && spec.subdomain === service.metadata.name;
  return isNamed && metadata.namespace === service.metadata.namespace ? spec.hostname : undefined;
}

function containerPort(
  { spec }: Pod,
  { targetPort, port, protocol = 'TCP' }: ServicePort,
): number | undefined {
  if (typeof targetPort !== 'string') {
    return targetPort === undefined || targetPort === 0 ? port : targetPort;
  }
  const sidecars = spec.initContainers?.filter(({ restartPolicy }) => restartPolicy === 'Always') ?? [];
  return [...spec.containers, ...sidecars]
    .flatMap(({ ports = [] }) => ports)
    .find((candidate) => candidate.name === targetPort && (candidate.protocol ?? 'TCP') === protocol)
    ?.containerPort;
}

/** Queues the services that choose a pod, before or after each change of it. */
export function enqueueServicesOfPods(
  pods: Informer<Pod>,
  services: Informer<Service>,
  queue: KeyQueue,
): Disposable {
  const enqueue = ({ metadata }: Pod): void => {
    for (const service of services.byIndex('namespace', metadata.namespace)) {
      if (hasSelector(service) && selectorOf(service).matches(metadata.labels)) {
        queue.add(objectKey(service));
      }
    }
  };
  return pods.addHandler({
    onAdd: enqueue,
    onUpdate: (previous, current) => {
      enqueue(current);
      if (previous.metadata.labels !== current.metadata.labels) {
        enqueue(previous);
      }
    },
    onDelete: enqueue,
  });
}
