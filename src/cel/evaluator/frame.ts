import { EvaluationError } from '../value.ts';
import type { Value } from '../value.ts';

/** One compiled node. It never throws, save for {@link CostLimitExceeded}: errors are values. */
export type Step = (frame: Frame) => Value;

/** Ends an evaluation that has used up what it may spend. */
export class CostLimitExceeded extends Error {
  override readonly name = 'CostLimitExceeded';
  readonly code = 'cel-cost-limit-exceeded';

  constructor() {
    super('operation cancelled: actual cost limit exceeded');
  }
}

/** The state of one evaluation. */
export class Frame {
  /** Values of the environment's variables, adapted when first read; the plan numbers both arrays. */
  readonly variables: (Value | undefined)[] = [];
  readonly locals: Value[] = [];
  readonly activation: Readonly<Record<string, unknown>>;
  cost = 0;
  readonly #costLimit: number;

  constructor(activation: Readonly<Record<string, unknown>>, costLimit: number) {
    this.activation = activation;
    this.#costLimit = costLimit;
  }

  charge(cost: number): void {
    this.cost += cost;
    if (this.cost > this.#costLimit) {
      throw new CostLimitExceeded();
    }
  }

  local(slot: number): Value {
    return this.locals[slot] ?? UNSET;
  }
}

/** A slot's null and its absence differ: locals are always written before they are read. */
const UNSET = null;

export function noSuchKey(key: string): EvaluationError {
  return new EvaluationError(`no such key: ${key}`);
}
