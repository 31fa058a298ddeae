import assert from 'node:assert/strict';
import { StatusError } from '#api/status-error.ts';

/** `done`, or the refusal as `403 message`. */
export async function outcome(run: () => Promise<unknown>): Promise<string> {
  try {
    await run();
    return 'done';
  } catch (error) {
    assert.ok(error instanceof StatusError, String(error));
    return `${error.code} ${error.message}`;
  }
}
