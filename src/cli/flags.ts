import { parseDurationMs } from '#api/time.ts';
import { CliError } from './cli-error.ts';

/** What a flag takes. `list` splits at commas, `array` keeps each occurrence whole; both may be repeated. */
export type FlagKind = 'bool' | 'text' | 'int' | 'list' | 'array' | 'duration';

export interface Flag {
  readonly name: string;
  /** One letter, for `-n`. */
  readonly short?: string;
  readonly kind: FlagKind;
  /** The value that `--name` alone stands for; such a flag takes a value only as `--name=value`. */
  readonly alone?: string;
  /** Value when the flag is absent. */
  readonly initial?: string;
  readonly isRequired?: boolean;
  /** A sentence for the help. */
  readonly about: string;
}

export interface ParsedLine {
  readonly flags: FlagValues;
  readonly args: readonly string[];
  /** How many of `args` came before a `--`; undefined without one. */
  readonly dash: number | undefined;
}

/** The values of the flags of one command line. Asking for a flag that the command does not have is a bug. */
export class FlagValues {
  readonly #values: ReadonlyMap<string, readonly string[]>;
  readonly #known: ReadonlyMap<string, Flag>;

  constructor(values: ReadonlyMap<string, readonly string[]>, known: ReadonlyMap<string, Flag>) {
    this.#values = values;
    this.#known = known;
  }

  /** Whether the command has such a flag at all. */
  isKnown(name: string): boolean {
    return this.#known.has(name);
  }

  /** Whether the flag stood on the command line. */
  has(name: string): boolean {
    return this.#values.has(name);
  }

