/** A number, or a string that is a percentage (`25%`) or a port's name. */
export type IntOrString = number | string;

/** Which way a fraction of a percentage goes. */
export type Rounding = 'up' | 'down';

/**
 * The count that a number or a percentage of `total` stands for.
 * Undefined when it is a string other than a percentage.
 */
export function scaledValue(value: IntOrString, total: number, rounding: Rounding): number | undefined {
  if (typeof value === 'number') {
    return value;
  }
  const percent = percentOf(value);
  if (percent === undefined) {
    return undefined;
  }
  const exact = (percent * total) / 100;
  return rounding === 'up' ? Math.ceil(exact) : Math.floor(exact);
}

/** The number in `25%`, or undefined. */
export function percentOf(value: string): number | undefined {
  return /^[0-9]+%$/.test(value) ? Number(value.slice(0, -1)) : undefined;
}
