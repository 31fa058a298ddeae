import type { Readable, Writable } from 'node:stream';
import type { WebSocket } from 'ws';
import { StatusError } from '#api/status-error.ts';
import { decodeJson } from '#codec/json-decode.ts';
import { CliError } from '../cli-error.ts';
import { listAt, textAt } from '../object-access.ts';
import type { Query, RestClient } from '../rest-client.ts';
import { messageBytes, openWebSocket } from './web-socket-client.ts';

export interface RemoteCommand {
  readonly path: string;
  readonly query: Query;
  readonly stdin?: Readable;
  readonly stdout: Writable;
  readonly stderr: Writable;
  /** Tells the size of the terminal at once and whenever it changes; returns what stops that. */
  readonly onResize?: (
    tell: (size: { readonly width: number; readonly height: number }) => void,
  ) => () => void;
  readonly signal?: AbortSignal;
}

const STDIN = 0;
const STDOUT = 1;
const STDERR = 2;
const ERROR = 3;
const RESIZE = 4;
const CLOSE = 255;
const PROTOCOLS = ['v5.channel.k8s.io', 'v4.channel.k8s.io'];

/** How much may wait to be sent before input is held back, in bytes. */
const SEND_QUEUE_MAX = 1024 * 1024;

/**
 * Runs or joins a process in a container and connects it until it ends.
 *
 * @returns the exit code
 * @throws {StatusError} the server refused, or could not run the process
 */
export async function runRemoteCommand(client: RestClient, command: RemoteCommand): Promise<number> {
  const socket = await openWebSocket(client, {
    path: command.path,
    query: command.query,
    protocols: PROTOCOLS,
  });
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  let exitCode: number | undefined;
  socket.on('message', (data) => {
    const message = messageBytes(data);
    const payload = message.subarray(1);
    switch (message[0]) {
      case STDOUT:
        writeHeldBack(socket, command.stdout, payload);
        break;
      case STDERR:
        writeHeldBack(socket, command.stderr, payload);
        break;
      case ERROR:
        try {
          exitCode = exitCodeOf(payload.toString('utf8'));
        } catch (error) {
          reject(error);
        }
        break;
      default:
        break;
    }
  });
  socket.on('error', reject);
  socket.once('close', (code) => {
    if (exitCode === undefined && code !== 1000) {
      reject(new CliError(`the connection closed before the command ended (${code})`));
    }
    resolve(exitCode ?? 0);
  });
  const stopInput = command.stdin === undefined ? () => undefined : sendInput(socket, command.stdin);
  const stopResize = command.onResize?.((size) => {
    const text = JSON.stringify({ Width: size.width, Height: size.height });
    socket.send(Buffer.concat([Buffer.from([RESIZE]), Buffer.from(text)]));
  });
  const onAbort = (): void => socket.close();
  command.signal?.addEventListener('abort', onAbort, { once: true });
  socket.resume();
  try {
    return await promise;
  } finally {
    stopInput();
    stopResize?.();
    command.signal?.removeEventListener('abort', onAbort);
    socket.close();
  }
}

/** A slow reader of the output slows the process down; nothing piles up here. */
function writeHeldBack(socket: WebSocket, output: Writable, payload: Buffer): void {
  if (payload.length > 0 && !output.write(payload)) {
    socket.pause();
    output.once('drain', () => socket.resume());
  }
}

function sendInput(socket: WebSocket, stdin: Readable): () => void {
  const onData = (chunk: Buffer | string): void => {
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
    socket.send(Buffer.concat([Buffer.from([STDIN]), bytes]), () => {
      if (socket.bufferedAmount < SEND_QUEUE_MAX) {
        stdin.resume();
      }
    });
    if (socket.bufferedAmount >= SEND_QUEUE_MAX) {
      stdin.pause();
    }
  };
  const onEnd = (): void => {
    // Only the fifth version of the protocol can say that the input is at its end.
    if (socket.protocol === PROTOCOLS[0]) {
      socket.send(Buffer.from([CLOSE, STDIN]));
    }
  };
  stdin.on('data', onData);
  stdin.once('end', onEnd);
  return () => {
    stdin.off('data', onData);
    stdin.off('end', onEnd);
    stdin.pause();
  };
}

function exitCodeOf(text: string): number {
  const status = decodeJson(text);
  if (textAt(status, 'status') === 'Success') {
    return 0;
  }
  if (textAt(status, 'reason') === 'NonZeroExitCode') {
    const cause = listAt(status, 'details', 'causes').find((each) => textAt(each, 'reason') === 'ExitCode');
    return Number(textAt(cause, 'message'));
  }
  throw new StatusError({ code: 500, reason: 'InternalError', message: textAt(status, 'message') });
}
