import assert from 'node:assert/strict';
import { test } from 'node:test';
import packet from 'dns-packet';
import { SeededRandom } from '#base/random.ts';
import { VirtualClock } from '#base/virtual-clock.ts';
import { parseQuery } from './dns-query.ts';
import { Forwarder } from './forwarder.ts';
import { UpstreamError } from './upstream.ts';

/** Two servers; each call is logged, and `answers` decides by address. */
function aForwarder(answers: Readonly<Record<string, packet.Packet | undefined>>): {
  readonly forwarder: Forwarder;
  readonly clock: VirtualClock;
  readonly asked: string[];
} {
  const clock = new VirtualClock();
  const asked: string[] = [];
  const forwarder = new Forwarder({
    clock,
    random: new SeededRandom(1),
    servers: [
      { ip: '192.0.2.1', port: 53 },
      { ip: '192.0.2.2', port: 53 },
    ],
    transport: {
      exchange: async ({ ip }, query) => {
        asked.push(ip);
        const answer = answers[ip];
        if (answer === undefined) {
          throw new UpstreamError('silent');
        }
        const { id = 0, questions = [] } = packet.decode(query);
        return packet.encode({ type: 'response', id, questions, ...answer });
      },
    },
  });
  return { forwarder, clock, asked };
}

async function ask(forwarder: Forwarder, id = 5): Promise<packet.DecodedPacket | undefined> {
  const bytes = packet.encode({ type: 'query', id, questions: [{ name: 'example.com', type: 'A' }] });
  const query = parseQuery(bytes);
  assert.ok(query);
  const answer = await forwarder.ask(bytes, query, 'udp');
  return answer === undefined ? undefined : packet.decode(answer);
}

const ANSWER: packet.Packet = { answers: [{ name: 'example.com', type: 'A', ttl: 300, data: '192.0.2.80' }] };

test('Forwarder: the second server is asked when the first is silent or fails', async () => {
  const silent = aForwarder({ '192.0.2.2': ANSWER });
  assert.equal((await ask(silent.forwarder))?.answers?.length, 1);
  assert.deepEqual(silent.asked, ['192.0.2.1', '192.0.2.2']);
  const failing = aForwarder({ '192.0.2.1': { flags: 2 }, '192.0.2.2': ANSWER });
  assert.equal((await ask(failing.forwarder))?.answers?.length, 1);
  assert.equal(await ask(aForwarder({}).forwarder), undefined);
});

test('Forwarder: an answer is kept for half a minute at most, and its age is taken off', async () => {
  const { forwarder, clock, asked } = aForwarder({ '192.0.2.1': ANSWER });
  await ask(forwarder, 1);
  await clock.advance(29_000);
  const cached = await ask(forwarder, 2);
  assert.equal(cached?.id, 2);
  const [record] = cached?.answers ?? [];
  assert.equal(record !== undefined && 'ttl' in record && record.ttl, 271);
  assert.equal(asked.length, 1);
  await clock.advance(1_000);
  await ask(forwarder, 3);
  assert.equal(asked.length, 2);
});

test('Forwarder: the same question under way is asked once, and each client gets its own id', async () => {
  const { forwarder, asked } = aForwarder({ '192.0.2.1': ANSWER });
  const answers = await Promise.all([1, 2, 3].map((id) => ask(forwarder, id)));
  assert.deepEqual(
    answers.map((answer) => answer?.id),
    [1, 2, 3],
  );
  assert.equal(asked.length, 1);
});