  /** The same with some flags as if they had not been given. */
  without(names: ReadonlySet<string>): FlagValues {
    return new FlagValues(
      new Map([...this.#values].filter(([name]) => !names.has(name))),
      new Map([...this.#known].filter(([name]) => !names.has(name))),
    );
  }

  bool(name: string): boolean {
    return isTrue(this.text(name));
  }

  /** The last value, the initial one, or the empty string. */
  text(name: string): string {
    return this.#values.get(name)?.at(-1) ?? this.#known.get(name)?.initial ?? '';
  }

  int(name: string): number {
    return Number(this.text(name));
  }

  list(name: string): readonly string[] {
    const values = this.#values.get(name);
    const initial = this.#known.get(name)?.initial;
    const given = values ?? (initial === undefined || initial === '' ? [] : [initial]);
    return this.#known.get(name)?.kind === 'list' ? given.flatMap((value) => value.split(',')) : given;
  }

  /** Milliseconds; 0 when absent. */
  durationMs(name: string): number {
    return parseDurationMs(this.text(name)) ?? 0;
  }
}

/**
 * Reads a command line the way cobra does: flags anywhere before `--`, `--name=value` and `--name value`, letters
 * together (`-it`), a value right behind its letter (`-oyaml`).
 *
 * @param stopsAtFirstArg flags behind the first argument are left alone
 * @throws {CliError} with the sentence that users know
 */
export function parseFlags(
  words: readonly string[],
  flags: readonly Flag[],
  stopsAtFirstArg = false,
): ParsedLine {
  const parser = new FlagParser(words, flags, stopsAtFirstArg);
  return parser.parse();
}

class FlagParser {
  readonly #words: readonly string[];
  readonly #byName: ReadonlyMap<string, Flag>;
  readonly #byShort: ReadonlyMap<string, Flag>;
  readonly #stopsAtFirstArg: boolean;
  readonly #values = new Map<string, string[]>();
  #next = 0;

  constructor(words: readonly string[], flags: readonly Flag[], stopsAtFirstArg: boolean) {
    this.#words = words;
    this.#byName = new Map(flags.map((flag) => [flag.name, flag]));
    this.#byShort = new Map(
      flags.flatMap((flag) => (flag.short === undefined ? [] : [[flag.short, flag] as const])),
    );
    this.#stopsAtFirstArg = stopsAtFirstArg;
  }

  parse(): ParsedLine {
    const args: string[] = [];
    let dash: number | undefined;
    while (this.#next < this.#words.length) {
      const word = this.#words[this.#next] ?? '';
      this.#next += 1;
      if (word === '--') {
        dash = args.length;
        args.push(...this.#words.slice(this.#next));
        break;
      }
      if (word.startsWith('--')) {
        this.#long(word.slice(2));
      } else if (word.startsWith('-') && word !== '-') {
        this.#letters(word.slice(1));
      } else {
        args.push(word);
        if (this.#stopsAtFirstArg) {
          args.push(...this.#words.slice(this.#next));
          break;
        }
      }
    }
    return { flags: new FlagValues(this.#values, this.#byName), args, dash };
  }

  #long(text: string): void {
    const equals = text.indexOf('=');
    const name = (equals < 0 ? text : text.slice(0, equals)).replaceAll('_', '-');
    const flag = this.#byName.get(name);
    if (name === '' || name.startsWith('-')) {
      throw new CliError(`bad flag syntax: --${text}`);
    }
    if (flag === undefined) {
      throw new CliError(`unknown flag: --${name}`);
    }
    if (equals >= 0) {
      this.#set(flag, text.slice(equals + 1));
    } else {
      this.#set(flag, aloneValue(flag) ?? this.#value(`--${name}`));
    }
  }

  #letters(text: string): void {
    for (let index = 0; index < text.length; index++) {
      const letter = text.charAt(index);
      const flag = this.#byShort.get(letter);
      if (flag === undefined) {
        throw new CliError(`unknown shorthand flag: '${letter}' in -${text.slice(index)}`);
      }
      const rest = text.slice(index + 1);
      const alone = aloneValue(flag);
      if (rest.startsWith('=')) {
        this.#set(flag, rest.slice(1));
        return;
      }
      if (alone !== undefined) {
        this.#set(flag, alone);
      } else {
        this.#set(flag, rest === '' ? this.#value(`'${letter}' in -${text}`) : rest);
        return;
      }
    }
  }

  #value(what: string): string {
    const value = this.#words[this.#next];
    if (value === undefined) {
      throw new CliError(`flag needs an argument: ${what}`);
    }
    this.#next += 1;
    return value;
  }

  #set(flag: Flag, value: string): void {
    const problem = valueProblem(flag, value);
    if (problem !== undefined) {
      const name = flag.short === undefined ? `--${flag.name}` : `-${flag.short}, --${flag.name}`;
      throw new CliError(`invalid argument ${JSON.stringify(value)} for "${name}" flag: ${problem}`);
    }
    const values = this.#values.get(flag.name);
    if (values === undefined) {
      this.#values.set(flag.name, [value]);
    } else {
      values.push(value);
    }
  }
}

function aloneValue(flag: Flag): string | undefined {
  return flag.alone ?? (flag.kind === 'bool' ? 'true' : undefined);
}

const TRUE: ReadonlySet<string> = new Set(['1', 't', 'T', 'true', 'TRUE', 'True']);
const FALSE: ReadonlySet<string> = new Set(['0', 'f', 'F', 'false', 'FALSE', 'False']);

function isTrue(text: string): boolean {
  return TRUE.has(text);
}

function valueProblem({ kind }: Flag, value: string): string | undefined {
  switch (kind) {
    case 'bool':
      return TRUE.has(value) || FALSE.has(value)
        ? undefined
        : `strconv.ParseBool: parsing ${JSON.stringify(value)}: invalid syntax`;
    case 'int':
      return /^[-+]?\d+$/.test(value)
        ? undefined
        : `strconv.ParseInt: parsing ${JSON.stringify(value)}: invalid syntax`;
    case 'duration':
      return parseDurationMs(value) === undefined
        ? /^[-+]?[\d.]+$/.test(value)
          ? `time: missing unit in duration ${JSON.stringify(value)}`
          : `time: invalid duration ${JSON.stringify(value)}`
        : undefined;
    case 'text':
    case 'list':
    case 'array':
      return undefined;
  }
}
