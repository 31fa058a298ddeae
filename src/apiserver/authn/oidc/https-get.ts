import { once } from 'node:events';
import { request as httpsRequest } from 'node:https';
import type { IncomingMessage } from 'node:http';
import type { Clock } from '#base/clock.ts';

const TIMEOUT_MS = 30_000;
/** Longer answers are no configuration. */
const ANSWER_BYTES_MAX = 4 * 1024 * 1024;

/** Reads a small document. @throws {Error} it does not come, in time, with status 200 */
export async function httpsGet(url: string, authorityPem: string | undefined, clock: Clock): Promise<string> {
  const aborting = new AbortController();
  const timer = clock.schedule(TIMEOUT_MS, () => aborting.abort());
  try {
    const request = httpsRequest(url, {
      agent: false,
      signal: aborting.signal,
      headers: { accept: 'application/json' },
      ...(authorityPem === undefined ? {} : { ca: authorityPem }),
    });
    request.end();
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    const chunks: Buffer[] = [];
    let length = 0;
    for await (const chunk of response as AsyncIterable<Buffer>) {
      length += chunk.length;
      if (length > ANSWER_BYTES_MAX) {
        throw new Error(`the answer is longer than ${ANSWER_BYTES_MAX} bytes`);
      }
      chunks.push(chunk);
    }
    const body = Buffer.concat(chunks).toString();
    if (response.statusCode !== 200) {
      throw new Error(`${response.statusCode} ${response.statusMessage ?? ''}: ${body.slice(0, 1024)}`);
    }
    return body;
  } finally {
    timer.cancel();
  }
}
