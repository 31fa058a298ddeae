import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs, type ParseArgsOptionsConfig } from 'node:util';
import { DataDirectory } from '../data-directory.ts';

/** The words of a command line do not fit together. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
  readonly code = 'cluster/usage';
}

/** Options that every verb about a cluster takes. */
export const DIRECTORY_OPTION = {
  'data-dir': { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const;

/** As `util.parseArgs`, with a {@link UsageError} for what does not fit. */
export function parseOptions<T extends ParseArgsOptionsConfig>(
  args: readonly string[],
  options: T,
): ReturnType<
  typeof parseArgs<{ args: string[]; options: T; strict: true; allowPositionals: false }>
>['values'] {
  try {
    return parseArgs({ args: [...args], options, strict: true, allowPositionals: false }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

/** As {@link parseOptions}, for verbs that also take words. */
export function parseWords<T extends ParseArgsOptionsConfig>(
  args: readonly string[],
  options: T,
): {
  readonly values: ReturnType<typeof parseOptions<T>>;
  readonly words: readonly string[];
} {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      options,
      strict: true,
      allowPositionals: true,
    });
    return { values, words: positionals };
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

/** The cluster's data directory: `--data-dir`, `$CORACLE_DATA_DIR`, or `~/.coracle`. */
export function directoryOf(option: string | undefined): DataDirectory {
  return new DataDirectory(resolve(option ?? process.env['CORACLE_DATA_DIR'] ?? join(homedir(), '.coracle')));
}

/** @throws {UsageError} */
export function readPort(text: string | undefined): number | undefined {
  if (text === undefined) {
    return undefined;
  }
  const port = Number(text);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new UsageError(`--port takes a number from 0 to 65535, not ${JSON.stringify(text)}`);
  }
  return port;
}
