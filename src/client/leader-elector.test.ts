import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LEASE } from '#api/types/resources.ts';
import { SILENT_LOGGER } from '#base/log.ts';
import { MetricsRegistry } from '#base/metrics.ts';
import { SeededRandom } from '#base/random.ts';
import { VirtualClock } from '#base/virtual-clock.ts';
import { Client } from './client.ts';
import { LeaderElector } from './leader-elector.ts';
import { MemoryTransport } from './memory-transport.ts';
import { ConnectionError } from './transport.ts';

function setUp() {
  const clock = new VirtualClock();
  const transport = new MemoryTransport(clock);
  const leaders = new Set<string>();
  const start = (identity: string, through: MemoryTransport = transport) => {
    const elector = new LeaderElector({
      client: new Client(through),
      clock,
      random: new SeededRandom(7),
      log: SILENT_LOGGER,
      metrics: new MetricsRegistry(),
      namespace: 'kube-system',
      name: 'things',
      identity,
    });
    const stop = new AbortController();
    const ended = elector.run(async (signal) => {
      leaders.add(identity);
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
      leaders.delete(identity);
    }, stop.signal);
    return { stop, ended };
  };
  const lease = () => transport.peek(LEASE, 'kube-system/things')?.spec;
  return { clock, transport, leaders, start, lease };
}

test('leader elector: one of two leads, the other follows when the first steps down', async () => {
  const { clock, leaders, start, lease } = setUp();
  const first = start('one');
  await clock.settle();
  const second = start('two');
  await clock.advance(60_000);
  assert.deepEqual([...leaders], ['one']);
  first.stop.abort();
  assert.equal(await first.ended, 'stopped');
  assert.equal(lease()?.holderIdentity, '');
  await clock.advance(5_000);
  assert.deepEqual([...leaders], ['two']);
  assert.equal(lease()?.leaseTransitions, 1);
  second.stop.abort();
  await second.ended;
});

test('leader elector: a holder that cannot renew gives up before another may take over', async () => {
  const { clock, transport, leaders, start } = setUp();
  const first = start('one');
  await clock.advance(1_000);
  const second = start('two');
  await clock.advance(10_000);
  let isCut = true;
  transport.onRequest = (request) =>
    isCut && JSON.stringify(request).includes('"holderIdentity":"one"')
      ? new ConnectionError('cut')
      : undefined;
  for (let elapsedMs = 0; elapsedMs < 30_000; elapsedMs += 500) {
    await clock.advance(500);
    assert.ok(leaders.size <= 1);
  }
  assert.equal(await first.ended, 'lost');
  assert.deepEqual([...leaders], ['two']);
  isCut = false;
  second.stop.abort();
  await second.ended;
});
