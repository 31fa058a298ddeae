import type { Duplex } from 'node:stream';
import type { Clock, Timer } from '#base/clock.ts';
import {
  controlFrame,
  dataFrame,
  FLAG_FIN,
  FRAME_TYPES,
  FrameReader,
  RESET,
  uint32s,
  type Frame,
} from './frames.ts';
import { HeaderReader, HeaderWriter, type SpdyHeaders } from './header-block.ts';
import { SpdyError } from './spdy-error.ts';
import { SpdyStream } from './spdy-stream.ts';

export interface SpdyConnectionOptions {
  readonly clock: Clock;
  readonly pingIntervalMs: number;
  /** Decides about a stream the client opens, at once; false refuses it. */
  readonly onStream: (stream: SpdyStream, headers: SpdyHeaders) => boolean;
}

/** Streams open at once; kubectl opens five for a command, and two for each forwarded connection. */
const STREAMS_MAX = 2_000;

/** How long a client may take to hang up after all was said. */
const LINGER_MS = 10_000;

/**
 * The server's side of SPDY/3.1, as much of it as Kubernetes' clients speak: streams opened by the client,
 * data both ways, half-closing, resets and pings. Neither side of theirs keeps flow-control windows; the
 * connection as a whole is held up instead, by not being read while a stream's reader is behind.
 */
export class SpdyConnection {
  readonly #transport: Duplex;
  readonly #options: SpdyConnectionOptions;
  readonly #streams = new Map<number, SpdyStream>();
  readonly #frames = new FrameReader();
  readonly #headerReader = new HeaderReader();
  readonly #headerWriter = new HeaderWriter();
  #pingId = 2;
  #isAlive = true;
  #pingTimer: Timer | undefined;
  #lingerTimer: Timer | undefined;
  /** While a stream's reader is behind, the peer cannot be heard, and its silence says nothing. */
  #isStalled = false;

  constructor(transport: Duplex, options: SpdyConnectionOptions) {
    this.#transport = transport;
    this.#options = options;
  }

  /** Serves until the connection ends, whoever ends it; then every stream is destroyed. Never rejects. */
  async run(head: Buffer): Promise<void> {
    const { clock, pingIntervalMs } = this.#options;
    this.#pingTimer = clock.schedule(pingIntervalMs, () => this.#checkLife());
    // A stream that holds up the connection has to learn that the connection is gone, or it would for ever.
    this.#transport.once('close', () => this.#endStreams());
    try {
      await this.#take(head);
      for await (const chunk of this.#transport) {
        this.#isAlive = true;
        await this.#take(chunk as Buffer);
      }
    } catch (error) {
      // The peer broke off or broke the rules: either way there is nobody left to tell but the streams.
      this.#transport.destroy(error instanceof SpdyError ? error : undefined);
    } finally {
      this.#pingTimer.cancel();
      this.#lingerTimer?.cancel();
      this.#headerReader.close();
      this.#endStreams();
      this.#transport.destroy();
    }
  }

  /**
   * Gives the client time to read what was written, and to hang up, before the connection is ended here: Go's
   * clients throw away what they have not read yet when the other side hangs up first.
   */
  close(): void {
    this.#lingerTimer ??= this.#options.clock.schedule(LINGER_MS, () => this.#transport.destroy());
  }

  #endStreams(): void {
    for (const stream of this.#streams.values()) {
      stream.endInput();
      stream.destroy();
    }
  }

  async #take(chunk: Buffer): Promise<void> {
    this.#frames.push(chunk);
    for (let frame = this.#frames.next(); frame !== undefined; frame = this.#frames.next()) {
      await this.#handle(frame);
    }
  }

  async #handle(frame: Frame): Promise<void> {
    if (frame.kind === 'data') {
      this.#isStalled = true;
      await this.#streams.get(frame.streamId)?.receive(frame.payload, frame.isLast);
      this.#isStalled = false;
      return;
    }
    const { type, payload } = frame;
    switch (type) {
      case FRAME_TYPES.synStream:
        await this.#open(payload, (frame.flags & FLAG_FIN) !== 0);
        break;
      case FRAME_TYPES.rstStream:
        this.#streams.get(payload.length < 8 ? 0 : payload.readUInt32BE(0) & 0x7fff_ffff)?.reset();
        break;
      case FRAME_TYPES.ping:
        // Odd numbers are the client's own questions, even ones the answers to ours.
        if (payload.length === 4 && payload.readUInt32BE(0) % 2 === 1 && this.#transport.writable) {
          this.#transport.write(controlFrame(FRAME_TYPES.ping, 0, payload));
        }
        break;
      case FRAME_TYPES.goAway:
        this.#transport.end();
        break;
      default:
        break;
    }
  }

  async #open(payload: Buffer, isInputDone: boolean): Promise<void> {
    if (payload.length < 10) {
      throw new SpdyError('stream without a header');
    }
    const id = payload.readUInt32BE(0) & 0x7fff_ffff;
    // Even for a stream that is refused, or the next block would not unpack.
    const headers = await this.#headerReader.read(payload.subarray(10));
    if (id % 2 === 0 || this.#streams.has(id)) {
      throw new SpdyError(`stream ${id} is not the client's to open`);
    }
    const stream = new SpdyStream(id, {
      sendData: (data, isLast, callback) => {
        if (this.#transport.writable) {
          this.#transport.write(dataFrame(id, data, isLast), callback);
        } else {
          callback(new SpdyError('the connection is closed'));
        }
      },
      sendReset: () => this.#reset(id, RESET.cancel),
      onClose: () => this.#streams.delete(id),
    });
    if (this.#streams.size >= STREAMS_MAX || !this.#options.onStream(stream, headers)) {
      this.#reset(id, RESET.refused);
      return;
    }
    this.#streams.set(id, stream);
    const reply = Buffer.concat([uint32s(id), this.#headerWriter.write(new Map())]);
    this.#transport.write(controlFrame(FRAME_TYPES.synReply, 0, reply));
    if (isInputDone) {
      stream.endInput();
    }
  }

  #reset(id: number, reason: number): void {
    if (this.#transport.writable) {
      this.#transport.write(controlFrame(FRAME_TYPES.rstStream, 0, uint32s(id, reason)));
    }
  }

  #checkLife(): void {
    if (!this.#transport.writable || (!this.#isAlive && !this.#isStalled)) {
      this.#transport.destroy();
      return;
    }
    this.#isAlive = false;
    this.#transport.write(controlFrame(FRAME_TYPES.ping, 0, uint32s(this.#pingId)));
    this.#pingId += 2;
    const { clock, pingIntervalMs } = this.#options;
    this.#pingTimer = clock.schedule(pingIntervalMs, () => this.#checkLife());
  }
}
