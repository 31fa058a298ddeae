import { Readable, Writable } from 'node:stream';
import type { RawData, WebSocket } from 'ws';
import type { Status } from '#api/types/meta.v1.ts';
import type { ProcessStreams } from './node-streams-port.ts';
import type { ProcessChannels } from './process-channels.ts';

/** The first protocol, also spoken with clients that name none: how the process ended is told in plain words. */
const FIRST_PROTOCOLS: ReadonlySet<string> = new Set(['', 'channel.k8s.io']);

/** Subprotocols served, newest first. The fifth can tell the end of one stream: message 255, then its number. */
export const REMOTE_COMMAND_PROTOCOLS = ['v5.channel.k8s.io', 'v4.channel.k8s.io', 'channel.k8s.io'] as const;

const STDIN = 0;
const STDOUT = 1;
const STDERR = 2;
const ERROR = 3;
const RESIZE = 4;
const CLOSE = 255;

/** Closing code for "done, all well". */
const NORMAL_CLOSURE = 1000;

/** Each message begins with the number of the stream it belongs to. */
export function webSocketChannels(connection: WebSocket, streams: ProcessStreams): ProcessChannels {
  const inputs = new Map<number, Readable>();
  const input = (channel: number): Readable => {
    // The connection is the queue: it is paused while a stream has enough.
    const stream = new Readable({
      read: () => connection.resume(),
      destroy: (error, callback) => {
        inputs.delete(channel);
        connection.resume();
        callback(error);
      },
    });
    inputs.set(channel, stream);
    return stream;
  };
  const closed = Promise.withResolvers<void>();
  connection.on('message', (data) => {
    const message = toBuffer(data);
    const channel = message[0];
    if (channel === CLOSE) {
      inputs.get(message[1] ?? CLOSE)?.push(null);
      inputs.delete(message[1] ?? CLOSE);
    } else if (channel !== undefined && message.length > 1) {
      if (inputs.get(channel)?.push(message.subarray(1)) === false) {
        connection.pause();
      }
    }
  });
  connection.on('close', () => {
    for (const stream of inputs.values()) {
      stream.push(null);
    }
    closed.resolve();
  });
  connection.resume();
  const channels: ProcessChannels = {
    stdin: streams.stdin ? input(STDIN) : undefined,
    stdout: streams.stdout ? output(connection, STDOUT) : undefined,
    stderr: streams.stderr && !streams.tty ? output(connection, STDERR) : undefined,
    resize: streams.tty ? input(RESIZE) : undefined,
    error: output(connection, ERROR),
    closed: closed.promise,
    close: () => connection.close(NORMAL_CLOSURE),
    ...(FIRST_PROTOCOLS.has(connection.protocol) ? { statusText: messageOf } : {}),
  };
  // An empty message tells the client that the command is connected.
  connection.send(Buffer.from([streams.stdout ? STDOUT : streams.stderr ? STDERR : ERROR]));
  return channels;
}

function messageOf({ status, message = '' }: Status): string {
  return status === 'Success' ? '' : message;
}

function output(connection: WebSocket, channel: number): Writable {
  return new Writable({
    write: (chunk: Buffer, _, callback) => {
      // The callback comes when the bytes are with the kernel, which is what slows the writer down.
      connection.send(Buffer.concat([Buffer.from([channel]), chunk]), callback);
    },
  });
}

export function toBuffer(data: RawData): Buffer {
  if (Array.isArray(data)) {
    return Buffer.concat(data);
  }
  return Buffer.isBuffer(data) ? data : Buffer.from(data);
}
