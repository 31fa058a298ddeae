import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SeededRandom } from '#base/random.ts';
import { generateName } from './generate-name.ts';
import { scaledValue } from './int-or-string.ts';
import {
  canonicalMicroTime,
  canonicalTime,
  formatDurationNanos,
  formatMicroTime,
  formatTime,
  parseDurationMs,
  parseDurationNanos,
} from './time.ts';

const times: readonly (readonly [string, string | undefined, string | undefined])[] = [
  ['2026-01-02T03:04:05Z', '2026-01-02T03:04:05Z', '2026-01-02T03:04:05.000000Z'],
  ['2026-01-02T03:04:05.9999999Z', '2026-01-02T03:04:05Z', '2026-01-02T03:04:05.999999Z'],
  ['2026-01-02T03:04:05+02:00', '2026-01-02T01:04:05Z', '2026-01-02T01:04:05.000000Z'],
  ['2024-02-29T00:00:00Z', '2024-02-29T00:00:00Z', '2024-02-29T00:00:00.000000Z'],
  ['2026-02-29T00:00:00Z', undefined, undefined],
  ['2026-01-30T23:59:59Z', '2026-01-30T23:59:59Z', '2026-01-30T23:59:59.000000Z'],
  ['2026-04-31T00:00:00Z', undefined, undefined],
  ['2026-00-01T00:00:00Z', undefined, undefined],
  ['2026-01-02T24:00:00Z', undefined, undefined],
  ['2026-01-02', undefined, undefined],
  ['2026-01-02 03:04:05Z', undefined, undefined],
  ['', undefined, undefined],
];

for (const [text, time, micro] of times) {
  test(`time: '${text}' is ${time ?? 'refused'}`, () => {
    assert.equal(canonicalTime(text), time);
    assert.equal(canonicalMicroTime(text), micro);
  });
}

test('time: milliseconds are cut for Time and kept for MicroTime', () => {
  assert.equal(formatTime(1_767_323_045_678), '2026-01-02T03:04:05Z');
  assert.equal(formatMicroTime(1_767_323_045_678), '2026-01-02T03:04:05.678000Z');
});

const durations: readonly (readonly [string, string])[] = [
  ['1h', '1h0m0s'],
  ['90s', '1m30s'],
  ['1.5s', '1.5s'],
  ['250ms', '250ms'],
  ['1500us', '1.5ms'],
  ['-2m', '-2m0s'],
  ['0', '0s'],
  ['1h2m3.5s', '1h2m3.5s'],
];

for (const [text, canonical] of durations) {
  test(`duration: ${text} is ${canonical}`, () => {
    assert.equal(formatDurationNanos(parseDurationNanos(text) ?? -1n), canonical);
  });
}

test('duration: what Go refuses is refused', () => {
  assert.deepEqual(['', '5', 's', '1d', '1h 2m', '.s'].map(parseDurationMs), [
    undefined,
    undefined,
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
});

test('generateName: five safe characters are added and the result fits a label', () => {
  const random = new SeededRandom(1);
  assert.match(generateName('web-', random), /^web-[bcdfghjklmnpqrstvwxz2456789]{5}$/);
  assert.equal(generateName('x'.repeat(100), random).length, 63);
});

test('intOrString: a percentage is rounded as asked, a number is itself', () => {
  assert.equal(scaledValue('25%', 10, 'up'), 3);
  assert.equal(scaledValue('25%', 10, 'down'), 2);
  assert.equal(scaledValue(7, 10, 'up'), 7);
  assert.equal(scaledValue('http', 10, 'up'), undefined);
});
