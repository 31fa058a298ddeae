import { parseLabelSelector, type LabelSelector } from '#api/label-selector.ts';
import { formatQuantity, quantityOfMillis, quantityToMillis } from '#api/quantity.ts';
import type {
  HorizontalPodAutoscalerSpec,
  MetricSpec,
  MetricTarget,
  MetricStatus,
} from '#api/types/autoscaling.v2.ts';
import type { Pod } from '#api/types/core.v1.ts';
import { isPodReady } from '../pods/pod-state.ts';
import type { MetricsSource, PodSamples } from './metrics-source.ts';
import { isWithin, proposeForRatio, proposeReplicas, type Tolerances } from './replica-proposal.ts';

/** Upstream's `--horizontal-pod-autoscaler-tolerance`. */
const TOLERANCE_DEFAULT = 0.1;

export interface MetricProposal {
  readonly replicas: number;
  /** As in events: `cpu resource utilization (percentage of request)`. */
  readonly name: string;
  readonly status: MetricStatus;
}

export interface ProposalContext {
  readonly source: MetricsSource;
  readonly namespace: string;
  /** The target's own selector, as its scale tells it. */
  readonly selector: string;
  readonly pods: readonly Pod[];
  readonly currentReplicas: number;
  readonly nowMs: number;
  readonly spec: HorizontalPodAutoscalerSpec;
  readonly signal: AbortSignal;
}

/** What one metric asks for. @throws {Error} when it cannot be had */
export async function proposalOf(metric: MetricSpec, context: ProposalContext): Promise<MetricProposal> {
  const { source, namespace, signal } = context;
  const selector = parseLabelSelector(context.selector);
  const { resource, containerResource, pods, object, external } = metric;
  if (resource !== undefined || containerResource !== undefined) {
    return await resourceProposal(metric, context, selector);
  }
  if (pods !== undefined) {
    const samples = await source.pods({ namespace, selector, metric: pods.metric }, signal);
    const target = quantityToMillis(pods.target.averageValue ?? '0');
    const current = { averageValue: quantityText(average(samples)) };
    return {
      replicas: proposeReplicas({
        ...inputOf(context, samples),
        targetOf: () => target,
        fallbackOf: () => target,
      }),
      name: `pods metric ${pods.metric.name}`,
      status: { type: 'Pods', pods: { metric: pods.metric, current } },
    };
  }
  if (object !== undefined) {
    const { metric: identifier, describedObject } = object;
    const milli = await source.object({ namespace, object: describedObject, metric: identifier }, signal);
    return {
      ...overallProposal(milli, object.target, context),
      name: `${describedObject.kind} metric ${identifier.name}`,
      status: {
        type: 'Object',
        object: { metric: identifier, describedObject, current: valueOf(milli, object.target, context) },
      },
    };
  }
  if (external !== undefined) {
    const { metric: identifier } = external;
    const milli = await source.external({ namespace, metric: identifier }, signal);
    return {
      ...overallProposal(milli, external.target, context),
      name: `external metric ${identifier.name}`,
      status: {
        type: 'External',
        external: { metric: identifier, current: valueOf(milli, external.target, context) },
      },
    };
  }
  throw new Error(`unknown metric source type ${JSON.stringify(metric.type)}`);
}

