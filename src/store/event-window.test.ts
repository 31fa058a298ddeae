import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EventWindow } from './event-window.ts';
import type { StoreEvent } from './store.ts';

function put(revision: number, size: number): StoreEvent {
  const value = new Uint8Array(size);
  const kv = { key: '/a', value, createRevision: 2, modRevision: revision, version: 1, lease: 0 };
  return { type: 'put', key: '/a', kv, previous: undefined, revision };
}

function windowOf(count: number, size: number): EventWindow {
  const window = new EventWindow(2);
  for (let revision = 2; revision < 2 + count; revision++) {
    window.push(put(revision, size));
  }
  return window;
}

const bounds: readonly { name: string; events: number; bytes: number; first: number; size: number }[] = [
  { name: 'no bound is reached', events: 100, bytes: 1_000, first: 2, size: 100 },
  { name: 'events are bounded', events: 10, bytes: 1_000, first: 92, size: 10 },
  { name: 'bytes are bounded', events: 100, bytes: 55, first: 97, size: 5 },
  { name: 'even a single one may be too large', events: 100, bytes: 5, first: 102, size: 0 },
];

for (const { name, events, bytes, first, size } of bounds) {
  test(`event window: ${name}`, () => {
    const window = windowOf(100, 10);
    window.keepNewest(events, bytes);
    assert.deepEqual({ first: window.first, size: window.size }, { first, size });
    assert.equal(window.at(first - 1), undefined);
    assert.equal(window.at(first)?.revision, size === 0 ? undefined : first);
    window.push(put(102, 10));
    assert.equal(window.at(102)?.revision, 102);
  });
}

test('event window: dropping and reading agree over many turns', () => {
  const window = windowOf(0, 0);
  for (let revision = 2; revision < 10_000; revision++) {
    window.push(put(revision, 1));
    window.dropThrough(revision - 5);
    assert.equal(window.at(revision)?.revision, revision);
    assert.equal(window.at(window.first)?.revision, window.first);
    assert.ok(window.size <= 5);
  }
  const fork = window.fork();
  window.dropThrough(20_000);
  assert.equal(window.size, 0);
  assert.equal(fork.size, 5);
});

test('event window: a gap is a bug', () => {
  assert.throws(() => windowOf(3, 1).push(put(9, 1)), { name: 'AssertionError' });
});
