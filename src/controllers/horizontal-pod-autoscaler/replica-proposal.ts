import { parseTime } from '#api/time.ts';
import type { Pod } from '#api/types/core.v1.ts';
import { podCondition } from '../pods/pod-state.ts';
import type { PodSample, PodSamples } from './metrics-source.ts';

/** For so long after its start a pod's CPU is only counted while it is ready. */
const CPU_INITIALIZATION_MS = 5 * 60_000;
/** A pod that first became unready within this time of its start has never been ready. */
const INITIAL_READINESS_MS = 30_000;

/** How far from 1 the ratio of usage to target may be without any change. */
export interface Tolerances {
  readonly up: number;
  readonly down: number;
}

export interface ProposalInput {
  readonly pods: readonly Pod[];
  readonly samples: PodSamples;
  /** Only CPU is high while a pod starts. */
  readonly isCpu: boolean;
  readonly currentReplicas: number;
  readonly tolerances: Tolerances;
  readonly nowMs: number;
  /** What one pod should use, thousandths: a share of its request, or the same for all. */
  readonly targetOf: (pod: Pod) => number;
  /** What a pod without a sample is taken to use when there is too much capacity, thousandths. */
  readonly fallbackOf: (pod: Pod) => number;
}

interface PodGroups {
  readonly ready: readonly Pod[];
  readonly unready: readonly Pod[];
  readonly missing: readonly Pod[];
}

/**
 * How many replicas the samples ask for. Pods that say nothing are guessed at so that the change becomes smaller,
 * never larger, and a guess never turns its direction.
 *
 * @throws {Error} when no sample counts
 */
export function proposeReplicas(input: ProposalInput): number {
  const { pods, samples, currentReplicas, tolerances } = input;
  if (pods.length === 0) {
    throw new Error('no pods returned by selector while calculating replica count');
  }
  const { ready, unready, missing } = groupPods(input);
  if (ready.length === 0) {
    throw new Error('did not receive metrics for targeted pods (pods might be unready)');
  }
  const used = new Map(ready.map((pod) => [pod, samples.get(pod.metadata.name)?.milli ?? 0]));
  const ratio = ratioOf(used, input);
  const countsUnready = unready.length > 0 && ratio > 1;
  if (!countsUnready && missing.length === 0) {
    return isWithin(ratio, tolerances) ? currentReplicas : Math.ceil(ratio * ready.length);
  }
  if (ratio !== 1) {
    missing.forEach((pod) => used.set(pod, ratio < 1 ? input.fallbackOf(pod) : 0));
  }
  if (countsUnready) {
    unready.forEach((pod) => used.set(pod, 0));
  }
  const cautious = ratioOf(used, input);
  if (isWithin(cautious, tolerances) || ratio < 1 !== cautious < 1) {
    return currentReplicas;
  }
  const proposed = Math.ceil(cautious * used.size);
  return cautious < 1 ? Math.min(proposed, currentReplicas) : Math.max(proposed, currentReplicas);
}

/** For one number that is about all pods together. */
export function proposeForRatio(
  ratio: number,
  {
    readyPods,
    currentReplicas,
    tolerances,
  }: { readyPods: number; currentReplicas: number; tolerances: Tolerances },
): number {
  return isWithin(ratio, tolerances) ? currentReplicas : Math.ceil(ratio * readyPods);
}

export function isWithin(ratio: number, { up, down }: Tolerances): boolean {
  return ratio >= 1 - down && ratio <= 1 + up;
}

function ratioOf(used: ReadonlyMap<Pod, number>, { targetOf }: ProposalInput): number {
  let usage = 0;
  let target = 0;
  for (const [pod, milli] of used) {
    usage += milli;
    target += targetOf(pod);
  }
  return usage / target;
}

function groupPods({ pods, samples, isCpu, nowMs }: ProposalInput): PodGroups {
  const groups = { ready: [] as Pod[], unready: [] as Pod[], missing: [] as Pod[] };
  for (const pod of pods) {
    if (pod.metadata.deletionTimestamp !== undefined || pod.status.phase === 'Failed') {
      continue;
    }
    const sample = samples.get(pod.metadata.name);
    if (pod.status.phase === 'Pending') {
      groups.unready.push(pod);
    } else if (sample === undefined) {
      groups.missing.push(pod);
    } else if (isCpu && isStillStarting(pod, sample, nowMs)) {
      groups.unready.push(pod);
    } else {
      groups.ready.push(pod);
    }
  }
  return groups;
}

function isStillStarting(pod: Pod, { timeMs, windowMs }: PodSample, nowMs: number): boolean {
  const condition = podCondition(pod, 'Ready');
  const startMs = parseTime(pod.status.startTime ?? '');
  if (condition === undefined || startMs === undefined) {
    return true;
  }
  const changedMs = parseTime(condition.lastTransitionTime ?? '') ?? 0;
  return nowMs < startMs + CPU_INITIALIZATION_MS
    ? condition.status === 'False' || timeMs < changedMs + windowMs
    : condition.status === 'False' && changedMs < startMs + INITIAL_READINESS_MS;
}
