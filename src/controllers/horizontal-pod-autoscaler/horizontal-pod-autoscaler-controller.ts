import { isDeepStrictEqual } from 'node:util';
import { objectKey, type ApiObject } from '#api/object.ts';
import { parseLabelSelector } from '#api/label-selector.ts';
import { resourceOfKind } from '#api/resource-table.ts';
import { parseApiVersion, type ResourceType } from '#api/resource-type.ts';
import { formatTime } from '#api/time.ts';
import type { Scale } from '#api/types/autoscaling.v1.ts';
import type {
  CrossVersionObjectReference,
  HorizontalPodAutoscaler,
  MetricSpec,
} from '#api/types/autoscaling.v2.ts';
import type { Pod } from '#api/types/core.v1.ts';
import { HORIZONTAL_POD_AUTOSCALER, POD } from '#api/types/resources.ts';
import { describeError } from '#base/log.ts';
import type { EventRecorder } from '#client/event-recorder.ts';
import type { Informer } from '#client/lister.ts';
import type { ControllerDeps } from '../runner/controller-deps.ts';
import {
  againAfter,
  type Controller,
  DONE,
  type KeyQueue,
  type ReconcileResult,
} from '../runner/controller.ts';
import {
  ableCondition,
  limitedCondition,
  withCondition,
  type ConditionChange,
} from './autoscaler-conditions.ts';
import { proposalOf, type MetricProposal } from './metric-proposals.ts';
import type { MetricsSource } from './metrics-source.ts';
import { newHistory, paced, recordScaling, type ScalingHistory } from './scaling-pace.ts';

/** Upstream's `--horizontal-pod-autoscaler-sync-period`. */
const SYNC_PERIOD_MS = 15_000;

/** Reads and sets how many replicas anything that scales has. */
export interface ScaleAccess {
  /** @throws {Error} when there is no such thing, or it does not scale */
  get(namespace: string, target: CrossVersionObjectReference, signal: AbortSignal): Promise<Scale>;
  set(target: CrossVersionObjectReference, scale: Scale, signal: AbortSignal): Promise<void>;
}

export interface AutoscalerOptions {
  readonly metricsSource: MetricsSource;
  /** The `scale` subresource through the client, when left out. */
  readonly scales?: ScaleAccess;
}

/** Events for a metric that is not to be had, by its type. */
const METRIC_FAILURES: Readonly<Record<string, string>> = {
  Resource: 'FailedGetResourceMetric',
  ContainerResource: 'FailedGetContainerResourceMetric',
  Pods: 'FailedGetPodsMetric',
  Object: 'FailedGetObjectMetric',
  External: 'FailedGetExternalMetric',
};

interface Decision {
  readonly replicas: number;
  readonly changes: readonly ConditionChange[];
  readonly metrics?: readonly MetricProposal[];
  /** Why the number changes; what the event says. */
  readonly why: string;
}

/** Sets the replicas of what autoscalers point at, by what their metrics say, every 15 s. */
export class HorizontalPodAutoscalerController implements Controller {
  readonly name = 'horizontalpodautoscaler';
  readonly workers = 5;
  readonly #deps: ControllerDeps;
  readonly #source: MetricsSource;
  readonly #scales: ScaleAccess;
  readonly #events: EventRecorder;
  readonly #autoscalers: Informer<HorizontalPodAutoscaler>;
  readonly #pods: Informer<Pod>;
  readonly #histories = new Map<string, ScalingHistory>();

  constructor(deps: ControllerDeps, { metricsSource, scales }: AutoscalerOptions) {
    this.#deps = deps;
    this.#source = metricsSource;
    this.#scales = scales ?? scaleSubresource(deps);
    this.#events = deps.events('horizontal-pod-autoscaler');
    this.#autoscalers = deps.informers.of(HORIZONTAL_POD_AUTOSCALER);
    this.#pods = deps.informers.of(POD);
  }

