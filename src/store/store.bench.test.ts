import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SystemClock } from '#base/clock.ts';
import { benchStores } from './store.bench.ts';

test('store bench: still runs, at a size that says nothing', async () => {
  const sizes = { creates: 50, listKeys: 20, gets: 50, watchers: 5, bystanders: 20 };
  const rows = await benchStores(sizes, new SystemClock());
  assert.ok(rows.length >= 14);
  assert.ok(rows.every(({ value }) => value >= 0));
});
