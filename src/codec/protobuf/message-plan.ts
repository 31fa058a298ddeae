import type { Field, StructType } from '#api/schema/schema.ts';

/**
 * How a struct stands on the wire: its own fields by number, and the messages that hold the fields which
 * JSON spreads into the parent (a Volume's source, a Probe's handler).
 */
export interface MessagePlan {
  readonly fields: ReadonlyMap<number, Field>;
  readonly inlined: ReadonlyMap<number, MessagePlan>;
  /** Field numbers of both kinds, ascending: the order upstream writes them in. */
  readonly order: readonly number[];
}

const plans = new WeakMap<StructType, MessagePlan>();

export function messagePlan(struct: StructType): MessagePlan {
  let plan = plans.get(struct);
  if (plan === undefined) {
    plan = planOf(
      struct.fields.filter(({ pbNumber }) => pbNumber > 0),
      0,
    );
    plans.set(struct, plan);
  }
  return plan;
}

/** @param depth how many messages around the fields have been entered */
function planOf(all: readonly Field[], depth: number): MessagePlan {
  const fields = new Map<number, Field>();
  const nested = new Map<number, Field[]>();
  for (const field of all) {
    const around = field.pbPath[depth];
    if (around === undefined) {
      fields.set(field.pbNumber, field);
    } else {
      nested.set(around, [...(nested.get(around) ?? []), field]);
    }
  }
  const inlined = new Map([...nested].map(([number, inner]) => [number, planOf(inner, depth + 1)] as const));
  const order = [...fields.keys(), ...inlined.keys()].toSorted((left, right) => left - right);
  return { fields, inlined, order };
}
