import { once } from 'node:events';
import {
  Agent as HttpAgent,
  request as httpRequest,
  type IncomingMessage,
  type RequestOptions,
} from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { Clock } from '#base/clock.ts';
import { describeError } from '#base/log.ts';
import { readAtMost } from '#base/read-at-most.ts';
import type { ReviewServer } from './kubeconfig.ts';

/** Answers past this are no reviews. */
const ANSWER_BYTES_MAX = 8 * 1024 * 1024;
const SOCKETS_MAX = 100;
const IDLE_MS = 60_000;
/** Upstream's backoff: five tries, the pauses growing by half. */
const TRIES = 5;
const PAUSE_MS = 500;
const PAUSE_GROWTH = 1.5;

/** Somebody who should judge did not answer as one who does. */
export class ReviewError extends Error {
  override readonly name = 'ReviewError';
  readonly code = 'apiserver/review-webhook';
}

/** Whether another try may do better. */
class PassingError extends ReviewError {}

/** Asks another program to judge: posts reviews, and tries again while it is not there. */
export class ReviewWebhook implements Disposable {
  readonly #server: ReviewServer;
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #agent: HttpAgent | HttpsAgent;

  /** @param timeoutMs for all tries of one review together */
  constructor(server: ReviewServer, clock: Clock, timeoutMs: number) {
    this.#server = server;
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
    const keeping = { keepAlive: true, maxSockets: SOCKETS_MAX, timeout: IDLE_MS };
    this.#agent =
      server.url.protocol === 'http:'
        ? new HttpAgent(keeping)
        : new HttpsAgent({ ...keeping, ...tlsOf(server) });
  }

  /** The review as the other side answered it. @throws {ReviewError} */
  async ask<T>(review: object): Promise<T> {
    const aborting = new AbortController();
    const timer = this.#clock.schedule(this.#timeoutMs, () => aborting.abort());
    try {
      return await this.#tryOften<T>(JSON.stringify(review), aborting.signal);
    } catch (error) {
      if (aborting.signal.aborted) {
        throw new ReviewError(`Post ${JSON.stringify(this.#server.url.href)}: context deadline exceeded`, {
          cause: error,
        });
      }
      throw error;
    } finally {
      timer.cancel();
    }
  }

  [Symbol.dispose](): void {
    this.#agent.destroy();
  }

  async #tryOften<T>(body: string, signal: AbortSignal): Promise<T> {
    let pauseMs = PAUSE_MS;
    for (let tries = 1; ; tries++) {
      try {
        return await this.#send<T>(body, signal);
      } catch (error) {
        if (!(error instanceof PassingError) || tries >= TRIES) {
          throw error;
        }
      }
      await this.#clock.sleep(pauseMs, signal);
      pauseMs *= PAUSE_GROWTH;
    }
  }

  async #send<T>(body: string, signal: AbortSignal): Promise<T> {
    const { url, token } = this.#server;
    const options: RequestOptions = {
      agent: this.#agent,
      method: 'POST',
      signal,
      headers: {
        accept: 'application/json',
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(body),
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      },
    };
    const { code, text } = await exchange(url, options, body).catch((error: unknown) => {
      throw new PassingError(`Post ${JSON.stringify(url.href)}: ${describeError(error)}`, { cause: error });
    });
    if (code === 429 || code >= 500) {
      throw new PassingError(
        `an error on the server (${JSON.stringify(text.slice(0, 2048))}) has prevented the request from succeeding`,
      );
    }
    if (code < 200 || code >= 300) {
      throw new ReviewError(`the server rejected our request for an unknown reason (status ${code})`);
    }
    try {
      return JSON.parse(text) as T;
    } catch (error) {
      throw new ReviewError(`couldn't decode the answer: ${describeError(error)}`, { cause: error });
    }
  }
}

function tlsOf({ authorityPem, isInsecure, serverName, certificatePem, keyPem }: ReviewServer): object {
  return {
    rejectUnauthorized: !isInsecure,
    ...(authorityPem === undefined ? {} : { ca: authorityPem }),
    ...(serverName === undefined ? {} : { servername: serverName }),
    ...(certificatePem === undefined ? {} : { cert: certificatePem }),
    ...(keyPem === undefined ? {} : { key: keyPem }),
  };
}

async function exchange(
  url: URL,
  options: RequestOptions,
  body: string,
): Promise<{ readonly code: number; readonly text: string }> {
  const request = url.protocol === 'http:' ? httpRequest(url, options) : httpsRequest(url, options);
  request.end(body);
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  const text = (await readAtMost(response, ANSWER_BYTES_MAX)).toString();
  return { code: response.statusCode ?? 0, text };
}
