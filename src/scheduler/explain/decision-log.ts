import type { Rejection } from '../framework/rejection.ts';
import type { ScorePart } from '../framework/node-selection.ts';

/** Why some nodes were left out of an attempt. */
export interface RejectedNodes {
  readonly plugin: string;
  readonly reasons: readonly string[];
  /** Removing pods from these nodes could help. */
  readonly isResolvable: boolean;
  readonly count: number;
  /** Some of their names. */
  readonly examples: readonly string[];
}

interface AttemptFacts {
  /** Wall time. */
  readonly atMs: number;
  /** 1 for the first. */
  readonly attempt: number;
  readonly nodeCount: number;
}

/** How one try to find a node for a pod ended. */
export type AttemptOutcome =
  | {
      readonly outcome: 'scheduled';
      readonly nodeName: string;
      readonly feasibleCount: number;
      /** What each plugin gave the chosen node, weighted. */
      readonly scores: readonly ScorePart[];
    }
  | {
      readonly outcome: 'unschedulable';
      readonly rejected: readonly RejectedNodes[];
      readonly message: string;
      /** The node where room is being made, and by removing whom. */
      readonly nomination?: { readonly nodeName: string; readonly victims: readonly string[] };
    }
  | { readonly outcome: 'error'; readonly message: string };

/** One try to find a node for a pod. */
export type Attempt = AttemptFacts & AttemptOutcome;

/** Attempts kept per pod, the latest ones. */
const ATTEMPTS_MAX = 10;
/** Pods with kept attempts; the one tried longest ago goes first. */
const PODS_MAX = 10_000;
const EXAMPLES_MAX = 10;

/** The last attempts of each pod, by the pod's key. */
export class DecisionLog {
  readonly #attempts = new Map<string, Attempt[]>();

  add(podKey: string, attempt: Attempt): void {
    const attempts = this.#attempts.get(podKey) ?? [];
    this.#attempts.delete(podKey);
    attempts.push(attempt);
    if (attempts.length > ATTEMPTS_MAX) {
      attempts.shift();
    }
    this.#attempts.set(podKey, attempts);
    if (this.#attempts.size > PODS_MAX) {
      const [oldest] = this.#attempts.keys();
      this.#attempts.delete(oldest ?? '');
    }
  }

  /** Oldest first. */
  of(podKey: string): readonly Attempt[] {
    return this.#attempts.get(podKey) ?? [];
  }

  delete(podKey: string): void {
    this.#attempts.delete(podKey);
  }
}

/** Sums up rejections by cause, the most common first. */
export function summarise(
  rejections: readonly (Rejection | undefined)[],
  nameOf: (row: number) => string,
): readonly RejectedNodes[] {
  const groups = new Map<Rejection, { count: number; examples: string[] }>();
  for (let row = 0; row < rejections.length; row++) {
    const rejection = rejections[row];
    if (rejection === undefined) {
      continue;
    }
    const group = groups.get(rejection) ?? { count: 0, examples: [] };
    group.count += 1;
    if (group.examples.length < EXAMPLES_MAX) {
      group.examples.push(nameOf(row));
    }
    groups.set(rejection, group);
  }
  return [...groups]
    .map(([{ plugin, reasons, isResolvable }, group]) => ({ plugin, reasons, isResolvable, ...group }))
    .sort((left, right) => right.count - left.count);
}
