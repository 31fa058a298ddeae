import {
  ConnectionError,
  type ApiRequest,
  type Transport,
  type WatchEvent,
  type WatchRequest,
} from '#client/transport.ts';

/** The way of one node to the API server, which can be cut. */
export class CutTransport implements Transport {
  readonly #inner: Transport;
  #cut = new AbortController();

  constructor(inner: Transport) {
    this.#inner = inner;
  }

  cut(): void {
    this.#cut.abort();
  }

  mend(): void {
    this.#cut = new AbortController();
  }

  async request(request: ApiRequest, signal?: AbortSignal): Promise<unknown> {
    this.#throwIfCut();
    const answer = await this.#inner.request(request, signal);
    this.#throwIfCut();
    return answer;
  }

  async *watch(request: WatchRequest, signal: AbortSignal): AsyncGenerator<WatchEvent> {
    this.#throwIfCut();
    yield* this.#inner.watch(request, AbortSignal.any([signal, this.#cut.signal]));
    if (!signal.aborted) {
      this.#throwIfCut();
    }
  }

  #throwIfCut(): void {
    if (this.#cut.signal.aborted) {
      throw new ConnectionError('the node is cut off from the API server (injected fault)');
    }
  }
}
