import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VirtualClock } from '#base/virtual-clock.ts';
import { Expectations } from './expectations.ts';

test('expectations: settled once everything written has been seen', () => {
  const expectations = new Expectations(new VirtualClock());
  assert.equal(expectations.isSettled('a'), true);
  expectations.expectCreations('a', 2);
  expectations.expectDeletions('a', ['x']);
  expectations.creationObserved('a');
  expectations.deletionObserved('a', 'x');
  assert.equal(expectations.isSettled('a'), false);
  expectations.creationObserved('a');
  assert.equal(expectations.isSettled('a'), true);
});

test('expectations: expecting nothing settles at once, seeing the unexpected changes nothing', () => {
  const expectations = new Expectations(new VirtualClock());
  expectations.expectCreations('a', 0);
  expectations.expectDeletions('a', []);
  expectations.creationObserved('a');
  expectations.deletionObserved('a', 'y');
  assert.equal(expectations.isSettled('a'), true);
});

test('expectations: waiting ends after five minutes', async () => {
  const clock = new VirtualClock();
  const expectations = new Expectations(clock);
  expectations.expectCreations('a', 1);
  await clock.advance(300_000);
  assert.equal(expectations.isSettled('a'), false);
  await clock.advance(1);
  assert.equal(expectations.isSettled('a'), true);
});
