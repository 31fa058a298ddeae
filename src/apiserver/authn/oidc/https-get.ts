import { once } from 'node:events';
import { request as httpsRequest } from 'node:https';
import type { IncomingMessage } from 'node:http';
import type { Clock } from '#base/clock.ts';
import { readAtMost } from '#base/read-at-most.ts';

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
    const body = (await readAtMost(response, ANSWER_BYTES_MAX)).toString();
    if (response.statusCode !== 200) {
      throw new Error(`${response.statusCode} ${response.statusMessage ?? ''}: ${body.slice(0, 1024)}`);
    }
    return body;
  } finally {
    timer.cancel();
  }
}
