import { StatusError } from '#api/status-error.ts';
import { concatBytes, utf8Decode } from '#base/bytes.ts';
import type { Clock } from '#base/clock.ts';
import { encodeJson } from '#codec/canonical.ts';
import { decodeJson, JsonDecodeError } from '#codec/json-decode.ts';
import { type HttpAnswer, HttpConnection, type HttpRequest } from '#client/http-connection.ts';
import type { HttpsTransportOptions } from '#client/https-transport.ts';
import { refusal } from '#client/refusal.ts';
import { textLines } from '#client/text-lines.ts';
import { isRecord } from '#codec/own-property.ts';

/** Query parameters; undefined and empty ones are left out. */
export type Query = Readonly<Record<string, string | readonly string[] | undefined>>;

export interface RestRequest {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly query?: Query;
  /** Sent as JSON; text and bytes go out as they are. */
  readonly body?: unknown;
  readonly contentType?: string;
  readonly accept?: string;
}

export interface RestTarget extends Omit<HttpsTransportOptions, 'clock' | 'userAgent'> {
  /** Headers of every request: whom to act as. */
  readonly headers: Readonly<Record<string, string>>;
  /** 0 waits without end. */
  readonly timeoutMs: number;
}

/** A change that a watch reports; the object may be a table. */
export interface RestWatchEvent {
  readonly type: string;
  readonly object: unknown;
}

/** Requests by path, for a program that learns the resources from the server it talks to. */
export class RestClient implements AsyncDisposable {
  readonly target: RestTarget;
  readonly #connection: HttpConnection;
  readonly #clock: Clock;
  readonly #onWarning: (text: string) => void;
  readonly #base: string;

  /** @param onWarning is told each warning the server sends along */
  constructor(target: RestTarget, clock: Clock, onWarning: (text: string) => void) {
    const origin = new URL(target.server);
    this.target = target;
    this.#base = origin.pathname.replace(/\/+$/, '');
    this.#connection = new HttpConnection(origin, target, clock);
    this.#clock = clock;
    this.#onWarning = onWarning;
  }

  /**
   * Sends one request and reads the answer as JSON; other text comes back as a string.
   *
   * @throws {StatusError}     the server refused
   * @throws {ConnectionError} no answer came
   */
  async request(request: RestRequest, signal?: AbortSignal): Promise<unknown> {
    const text = await this.requestText(request, signal);
    try {
      return decodeJson(text);
    } catch (error) {
      if (error instanceof JsonDecodeError) {
        return text;
      }
      throw error;
    }
  }

  async requestText(request: RestRequest, signal?: AbortSignal): Promise<string> {
    const { timeoutMs } = this.target;
    const ending = new AbortController();
    const timer =
      timeoutMs === 0
        ? undefined
        : this.#clock.schedule(timeoutMs, () => ending.abort(timeoutError(request)));
    try {
      const signals = signal === undefined ? ending.signal : AbortSignal.any([signal, ending.signal]);
      const answer = await this.#send(request, signals);
      return utf8Decode(await readAll(answer));
    } finally {
      timer?.cancel();
    }
  }

  /** The body as it comes, for logs. */
  async *stream(request: RestRequest, signal?: AbortSignal): AsyncIterable<Uint8Array> {
    try {
      yield* (await this.#send(request, signal)).body;
    } catch (error) {
      if (signal?.aborted !== true) {
        throw error;
      }
    }
  }

  /** Changes until the server ends the watch or `signal` fires. */
  async *watch(request: RestRequest, signal: AbortSignal): AsyncIterable<RestWatchEvent> {
    try {
      const answer = await this.#send({ ...request, query: { ...request.query, watch: 'true' } }, signal);
      for await (const line of textLines(answer.body)) {
        const event = decodeJson(line);
        if (!isRecord(event)) {
          continue;
        }
        if (event['type'] === 'ERROR') {
          throw StatusError.fromStatus(isRecord(event['object']) ? event['object'] : {}, 500);
        }
        yield { type: String(event['type']), object: event['object'] };
      }
    } catch (error) {
      if (!signal.aborted) {
        throw error;
      }
    }
  }

  /** Sends another's request with this client's identity; the answer comes as it is, refusals too. */
  passOn(request: HttpRequest, signal: AbortSignal): Promise<HttpAnswer> {
    const headers = { ...this.#headers(), ...request.headers };
    return this.#connection.send({ ...request, path: this.#base + request.path, headers }, signal);
  }

  /** Where a WebSocket for the path is opened, and with which headers. */
  webSocketAddress(
    path: string,
    query: Query,
  ): { readonly url: string; readonly headers: Readonly<Record<string, string>> } {
    const url = new URL(this.target.server);
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
    return { url: `${url.origin}${this.#base}${pathWithQuery(path, query)}`, headers: this.#headers() };
  }

  close(): Promise<void> {
    return this.#connection.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #send(request: RestRequest, signal: AbortSignal | undefined): Promise<HttpAnswer> {
    const { method = 'GET', path, query = {}, body, contentType = 'application/json', accept } = request;
    const answer = await this.#connection.send(
      {
        method,
        path: this.#base + pathWithQuery(path, query),
        headers: {
          ...this.#headers(),
          accept: accept ?? 'application/json',
          ...(body === undefined ? {} : { 'content-type': contentType }),
        },
        ...(body === undefined ? {} : { body: bodyOf(body) }),
      },
      signal,
    );
    this.#reportWarnings(answer.headers['warning']);
    if (answer.status >= 300) {
      throw refusal(answer.status, utf8Decode(await readAll(answer)));
    }
    return answer;
  }

  #headers(): Readonly<Record<string, string>> {
    const { token, username, password = '', headers } = this.target;
    const bearer = typeof token === 'function' ? token() : token;
    const authorization =
      bearer !== undefined && bearer !== ''
        ? `Bearer ${bearer}`
        : username === undefined || username === ''
          ? undefined
          : `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
    return {
      'user-agent': 'coracle-kubectl',
      ...headers,
      ...(authorization === undefined ? {} : { authorization }),
    };
  }

  #reportWarnings(header: string | readonly string[] | undefined): void {
    const text = typeof header === 'string' ? header : (header ?? []).join(', ');
    for (const [, quoted = ''] of text.matchAll(/\d{3} \S+ "((?:[^"\\]|\\.)*)"/g)) {
      this.#onWarning(quoted.replaceAll(/\\(.)/g, '$1'));
    }
  }
}

function bodyOf(body: unknown): string | Uint8Array {
  return typeof body === 'string' || body instanceof Uint8Array ? body : encodeJson(body);
}

function pathWithQuery(path: string, query: Query): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    for (const each of typeof value === 'string' ? [value] : (value ?? [])) {
      if (each !== '') {
        parameters.append(name, each);
      }
    }
  }
  const text = parameters.toString();
  return text === '' ? path : `${path}${path.includes('?') ? '&' : '?'}${text}`;
}

async function readAll({ body }: HttpAnswer): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) {
    chunks.push(chunk);
  }
  return concatBytes(chunks);
}

function timeoutError({ method = 'GET', path }: RestRequest): Error {
  return new StatusError({
    code: 504,
    reason: 'Timeout',
    message: `${method} ${path}: the request did not finish within --request-timeout`,
  });
}
