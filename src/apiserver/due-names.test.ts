import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VirtualClock } from '#base/virtual-clock.ts';
import { DueNames } from './due-names.ts';

interface Run extends AsyncDisposable {
  readonly clock: VirtualClock;
  readonly names: DueNames;
  /** `second name`, for each piece of work that was begun. */
  readonly begun: readonly string[];
}

function run(work: (name: string, attempt: number) => Promise<void>, workers = 1): Run {
  const clock = new VirtualClock();
  const startMs = clock.nowMs();
  const begun: string[] = [];
  const stop = new AbortController();
  const names = new DueNames({ clock, workers, retryMs: 1000, retryMaxMs: 3000, onFailure: () => undefined });
  const running = names.run(stop.signal, (name) => {
    begun.push(`${(clock.nowMs() - startMs) / 1000} ${name}`);
    return work(name, begun.length);
  });
  return {
    clock,
    names,
    begun,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await running;
    },
  };
}

test('due names: each is worked on once, however often it was added', async () => {
  await using it = run(() => Promise.resolve());
  for (const name of ['a', 'b', 'a']) {
    it.names.add(name);
  }
  await it.clock.settle();
  assert.deepEqual(it.begun, ['0 a', '0 b']);
});

test('due names: one that comes again while it is worked on waits until that is done', async () => {
  const gate = Promise.withResolvers<undefined>();
  await using it = run((_name, attempt) => (attempt === 1 ? gate.promise : Promise.resolve()), 2);
  it.names.add('a');
  await it.clock.settle();
  it.names.add('a');
  it.names.add('b');
  await it.clock.settle();
  assert.deepEqual(it.begun, ['0 a', '0 b']);
  gate.resolve(undefined);
  await it.clock.settle();
  assert.deepEqual(it.begun, ['0 a', '0 b', '0 a']);
});

test('due names: what failed is tried again, later each time up to a bound', async () => {
  await using it = run((_name, attempt) =>
    attempt < 5 ? Promise.reject(new Error('no')) : Promise.resolve(),
  );
  it.names.add('a');
  await it.clock.advance(60_000);
  assert.deepEqual(it.begun, ['0 a', '1 a', '3 a', '6 a', '9 a']);
});

test('due names: what is due later is due at once when it is added', async () => {
  await using it = run(() => Promise.resolve());
  it.names.addLater('a', 5000);
  it.names.addLater('b', 5000);
  await it.clock.advance(1000);
  it.names.add('a');
  await it.clock.advance(60_000);
  assert.deepEqual(it.begun, ['1 a', '5 b']);
});
