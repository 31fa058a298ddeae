import { StatusError } from '#api/status-error.ts';

/** What becomes of an error that upstream gives no reason. */
export function plainError(message: string): StatusError {
  return new StatusError({ code: 500, reason: '', message });
}
