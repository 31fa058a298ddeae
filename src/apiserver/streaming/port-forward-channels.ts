import { Readable, Writable, type Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { WebSocket } from 'ws';
import { describeError } from '#base/log.ts';
import { toBuffer } from './web-socket-channels.ts';

/**
 * Port forwarding with one connection for each port of the request: channel 2n is the n-th port's data and
 * 2n+1 its errors. The first message of each channel tells the port, in two bytes, low byte first.
 */
export async function servePortsOnWebSocket(
  connection: WebSocket,
  options: {
    readonly pod: string;
    readonly ports: readonly number[];
    readonly dial: (port: number) => Promise<Duplex>;
  },
): Promise<void> {
  const inputs = options.ports.map(() => new Readable({ read: () => connection.resume() }));
  connection.on('message', (data) => {
    const message = toBuffer(data);
    const channel = message[0] ?? 1;
    const input = channel % 2 === 0 ? inputs[channel / 2] : undefined;
    if (message.length > 1 && input?.push(message.subarray(1)) === false) {
      connection.pause();
    }
  });
  const { promise: closed, resolve } = Promise.withResolvers<void>();
  connection.on('close', () => {
    inputs.forEach((input) => input.push(null));
    resolve();
  });
  connection.resume();
  for (const [index, port] of options.ports.entries()) {
    const greeting = Buffer.from([port & 255, port >> 8]);
    connection.send(Buffer.concat([Buffer.from([2 * index]), greeting]));
    connection.send(Buffer.concat([Buffer.from([2 * index + 1]), greeting]));
  }
  const forwards = options.ports.map(async (port, index) => {
    let target: Duplex | undefined;
    try {
      target = await options.dial(port);
      const input = inputs[index] ?? Readable.from([]);
      await Promise.all([pipeline(input, target), pipeline(target, channelWriter(connection, 2 * index))]);
    } catch (error) {
      const text = `error forwarding port ${port} to pod ${options.pod}: ${describeError(error)}`;
      connection.send(Buffer.concat([Buffer.from([2 * index + 1]), Buffer.from(text)]), () => undefined);
    } finally {
      target?.destroy();
    }
  });
  await Promise.race([closed, Promise.all(forwards)]);
  connection.close(1000);
  await Promise.all(forwards);
}

function channelWriter(connection: WebSocket, channel: number): Writable {
  return new Writable({
    write: (chunk: Buffer, _, callback) =>
      connection.send(Buffer.concat([Buffer.from([channel]), chunk]), callback),
  });
}
