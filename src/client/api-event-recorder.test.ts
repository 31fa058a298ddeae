import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CONFIG_MAP, EVENT } from '#api/types/resources.ts';
import { SILENT_LOGGER } from '#base/log.ts';
import { SeededRandom } from '#base/random.ts';
import { VirtualClock } from '#base/virtual-clock.ts';
import { ApiEventRecorder } from './api-event-recorder.ts';
import { Client } from './client.ts';
import { MemoryTransport } from './memory-transport.ts';
import { ConnectionError } from './transport.ts';

function setUp() {
  const clock = new VirtualClock();
  const transport = new MemoryTransport(clock);
  const client = new Client(transport);
  const options = { client, clock, random: new SeededRandom(1), log: SILENT_LOGGER, component: 'tester' };
  const recorder = new ApiEventRecorder(options);
  const subject = transport.put(CONFIG_MAP, { metadata: { namespace: 'ns', name: 'subject' }, data: {} });
  const written = () => transport.all(EVENT).map(({ message, count }) => `${count}× ${message}`);
  return { clock, transport, recorder, subject, written };
}

test('event recorder: the same event counts up on one Event', async () => {
  const { clock, transport, recorder, subject, written } = setUp();
  recorder.event(subject, 'Normal', 'Pulled', 'done');
  await clock.advance(5_000);
  recorder.event(subject, 'Normal', 'Pulled', 'done');
  recorder.event({ object: subject, fieldPath: 'data' }, 'Normal', 'Pulled', 'done');
  await clock.settle();
  assert.deepEqual(written(), ['2× done', '1× done']);
  const [event] = transport.all(EVENT);
  assert.deepEqual(
    [event?.firstTimestamp, event?.lastTimestamp, event?.involvedObject.name, event?.source.component],
    ['2026-01-01T00:00:00Z', '2026-01-01T00:00:05Z', 'subject', 'tester'],
  );
  await recorder.close();
});

test('event recorder: the tenth different message of one reason is combined', async () => {
  const { clock, recorder, subject, written } = setUp();
  for (let index = 1; index <= 12; index++) {
    recorder.event(subject, 'Warning', 'Failed', `try ${index}`);
    await clock.settle();
  }
  assert.deepEqual(written().slice(8), ['1× try 9', '3× (combined from similar events): try 12']);
  await recorder.close();
});

test('event recorder: a flood on one object is cut at 25', async () => {
  const { clock, transport, recorder, subject, written } = setUp();
  for (let index = 1; index <= 40; index++) {
    recorder.event(subject, 'Warning', 'Failed', 'again');
  }
  await clock.advance(1_000);
  assert.deepEqual(written(), ['25× again']);
  assert.equal(transport.requests.length, 25);
  await recorder.close();
});

test('event recorder: an Event that expired is made anew with its count', async () => {
  const { clock, transport, recorder, subject, written } = setUp();
  recorder.event(subject, 'Normal', 'Pulled', 'done');
  await clock.settle();
  const [event] = transport.all(EVENT);
  transport.drop(EVENT, `ns/${event?.metadata.name}`);
  recorder.event(subject, 'Normal', 'Pulled', 'done');
  await clock.settle();
  assert.deepEqual(written(), ['2× done']);
  await recorder.close();
});

test('event recorder: an unreachable server is tried again', async () => {
  const { clock, transport, recorder, subject, written } = setUp();
  let attempts = 0;
  transport.onRequest = () => (++attempts < 3 ? new ConnectionError('refused') : undefined);
  recorder.event(subject, 'Normal', 'Pulled', 'done');
  await clock.advance(30_000);
  assert.deepEqual(written(), ['1× done']);
  await recorder.close();
});

test('event recorder: one who reports in another name is the source of the Event', async () => {
  const { clock, transport, recorder, subject } = setUp();
  recorder.event({ object: subject, component: 'packing' }, 'Normal', 'Scheduled', 'done');
  await clock.settle();
  const [event] = transport.all(EVENT);
  assert.deepEqual([event?.source, event?.reportingComponent], [{ component: 'packing' }, 'packing']);
  await recorder.close();
});
