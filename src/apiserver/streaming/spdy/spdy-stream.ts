import { Duplex } from 'node:stream';

/** How a stream reaches its connection. */
export interface SpdyStreamPort {
  sendData(data: Buffer, isLast: boolean, callback: (error?: Error | null) => void): void;
  sendReset(): void;
  onClose(): void;
}

const EMPTY = Buffer.alloc(0);

/** One stream of a SPDY connection. Ending it closes our half; destroying it before both halves ended resets it. */
export class SpdyStream extends Duplex {
  readonly id: number;
  readonly #port: SpdyStreamPort;
  #wasReset = false;
  #isInputDone = false;
  #isOutputDone = false;
  #wakeReader: (() => void) | undefined;

  constructor(id: number, port: SpdyStreamPort) {
    super({ allowHalfOpen: true });
    this.id = id;
    this.#port = port;
    // A stream is reset when its client goes away; whoever uses it learns that from its end.
    this.on('error', () => undefined);
  }

  /** The client gave the stream up, which is an ordinary way to end a connection. */
  get wasReset(): boolean {
    return this.#wasReset;
  }

  /** Takes data from the client. Resolves when there is room for more. */
  async receive(data: Buffer, isLast: boolean): Promise<void> {
    const hasRoom = this.#isInputDone || this.destroyed || data.length === 0 || this.push(data);
    if (isLast) {
      this.endInput();
      return;
    }
    if (!hasRoom) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wakeReader = resolve;
      await promise;
    }
  }

  /** The client sends no more. */
  endInput(): void {
    if (!this.#isInputDone) {
      this.#isInputDone = true;
      this.push(null);
    }
  }

  /** The client wants no more of this stream, in either direction. */
  reset(): void {
    this.#wasReset = true;
    this.#isInputDone = true;
    this.#isOutputDone = true;
    this.destroy();
  }

  override _read(): void {
    this.#wakeReader?.();
    this.#wakeReader = undefined;
  }

  override _write(chunk: Buffer, _: BufferEncoding, callback: (error?: Error | null) => void): void {
    this.#port.sendData(chunk, false, callback);
  }

  override _final(callback: (error?: Error | null) => void): void {
    this.#isOutputDone = true;
    this.#port.sendData(EMPTY, true, callback);
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#wakeReader?.();
    this.#wakeReader = undefined;
    if (!this.#isInputDone || !this.#isOutputDone) {
      this.#port.sendReset();
    }
    this.#port.onClose();
    callback(error);
  }
}
