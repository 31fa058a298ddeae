import { Agent as HttpAgent, request as httpRequest, type RequestOptions } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { buffer } from 'node:stream/consumers';
import type { IncomingMessage } from 'node:http';
import type { Clock } from '#base/clock.ts';
import type { ExtenderTls } from './extender-options.ts';

export interface PostedAnswer {
  readonly status: number;
  readonly text: string;
}

/** Sends JSON to an extender and waits for the whole answer. Close it to let its connections go. */
export interface Poster {
  /** @throws {Error} there was no answer, or the signal fired */
  post(url: string, json: string, signal: AbortSignal): Promise<PostedAnswer>;
  close(): void;
}

/** Makes the poster of one extender. */
export type PosterFactory = (options: {
  readonly timeoutMs: number;
  readonly tls: ExtenderTls | undefined;
}) => Poster;

/** Speaks HTTP or HTTPS as each URL says. */
export function httpPosters(clock: Clock): PosterFactory {
  return ({ timeoutMs, tls }) => {
    const plain = new HttpAgent({ keepAlive: true });
    const secure = new HttpsAgent({ keepAlive: true, ...tlsOptions(tls) });
    return {
      async post(url, json, signal) {
        const deadline = new AbortController();
        const timer = clock.schedule(timeoutMs, () =>
          deadline.abort(new Error(`no answer within ${timeoutMs} ms`)),
        );
        try {
          const isSecure = url.startsWith('https:');
          const options = {
            method: 'POST',
            agent: isSecure ? secure : plain,
            headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(json) },
            signal: AbortSignal.any([signal, deadline.signal]),
          };
          const response = await send(isSecure ? httpsRequest : httpRequest, { url, json, options });
          return { status: response.statusCode ?? 0, text: (await buffer(response)).toString('utf8') };
        } catch (error) {
          throw deadline.signal.aborted ? deadline.signal.reason : error;
        } finally {
          timer.cancel();
        }
      },
      close() {
        plain.destroy();
        secure.destroy();
      },
    };
  };
}

function send(
  request: typeof httpRequest,
  { url, json, options }: { readonly url: string; readonly json: string; readonly options: RequestOptions },
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request(url, options, resolve).on('error', reject).end(json);
  });
}

function tlsOptions(tls: ExtenderTls | undefined): ConstructorParameters<typeof HttpsAgent>[0] {
  const { ca, cert, key, serverName, isInsecure = false } = tls ?? {};
  return {
    rejectUnauthorized: ca !== undefined && !isInsecure,
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(serverName === undefined ? {} : { servername: serverName }),
  };
}
