import assert from 'node:assert/strict';
import { once } from 'node:events';
import { duplexPair, type Duplex } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { test } from 'node:test';
import { deflateSync } from 'node:zlib';
import { VirtualClock } from '#base/virtual-clock.ts';
import {
  controlFrame,
  dataFrame,
  FLAG_FIN,
  FRAME_TYPES,
  FrameReader,
  uint32s,
  type Frame,
} from './frames.ts';
import { HeaderWriter } from './header-block.ts';
import { HEADER_DICTIONARY } from './header-dictionary.ts';
import { SpdyConnection } from './spdy-connection.ts';
import type { SpdyStream } from './spdy-stream.ts';

interface Rig {
  readonly clock: VirtualClock;
  /** The client's end. */
  readonly client: Duplex;
  readonly streams: SpdyStream[];
  /** Settles when the server has let go of everything. */
  readonly ended: Promise<void>;
  openStream(id: number, headers: ReadonlyMap<string, string>, flags?: number): void;
  /** Cuts the connection, as a network does. */
  cut(): void;
  /** The next frames the server sends. */
  frames(count: number): Promise<readonly string[]>;
}

function aConnection(): Rig {
  const clock = new VirtualClock();
  const [serverSide, client] = duplexPair({ highWaterMark: 16 * 1024 });
  const streams: SpdyStream[] = [];
  const connection = new SpdyConnection(serverSide, {
    clock,
    pingIntervalMs: 1_000,
    onStream: (stream, headers) => {
      if (headers.get('streamtype') === undefined) {
        return false;
      }
      streams.push(stream);
      return true;
    },
  });
  const writer = new HeaderWriter();
  const reader = new FrameReader();
  client.on('data', (chunk: Buffer) => reader.push(chunk));
  client.on('error', () => undefined);
  return {
    clock,
    client,
    streams,
    ended: connection.run(Buffer.alloc(0)),
    openStream: (id, headers, flags = 0) => {
      const payload = Buffer.concat([uint32s(id, 0), Buffer.from([0, 0]), writer.write(headers)]);
      client.write(controlFrame(FRAME_TYPES.synStream, flags, payload));
    },
    cut: () => {
      serverSide.destroy();
      client.destroy();
    },
    frames: async (count) => {
      const found: string[] = [];
      while (found.length < count) {
        const frame = reader.next();
        if (frame === undefined) {
          await clock.settle();
        } else {
          found.push(inWords(frame));
        }
      }
      return found;
    },
  };
}

const NAMES = new Map<number, string>(Object.entries(FRAME_TYPES).map(([name, type]) => [type, name]));

function inWords(frame: Frame): string {
  return frame.kind === 'data'
    ? `${frame.streamId}: ${frame.payload.toString()}${frame.isLast ? '.' : ''}`
    : `${NAMES.get(frame.type) ?? ''} ${frame.payload.readUInt32BE(0)}`;
}

const STDIN = new Map([['streamtype', 'stdin']]);

test('SpdyConnection: a stream is answered, carries data both ways, and ends by halves', async () => {
  const { client, streams, frames, openStream, ended } = aConnection();
  openStream(1, STDIN);
  assert.deepEqual(await frames(1), ['synReply 1']);
  client.write(dataFrame(1, Buffer.from('in'), true));
  const [stream] = streams;
  assert.ok(stream);
  assert.equal((await buffer(stream.iterator({ destroyOnReturn: false }))).toString(), 'in');
  stream.end('out');
  assert.deepEqual(await frames(2), ['1: out', '1: .']);
  client.end();
  await ended;
});

test('SpdyConnection: an unwanted stream is refused, and the next one still is understood', async () => {
  const { client, streams, frames, openStream, ended } = aConnection();
  openStream(1, new Map([['other', 'x']]));
  openStream(3, STDIN, FLAG_FIN);
  assert.deepEqual(await frames(2), ['rstStream 1', 'synReply 3']);
  assert.equal(streams.length, 1);
  client.end();
  await ended;
});

test('SpdyConnection: the client’s pings are answered, and a client that answers none is cut off', async () => {
  const { client, clock, frames, ended } = aConnection();
  client.write(controlFrame(FRAME_TYPES.ping, 0, uint32s(7)));
  assert.deepEqual(await frames(1), ['ping 7']);
  await clock.advance(1_000);
  assert.deepEqual(await frames(1), ['ping 2']);
  await clock.advance(1_000);
  await ended;
});

test('SpdyConnection: a client that vanishes takes its streams along, even one that holds up the rest', async () => {
  const { client, streams, openStream, frames, ended, cut } = aConnection();
  openStream(1, STDIN);
  client.write(dataFrame(1, Buffer.alloc(900_000), false));
  await frames(1);
  cut();
  await ended;
  const [stream] = streams;
  assert.equal(stream?.destroyed, true);
});

test('SpdyConnection: while a reader is behind, nothing more is read from the client', async () => {
  const { client, clock, streams, openStream, frames, cut } = aConnection();
  openStream(1, STDIN);
  for (let index = 0; index < 100; index++) {
    client.write(dataFrame(1, Buffer.alloc(16 * 1024), false));
  }
  await frames(1);
  await clock.settle();
  const [stream] = streams;
  assert.ok(stream);
  assert.ok(stream.readableLength < 200_000, `${stream.readableLength} bytes wait`);
  assert.equal(client.writableNeedDrain, true);
  stream.resume();
  await once(client, 'drain');
  cut();
});

const BOMB = deflateSync(Buffer.alloc(10_000_000), { dictionary: HEADER_DICTIONARY });

for (const { name, bytes } of [
  { name: 'another version', bytes: Buffer.from([0x80, 2, 0, 1, 0, 0, 0, 0]) },
  { name: 'a huge frame', bytes: Buffer.from([0, 0, 0, 1, 0, 0xff, 0xff, 0xff]) },
  { name: 'a stream without a header', bytes: controlFrame(FRAME_TYPES.synStream, 0, uint32s(1)) },
  {
    name: 'a damaged header block',
    bytes: controlFrame(FRAME_TYPES.synStream, 0, Buffer.concat([uint32s(1, 0), Buffer.from('  rubbish')])),
  },
  {
    name: 'a header block that swells',
    bytes: controlFrame(FRAME_TYPES.synStream, 0, Buffer.concat([uint32s(1, 0), Buffer.from([0, 0]), BOMB])),
  },
]) {
  test(`SpdyConnection: ${name} ends the connection`, async () => {
    const { client, ended, streams } = aConnection();
    client.write(bytes);
    await ended;
    assert.equal(streams.length, 0);
  });
}
