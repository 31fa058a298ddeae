import type { Clock } from '#base/clock.ts';
import { LineLogger, type Logger, type LogLevel } from '#base/log.ts';
import { UsageError } from './command-line.ts';

/** Lines on standard error. @throws {UsageError} for an unknown level */
export function createLog(clock: Clock, level: string): Logger {
  if (level !== 'debug' && level !== 'info' && level !== 'warn' && level !== 'error') {
    throw new UsageError(`--log-level takes debug, info, warn or error, not ${JSON.stringify(level)}`);
  }
  return new LineLogger(
    (line) => process.stderr.write(line),
    () => clock.nowMs(),
    level satisfies LogLevel,
  );
}