  connect(queue: KeyQueue): readonly Disposable[] {
    const enqueue = (autoscaler: HorizontalPodAutoscaler): void => queue.add(objectKey(autoscaler));
    // A change is seen when the period is over: otherwise every status written would be a reason to look again.
    return [this.#autoscalers.addHandler({ onAdd: enqueue, onUpdate: () => undefined, onDelete: enqueue })];
  }

  async reconcile(key: string, signal: AbortSignal): Promise<ReconcileResult> {
    const autoscaler = this.#autoscalers.get(key);
    if (autoscaler === undefined) {
      this.#histories.delete(key);
      return DONE;
    }
    await this.#scale(key, autoscaler, signal);
    return againAfter(SYNC_PERIOD_MS);
  }

  async #scale(key: string, autoscaler: HorizontalPodAutoscaler, signal: AbortSignal): Promise<void> {
    const { scaleTargetRef } = autoscaler.spec;
    let scale: Scale;
    try {
      scale = await this.#scales.get(autoscaler.metadata.namespace, scaleTargetRef, signal);
    } catch (error) {
      const message = `the HPA controller was unable to get the target's current scale: ${describeError(error)}`;
      this.#events.event(autoscaler, 'Warning', 'FailedGetScale', describeError(error));
      const change = { type: 'AbleToScale', status: 'False', reason: 'FailedGetScale', message } as const;
      await this.#writeStatus(autoscaler, { changes: [change] }, signal);
      return;
    }
    const current = scale.spec.replicas ?? 0;
    const nowMs = this.#deps.clock.nowMs();
    const history = this.#histories.get(key) ?? newHistory(current, nowMs);
    this.#histories.set(key, history);
    const decision = await this.#decide(autoscaler, scale, history, signal);
    let changes = decision.changes;
    let isRescaled = false;
    if (decision.replicas !== current) {
      const { replicas, why } = decision;
      try {
        await this.#scales.set(scaleTargetRef, { ...scale, spec: { replicas } }, signal);
        recordScaling(history, replicas - current, nowMs);
        isRescaled = true;
        this.#events.event(
          autoscaler,
          'Normal',
          'SuccessfulRescale',
          `New size: ${replicas}; reason: ${why}`,
        );
        const message = `the HPA controller was able to update the target scale to ${replicas}`;
        changes = [...changes, { type: 'AbleToScale', status: 'True', reason: 'SucceededRescale', message }];
      } catch (error) {
        const failure = describeError(error);
        const text = `New size: ${replicas}; reason: ${why}; error: ${failure}`;
        this.#events.event(autoscaler, 'Warning', 'FailedRescale', text);
        const message = `the HPA controller was unable to update the target scale: ${failure}`;
        changes = [
          ...changes,
          { type: 'AbleToScale', status: 'False', reason: 'FailedUpdateScale', message },
        ];
      }
    }
    const { metrics } = decision;
    await this.#writeStatus(
      autoscaler,
      { changes, current, desired: decision.replicas, metrics, isRescaled },
      signal,
    );
  }

  async #decide(
    autoscaler: HorizontalPodAutoscaler,
    scale: Scale,
    history: ScalingHistory,
    signal: AbortSignal,
  ): Promise<Decision> {
    const { spec } = autoscaler;
    const { minReplicas = 1, maxReplicas } = spec;
    const current = scale.spec.replicas ?? 0;
    const message = "the HPA controller was able to get the target's current scale";
    const able: ConditionChange = {
      type: 'AbleToScale',
      status: 'True',
      reason: 'SucceededGetScale',
      message,
    };
    if (current === 0 && minReplicas !== 0) {
      const off = 'scaling is disabled since the replica count of the target is zero';
      const change: ConditionChange = {
        type: 'ScalingActive',
        status: 'False',
        reason: 'ScalingDisabled',
        message: off,
      };
      return { replicas: 0, changes: [able, change], why: '' };
    }
    if (current > maxReplicas) {
      return {
        replicas: maxReplicas,
        changes: [able],
        why: 'Current number of replicas above Spec.MaxReplicas',
      };
    }
    if (current < minReplicas) {
      return {
        replicas: minReplicas,
        changes: [able],
        why: 'Current number of replicas below Spec.MinReplicas',
      };
    }
    return await this.#decideByMetrics(autoscaler, scale, { history, able }, signal);
  }

  async #decideByMetrics(
    autoscaler: HorizontalPodAutoscaler,
    scale: Scale,
    { history, able }: { readonly history: ScalingHistory; readonly able: ConditionChange },
    signal: AbortSignal,
  ): Promise<Decision> {
    const { spec } = autoscaler;
    const current = scale.spec.replicas ?? 0;
    const { proposals, failures } = await this.#propose(autoscaler, scale, signal);
    const best = proposals.reduce<MetricProposal | undefined>(
      (chosen, each) => (chosen === undefined || each.replicas > chosen.replicas ? each : chosen),
      undefined,
    );
    const [failure] = failures;
    // Half the truth may ask for more, but never for less.
    if (best === undefined || (failure !== undefined && best.replicas < current)) {
      return {
        replicas: current,
        changes: [able, ...(failure === undefined ? [] : [failure])],
        metrics: proposals,
        why: '',
      };
    }
    const nowMs = this.#deps.clock.nowMs();
    const { replicas, stabilized, limited } = paced(spec, history, {
      current,
      desired: best.replicas,
      nowMs,
    });
    const active: ConditionChange = {
      type: 'ScalingActive',
      status: 'True',
      reason: 'ValidMetricFound',
      message: `the HPA was able to successfully calculate a replica count from ${best.name}`,
    };
    const why = best.replicas > current ? `${best.name} above target` : 'All metrics below target';
    return {
      replicas,
      changes: [active, ableCondition(stabilized), limitedCondition(limited)],
      metrics: proposals,
      why,
    };
  }

  async #propose(
    autoscaler: HorizontalPodAutoscaler,
    scale: Scale,
    signal: AbortSignal,
  ): Promise<{
    readonly proposals: readonly MetricProposal[];
    readonly failures: readonly ConditionChange[];
  }> {
    const { metadata, spec } = autoscaler;
    const selector = scale.status.selector ?? '';
    const matching = parseLabelSelector(selector);
    const context = {
      source: this.#source,
      namespace: metadata.namespace,
      selector,
      pods: this.#pods
        .list()
        .filter(
          (pod) => pod.metadata.namespace === metadata.namespace && matching.matches(pod.metadata.labels),
        ),
      currentReplicas: scale.spec.replicas ?? 0,
      nowMs: this.#deps.clock.nowMs(),
      spec,
      signal,
    };
    const proposals: MetricProposal[] = [];
    const failures: ConditionChange[] = [];
    const metrics = spec.metrics ?? [];
    for (const metric of metrics) {
      try {
        proposals.push(await proposalOf(metric, context));
      } catch (error) {
        failures.push(this.#failed(autoscaler, metric, error));
      }
    }
    if (failures.length > 0 && proposals.length === 0) {
      const first = failures[0]?.message ?? '';
      const text = `invalid metrics (${failures.length} invalid out of ${metrics.length}), first error is: ${first.replace(/^the HPA was unable to compute the replica count: /, '')}`;
      this.#events.event(autoscaler, 'Warning', 'FailedComputeMetricsReplicas', text);
    }
    return { proposals, failures };
  }

  #failed(autoscaler: HorizontalPodAutoscaler, metric: MetricSpec, error: unknown): ConditionChange {
    const reason = METRIC_FAILURES[metric.type] ?? 'InvalidMetricSourceType';
    const name = metric.resource?.name ?? metric.containerResource?.name;
    const text = `${name === undefined ? '' : `failed to get ${name} utilization: `}${describeError(error)}`;
    this.#events.event(autoscaler, 'Warning', reason, text);
    const message = `the HPA was unable to compute the replica count: ${text}`;
    return { type: 'ScalingActive', status: 'False', reason, message };
  }

  async #writeStatus(
    autoscaler: HorizontalPodAutoscaler,
    outcome: {
      readonly changes: readonly ConditionChange[];
      readonly current?: number;
      readonly desired?: number;
      readonly metrics?: readonly MetricProposal[] | undefined;
      readonly isRescaled?: boolean;
    },
    signal: AbortSignal,
  ): Promise<void> {
    const { status, metadata } = autoscaler;
    const now = formatTime(this.#deps.clock.nowMs());
    const { changes, current, desired, metrics, isRescaled } = outcome;
    const next = {
      ...status,
      ...(metadata.generation === undefined ? {} : { observedGeneration: metadata.generation }),
      ...(isRescaled === true ? { lastScaleTime: now } : {}),
      currentReplicas: current ?? status.currentReplicas ?? 0,
      desiredReplicas: desired ?? status.desiredReplicas,
      ...(metrics === undefined ? {} : { currentMetrics: metrics.map((each) => each.status) }),
      conditions: changes.reduce((all, change) => withCondition(all, change, now), status.conditions ?? []),
    };
    if (!isDeepStrictEqual(next, status)) {
      await this.#deps.client
        .of(HORIZONTAL_POD_AUTOSCALER)
        .updateStatus({ ...autoscaler, status: next }, {}, signal);
    }
  }
}

/** Scales through the API, whatever kind has the subresource. */
function scaleSubresource({ client }: ControllerDeps): ScaleAccess {
  const of = (target: CrossVersionObjectReference): ResourceType<ApiObject> => {
    const info = resourceOfKind({ ...parseApiVersion(target.apiVersion ?? 'v1'), kind: target.kind });
    if (info === undefined) {
      throw new Error(
        `no matches for kind ${JSON.stringify(target.kind)} in group ${JSON.stringify(target.apiVersion ?? '')}`,
      );
    }
    return { ...info, isNamespaced: info.namespaced };
  };
  return {
    get: async (namespace, target, signal) =>
      await client
        .of(of(target))
        .subresource<Scale>('get', { namespace, name: target.name, subresource: 'scale' }, undefined, signal),
    set: async (target, scale, signal) => {
      const { namespace } = scale.metadata;
      await client
        .of(of(target))
        .subresource<Scale>('update', { namespace, name: target.name, subresource: 'scale' }, scale, signal);
    },
  };
}
