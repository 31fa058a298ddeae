import { StatusError } from '#api/status-error.ts';
import type { Status } from '#api/types/meta.v1.ts';
import { concatBytes, utf8Decode } from '#base/bytes.ts';
import type { Clock } from '#base/clock.ts';
import { deepFreeze, encodeJson } from '#codec/canonical.ts';
import { decodeJson } from '#codec/json-decode.ts';
import { type HttpAnswer, HttpConnection, type TlsIdentity } from './http-connection.ts';
import { refusal } from './refusal.ts';
import { methodOf, requestPath } from './request-path.ts';
import { textLines } from './text-lines.ts';
import type { ApiRequest, PatchType, Transport, WatchEvent, WatchRequest } from './transport.ts';
import { ConnectionError } from './transport.ts';

export interface HttpsTransportOptions extends TlsIdentity {
  /** `https://host:port`, with a path in front of the API's where a proxy has one. `http://` works too. */
  readonly server: string;
  /** Sent as a bearer token; a function is asked for each request, for tokens that change. */
  readonly token?: string | (() => string) | undefined;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  readonly userAgent?: string | undefined;
  readonly clock: Clock;
}

const PATCH_CONTENT_TYPES: Readonly<Record<PatchType, string>> = {
  json: 'application/json-patch+json',
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  apply: 'application/apply-patch+yaml',
};

/** Answers 429 and 5xx that name a delay are tried again so often. */
const RETRIES_MAX = 10;

/** A {@link Transport} to a server over HTTPS, in JSON. Connects on first use; close it to let the connection go. */
export class HttpsTransport implements Transport, AsyncDisposable {
  readonly #options: HttpsTransportOptions;
  readonly #connection: HttpConnection;
  /** Path in front of every request, without a slash at its end. */
  readonly #base: string;

  constructor(options: HttpsTransportOptions) {
    const origin = new URL(options.server);
    this.#options = options;
    this.#base = origin.pathname.replace(/\/+$/, '');
    this.#connection = new HttpConnection(origin, options, options.clock);
  }

  async request(request: ApiRequest, signal?: AbortSignal): Promise<unknown> {
    const { verb, body, patchType } = request;
    const contentType = patchType === undefined ? 'application/json' : PATCH_CONTENT_TYPES[patchType];
    for (let attempt = 0; ; attempt++) {
      const answer = await this.#connection.send(
        {
          method: methodOf(verb),
          path: this.#base + requestPath(request),
          headers: { ...this.#headers(), ...(body === undefined ? {} : { 'content-type': contentType }) },
          ...(body === undefined ? {} : { body: encodeJson(body) }),
        },
        signal,
      );
      const text = utf8Decode(await readAll(answer));
      if (answer.status < 300) {
        return deepFreeze(parse(text));
      }
      const retryAfter = answer.headers['retry-after'];
      const mayRetry = answer.status === 429 || answer.status >= 500;
      if (!mayRetry || typeof retryAfter !== 'string' || attempt >= RETRIES_MAX) {
        throw refusal(answer.status, text);
      }
      await this.#options.clock.sleep(Number(retryAfter) * 1000 || 1000, signal);
    }
  }

  async *watch({ query, ...target }: WatchRequest, signal: AbortSignal): AsyncIterable<WatchEvent> {
    try {
      const answer = await this.#connection.send(
        {
          method: 'GET',
          path: this.#base + requestPath({ ...target, query: { ...query, watch: 'true' } }),
          headers: this.#headers(),
        },
        signal,
      );
      if (answer.status >= 300) {
        throw refusal(answer.status, utf8Decode(await readAll(answer)));
      }
      for await (const line of textLines(answer.body)) {
        yield watchEvent(line);
      }
    } catch (error) {
      // Ending a watch by its signal is its ordinary end.
      if (!signal.aborted) {
        throw error;
      }
    }
  }

  close(): Promise<void> {
    return this.#connection.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #headers(): Readonly<Record<string, string>> {
    const { token, username, password = '', userAgent = 'coracle' } = this.#options;
    const bearer = typeof token === 'function' ? token() : token;
    const credentials =
      bearer !== undefined
        ? `Bearer ${bearer}`
        : username !== undefined
          ? `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`
          : undefined;
    return {
      accept: 'application/json',
      'user-agent': userAgent,
      ...(credentials === undefined ? {} : { authorization: credentials }),
    };
  }
}

function watchEvent(line: string): WatchEvent {
  const event = parse(line) as { readonly type: string; readonly object: unknown };
  if (event.type === 'ERROR') {
    const status = event.object as Partial<Status>;
    throw StatusError.fromStatus(status, status.code ?? 500);
  }
  // The server sends the types of the watch protocol and nothing else.
  return deepFreeze(event) as WatchEvent;
}

async function readAll({ body }: HttpAnswer): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) {
    chunks.push(chunk);
  }
  return concatBytes(chunks);
}

function parse(text: string): unknown {
  try {
    return decodeJson(text);
  } catch (cause) {
    throw new ConnectionError('the answer is not JSON', { cause });
  }
}
