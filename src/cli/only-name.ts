import { CliError } from './cli-error.ts';
import type { Invocation } from './command.ts';

/**
 * The one name that a verb takes; words behind `--` are not counted.
 *
 * @throws {CliError} there is none, or there are several
 */
export function onlyName({ args, dash, path }: Invocation): string {
  const named = dash === undefined ? args : args.slice(0, dash);
  const [name, ...more] = named;
  if (name === undefined || more.length > 0) {
    throw new CliError(
      `exactly one NAME is required, got ${named.length}\nSee '${path} -h' for help and examples`,
    );
  }
  return name;
}
