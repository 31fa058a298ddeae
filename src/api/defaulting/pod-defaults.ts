import type {
  Container,
  ContainerPort,
  EnvVar,
  HTTPGetAction,
  LifecycleHandler,
  Pod,
  PodSpec,
  PodTemplateSpec,
  Probe,
  ResourceList,
  ResourceRequirements,
} from '../types/core.v1.ts';
import { formatQuantity, quantityOfMillis, quantityToMillis } from '../quantity.ts';
import { change, fill, mapItems, whenSet } from './fill.ts';
import { defaultPodResources } from './pod-level-defaults.ts';
import { pullPolicyOf } from './pull-policy.ts';
import { defaultVolume } from './volume-defaults.ts';

/** What containers of every sort have in common. */
type AnyContainer = Pick<
  Container,
  | 'image'
  | 'imagePullPolicy'
  | 'terminationMessagePath'
  | 'terminationMessagePolicy'
  | 'ports'
  | 'env'
  | 'lifecycle'
  | 'resources'
> &
  Pick<Container, 'livenessProbe' | 'readinessProbe' | 'startupProbe'>;

/** Specs that have all their defaults: most updates of a pod leave its spec as it is. */
const filledSpecs = new WeakSet<PodSpec>();

export function defaultPod(pod: Pod): Pod {
  if (filledSpecs.has(pod.spec)) {
    return pod;
  }
  const filled = fillPod(pod);
  filledSpecs.add(filled.spec);
  return filled;
}

function fillPod(pod: Pod): Pod {
  const { terminationGracePeriodSeconds = 0 } = pod.spec;
  const filled = fill(defaultPodSpec(pod.spec), { enableServiceLinks: true });
  // Templates keep what they were given.
  const spec = terminationGracePeriodSeconds < 0 ? { ...filled, terminationGracePeriodSeconds: 1 } : filled;
  const isHostNetwork = spec.hostNetwork === true;
  const finish = (container: Container): Container =>
    withHostPorts(change(container, { resources: withRequests(container.resources) }), isHostNetwork);
  const finished = change(pod, {
    spec: change(spec, {
      containers: mapItems(spec.containers, finish) ?? [],
      initContainers: mapItems(spec.initContainers, finish),
    }),
  });
  const { resources } = finished.spec;
  return resources === undefined
    ? finished
    : change(finished, {
        spec: change(finished.spec, { resources: defaultPodResources(finished, resources) }),
      });
}

export function defaultPodTemplate(template: PodTemplateSpec): PodTemplateSpec {
  return change(template, { spec: defaultPodSpec(template.spec) });
}

export function defaultPodSpec(spec: PodSpec): PodSpec {
  const filled = fill(spec, {
    dnsPolicy: 'ClusterFirst',
    restartPolicy: 'Always',
    securityContext: {},
    terminationGracePeriodSeconds: 30,
    schedulerName: 'default-scheduler',
    ...accountNames(spec),
  });
  return change(filled, {
    volumes: mapItems(spec.volumes, defaultVolume),
    initContainers: mapItems(spec.initContainers, defaultContainer),
    containers: mapItems(spec.containers, defaultContainer) ?? [],
    ephemeralContainers: mapItems(spec.ephemeralContainers, defaultContainer),
  });
}

/** The old name of the service account field is kept equal to the new one, for old readers. */
function accountNames({ serviceAccountName, serviceAccount }: PodSpec): Partial<PodSpec> {
  const name = serviceAccountName ?? serviceAccount;
  return name === undefined ? {} : { serviceAccountName: name, serviceAccount: name };
}

function defaultContainer<T extends AnyContainer>(container: T): T {
  const filled = fill<AnyContainer>(container, {
    imagePullPolicy: pullPolicyOf(container.image ?? ''),
    terminationMessagePath: '/dev/termination-log',
    terminationMessagePolicy: 'File',
  });
  const { lifecycle, resources } = filled;
  // Spreading keeps whatever else the sort of container has.
  return change(filled, {
    ports: mapItems(filled.ports, defaultPort),
    env: mapItems(filled.env, defaultEnv),
    livenessProbe: whenSet(filled.livenessProbe, defaultProbe),
    readinessProbe: whenSet(filled.readinessProbe, defaultProbe),
    startupProbe: whenSet(filled.startupProbe, defaultProbe),
    resources: change(resources, {
      limits: whenSet(resources.limits, roundToMillis),
      requests: whenSet(resources.requests, roundToMillis),
    }),
    lifecycle: whenSet(lifecycle, (hooks) =>
      change(hooks, {
        postStart: whenSet(hooks.postStart, defaultHandler),
        preStop: whenSet(hooks.preStop, defaultHandler),
      }),
    ),
  }) as T;
}

/** No resource is shared out finer than by thousandths; a finer amount is rounded up. */
function roundToMillis(list: ResourceList): ResourceList {
  const isFine = (amount: string): boolean => /[nu]$/.test(amount);
  if (!Object.values(list).some(isFine)) {
    return list;
  }
  const round = (amount: string): string =>
    isFine(amount) ? formatQuantity(quantityOfMillis(BigInt(quantityToMillis(amount)))) : amount;
  return Object.fromEntries(Object.entries(list).map(([name, amount]) => [name, round(amount)]));
}

function defaultPort(port: ContainerPort): ContainerPort {
  return fill(port, { protocol: 'TCP' });
}

function defaultEnv(variable: EnvVar): EnvVar {
  const { valueFrom } = variable;
  if (valueFrom === undefined) {
    return variable;
  }
  return change(variable, {
    valueFrom: change(valueFrom, {
      fieldRef: whenSet(valueFrom.fieldRef, (ref) => fill(ref, { apiVersion: 'v1' })),
      fileKeyRef: whenSet(valueFrom.fileKeyRef, (ref) => fill(ref, { optional: false })),
    }),
  });
}

function defaultProbe(probe: Probe): Probe {
  return change(
    fill(probe, { timeoutSeconds: 1, periodSeconds: 10, successThreshold: 1, failureThreshold: 3 }),
    {
      httpGet: whenSet(probe.httpGet, defaultHttpGet),
      grpc: whenSet(probe.grpc, (grpc) => fill(grpc, { service: '' })),
    },
  );
}

function defaultHandler(handler: LifecycleHandler): LifecycleHandler {
  return change(handler, { httpGet: whenSet(handler.httpGet, defaultHttpGet) });
}

function defaultHttpGet(action: HTTPGetAction): HTTPGetAction {
  return fill(action, { path: '/', scheme: 'HTTP' });
}

/** A limit without a request is a request too. */
function withRequests(resources: ResourceRequirements): ResourceRequirements {
  const { limits, requests } = resources;
  if (limits === undefined) {
    return resources;
  }
  const all = fill(requests ?? {}, limits);
  return all === requests ? resources : change(resources, { requests: all });
}

/** In the host's network a container's port is the host's. */
function withHostPorts(container: Container, isHostNetwork: boolean): Container {
  return isHostNetwork
    ? change(container, {
        ports: mapItems(container.ports, (port) => fill(port, { hostPort: port.containerPort })),
      })
    : container;
}
