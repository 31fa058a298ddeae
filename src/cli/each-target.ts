import { StatusError } from '#api/status-error.ts';
import { CliError, silentExit } from './cli-error.ts';
import { failureOf } from './error-text.ts';
import type { Session } from './session.ts';

/**
 * Does the same with each item; a refusal is printed and the rest goes on.
 *
 * @throws {CliError} at the end, when anything was refused
 */
export async function eachTarget<T>(
  session: Session,
  items: readonly T[],
  act: (item: T) => Promise<void>,
): Promise<void> {
  if (items.length === 1 && items[0] !== undefined) {
    await act(items[0]);
    return;
  }
  let failed = false;
  for (const item of items) {
    try {
      await act(item);
    } catch (error) {
      if (!(error instanceof StatusError || error instanceof CliError)) {
        throw error;
      }
      failed = true;
      session.printError(failureOf(error, () => session.client.target.server).text);
    }
  }
  if (failed) {
    throw silentExit(1);
  }
}

/** `error when creating "web.yaml": …`: says which file a refusal is about. */
export function withSource(error: unknown, verb: string, source: string): unknown {
  return error instanceof StatusError && source !== ''
    ? new StatusError(
        {
          code: error.code,
          reason: error.reason,
          message: `error when ${verb} ${JSON.stringify(source)}: ${error.message}`,
          details: error.details,
        },
        error,
      )
    : error;
}
