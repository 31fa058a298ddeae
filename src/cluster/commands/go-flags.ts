import { UsageError } from './command-line.ts';

/** The flags of a program of upstream's, by what follows them. */
export interface FlagTable {
  /** Followed by a value: `--name=value` or `--name value`. */
  readonly values: readonly string[];
  /** Followed by nothing, or by `=true` or `=false`. */
  readonly switches: readonly string[];
}

/** A command line in the form that Go programs take: one dash or two, a value after `=` or a blank. */
export class GoFlags {
  readonly #given = new Map<string, string[]>();

  /**
   * Underscores count as dashes.
   *
   * @throws {UsageError} an unknown flag, a value that is missing, a switch that is neither on nor off, or a word
   */
  constructor(args: readonly string[], { values, switches }: FlagTable) {
    const isSwitch = new Map([
      ...values.map((name) => [name, false] as const),
      ...switches.map((name) => [name, true] as const),
    ]);
    for (let index = 0; index < args.length; index++) {
      const arg = args[index] ?? '';
      const match = /^--?([A-Za-z][\w.-]*)(?:=([^]*))?$/.exec(arg);
      if (match === null) {
        throw new UsageError(`unknown command ${JSON.stringify(arg)}`);
      }
      const name = (match[1] ?? '').replaceAll('_', '-');
      const known = isSwitch.get(name);
      if (known === undefined) {
        throw new UsageError(`unknown flag: --${name}`);
      }
      const value = match[2] ?? (known ? 'true' : args[++index]);
      if (value === undefined) {
        throw new UsageError(`flag needs an argument: --${name}`);
      }
      if (known && readSwitch(value) === undefined) {
        throw new UsageError(
          `invalid argument ${JSON.stringify(value)} for "--${name}" flag: strconv.ParseBool: parsing ${JSON.stringify(value)}: invalid syntax`,
        );
      }
      this.#given.set(name, [...(this.#given.get(name) ?? []), value]);
    }
  }

  /** The last value given; empty is as left out. */
  text(name: string): string | undefined {
    const value = this.#given.get(name)?.at(-1);
    return value === '' ? undefined : value;
  }

  /** All values given, each taken apart at its commas. */
  list(name: string): readonly string[] {
    return (this.#given.get(name) ?? []).flatMap((value) => value.split(',')).filter((part) => part !== '');
  }

  isOn(name: string, byDefault: boolean): boolean {
    return readSwitch(this.#given.get(name)?.at(-1) ?? String(byDefault)) ?? byDefault;
  }

  /** Flags that were given but are not among those that something is done with, in order. */
  without(honored: readonly string[]): readonly string[] {
    return [...this.#given.keys()].filter((name) => !honored.includes(name));
  }
}

/** As Go's `strconv.ParseBool`. */
function readSwitch(text: string): boolean | undefined {
  if (['1', 't', 'T', 'true', 'TRUE', 'True'].includes(text)) {
    return true;
  }
  return ['0', 'f', 'F', 'false', 'FALSE', 'False'].includes(text) ? false : undefined;
}

/** One flag a line, in the form in which test frameworks look for them. */
export function flagHelp({ values, switches }: FlagTable): string {
  return [...values.map((name) => `      --${name} string`), ...switches.map((name) => `      --${name}`)]
    .toSorted()
    .join('\n');
}
