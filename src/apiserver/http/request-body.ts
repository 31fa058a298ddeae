import type { IncomingMessage } from 'node:http';
import type { Http2ServerRequest } from 'node:http2';
import type { Readable } from 'node:stream';
import { badRequest, StatusError } from '#api/status-error.ts';
import type { CallBody } from '../endpoints/api-call.ts';

/** Largest body taken, as upstream's limit for resource requests. */
export const BODY_BYTES_MAX = 3 * 1024 * 1024;

/**
 * The body of a request, undefined for one that has none.
 *
 * @throws {StatusError} as {@link readBody}
 */
export async function bodyOf(request: IncomingMessage | Http2ServerRequest): Promise<CallBody | undefined> {
  if (request.method === 'GET' || request.method === 'HEAD') {
    return undefined;
  }
  const declared = request.headers['content-length'];
  const bytes = await readBody(request, declared === undefined ? undefined : Number(declared));
  return bytes.length === 0
    ? undefined
    : { kind: 'bytes', bytes, contentType: request.headers['content-type'] ?? 'application/json' };
}

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
