import { CliError } from './cli-error.ts';

/** What `key=value` and `key-` words ask for. */
export interface KeyChanges {
  readonly set: Readonly<Record<string, string>>;
  readonly removed: readonly string[];
}

/** Splits arguments into those that name objects and those that change keys: `key=value`, `key-`. */
export function splitKeyChanges(
  args: readonly string[],
  what: string,
): { readonly resources: readonly string[]; readonly changes: KeyChanges } {
  const isChange = (arg: string): boolean => arg.includes('=') || arg.endsWith('-');
  const start = args.findIndex(isChange);
  const words = start < 0 ? [] : args.slice(start);
  const stray = words.find((word) => !isChange(word));
  if (stray !== undefined) {
    throw new CliError(`all resources must be specified before ${what} changes: ${stray}`);
  }
  const set: Record<string, string> = {};
  const removed: string[] = [];
  for (const word of words) {
    const equals = word.indexOf('=');
    if (equals > 0) {
      set[word.slice(0, equals)] = word.slice(equals + 1);
    } else if (word.endsWith('-')) {
      removed.push(word.slice(0, -1));
    } else {
      throw new CliError(`unknown ${what} spec: ${word}`);
    }
  }
  const both = removed.find((key) => Object.hasOwn(set, key));
  if (both !== undefined) {
    throw new CliError(
      `can not both modify and remove a${what.startsWith('a') ? 'n' : ''} ${what} in the same command`,
    );
  }
  return { resources: start < 0 ? args : args.slice(0, start), changes: { set, removed } };
}
