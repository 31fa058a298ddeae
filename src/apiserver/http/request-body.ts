import type { Readable } from 'node:stream';
import { badRequest, StatusError } from '#api/status-error.ts';

/** Largest body taken, as upstream's limit for resource requests. */
export const BODY_BYTES_MAX = 3 * 1024 * 1024;

/**
 * Reads a request's body whole.
 *
 * @throws {StatusError} RequestEntityTooLarge past {@link BODY_BYTES_MAX}, BadRequest when the client leaves in the middle
 */
export async function readBody(request: Readable, declaredLength: number | undefined): Promise<Uint8Array> {
  if (declaredLength !== undefined && declaredLength > BODY_BYTES_MAX) {
    throw tooLarge();
  }
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      length += chunk.length;
      if (length > BODY_BYTES_MAX) {
        throw tooLarge();
      }
      chunks.push(chunk);
    }
  } catch (error) {
    // What a stream itself fails with is that its client is gone.
    throw error instanceof StatusError ? error : badRequest('the body of the request was cut short');
  }
  const [only] = chunks;
  return chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks, length);
}

function tooLarge(): StatusError {
  return new StatusError({
    code: 413,
    reason: 'RequestEntityTooLarge',
    message: `Request entity too large: limit is ${BODY_BYTES_MAX}`,
  });
}