async function resourceProposal(
  metric: MetricSpec,
  context: ProposalContext,
  selector: LabelSelector,
): Promise<MetricProposal> {
  const { source, namespace, signal } = context;
  const { containerResource } = metric;
  const { name: resource, target } = (containerResource ?? metric.resource) as NonNullable<
    MetricSpec['resource']
  >;
  const of = containerResource === undefined ? {} : { container: containerResource.container };
  const samples = await source.resource({ namespace, selector, resource, ...of }, signal);
  const input = { ...inputOf(context, samples), isCpu: resource === 'cpu' };
  const label = containerResource === undefined ? 'resource' : 'container resource';
  const averageValue = quantityText(average(samples));
  const statusOf = (current: NonNullable<MetricStatus['resource']>['current']): MetricStatus =>
    containerResource === undefined
      ? { type: 'Resource', resource: { name: resource, current } }
      : {
          type: 'ContainerResource',
          containerResource: { name: resource, container: containerResource.container, current },
        };
  if (target.averageUtilization === undefined) {
    const milli = quantityToMillis(target.averageValue ?? '0');
    return {
      replicas: proposeReplicas({ ...input, targetOf: () => milli, fallbackOf: () => milli }),
      name: `${resource} ${label}`,
      status: statusOf({ averageValue }),
    };
  }
  const share = target.averageUtilization / 100;
  const requests = new Map(context.pods.map((pod) => [pod, requestOf(pod, resource, of.container)]));
  const request = (pod: Pod): number => requests.get(pod) ?? 0;
  const replicas = proposeReplicas({
    ...input,
    targetOf: (pod) => request(pod) * share,
    fallbackOf: (pod) => request(pod) * Math.max(1, share),
  });
  const measured = context.pods.filter(({ metadata }) => samples.has(metadata.name));
  const used = measured.reduce((sum, { metadata }) => sum + (samples.get(metadata.name)?.milli ?? 0), 0);
  const requested = measured.reduce((sum, pod) => sum + request(pod), 0);
  return {
    replicas,
    name: `${resource} ${label} utilization (percentage of request)`,
    status: statusOf({ averageUtilization: Math.trunc((used * 100) / requested), averageValue }),
  };
}

function inputOf(
  { pods, currentReplicas, nowMs, spec }: ProposalContext,
  samples: PodSamples,
): Pick<
  Parameters<typeof proposeReplicas>[0],
  'pods' | 'samples' | 'isCpu' | 'currentReplicas' | 'tolerances' | 'nowMs'
> {
  return { pods, samples, isCpu: false, currentReplicas, nowMs, tolerances: tolerancesOf(spec) };
}

/** For a metric that is one number: compared as it stands, or divided by the replicas there are. */
function overallProposal(
  milli: number,
  target: MetricTarget,
  { pods, currentReplicas, spec }: ProposalContext,
): { readonly replicas: number } {
  const tolerances = tolerancesOf(spec);
  if (target.averageValue !== undefined) {
    const wanted = quantityToMillis(target.averageValue);
    const isFine = currentReplicas > 0 && isWithin(milli / (wanted * currentReplicas), tolerances);
    return { replicas: isFine ? currentReplicas : Math.ceil(milli / wanted) };
  }
  const ratio = milli / quantityToMillis(target.value ?? '0');
  const readyPods = pods.filter(isPodReady).length;
  return { replicas: proposeForRatio(ratio, { readyPods, currentReplicas, tolerances }) };
}

function valueOf(
  milli: number,
  target: MetricTarget,
  { currentReplicas }: ProposalContext,
): NonNullable<MetricStatus['external']>['current'] {
  return target.averageValue === undefined
    ? { value: quantityText(milli) }
    : { averageValue: quantityText(currentReplicas === 0 ? 0 : milli / currentReplicas) };
}

function tolerancesOf({ behavior }: HorizontalPodAutoscalerSpec): Tolerances {
  const of = (text: string | undefined): number =>
    text === undefined ? TOLERANCE_DEFAULT : quantityToMillis(text) / 1000;
  return { up: of(behavior?.scaleUp?.tolerance), down: of(behavior?.scaleDown?.tolerance) };
}

/** @throws {Error} when a container does not say what it needs: a share of nothing is no target */
function requestOf({ metadata, spec }: Pod, resource: string, container: string | undefined): number {
  const sidecars = (spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always');
  let total = 0;
  for (const { name, resources } of [...spec.containers, ...sidecars]) {
    if (container !== undefined && container !== name) {
      continue;
    }
    const request = resources.requests?.[resource];
    if (request === undefined) {
      throw new Error(`missing request for ${resource} in container ${name} of Pod ${metadata.name}`);
    }
    total += quantityToMillis(request);
  }
  return total;
}

function average(samples: PodSamples): number {
  const values = [...samples.values()];
  return values.length === 0 ? 0 : values.reduce((sum, { milli }) => sum + milli, 0) / values.length;
}

function quantityText(milli: number): string {
  return formatQuantity(quantityOfMillis(BigInt(Math.round(milli))));
}
