import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OrderedMap, compareCodePoints, prefixEnd } from './ordered-map.ts';
import { SeededRandom } from './random.ts';

/** Characters on both sides of every border where UTF-16 and UTF-8 order part ways. */
const LETTERS = [
  'a',
  'b',
  '/',
  '-',
  '\0',
  'é',
  '\ud7ff',
  '\ue000',
  '\uffff',
  '\u{10000}',
  '\u{1f600}',
  '\u{10ffff}',
];

test('ordered map: does what a sorted list of the UTF-8 bytes does', () => {
  const seed = Number(process.env['CORACLE_SEED'] ?? 20_261);
  for (const letters of [LETTERS.slice(0, 4), LETTERS]) {
    const random = new SeededRandom(seed);
    const map = new OrderedMap<number>();
    const model = new Map<string, number>();
    for (let step = 0; step < 12_000; step++) {
      const key = randomKey(random, letters);
      // Grows for the first half and shrinks afterwards, so that nodes split as well as merge.
      if (random.float() < (step < 6_000 ? 0.7 : 0.25)) {
        assert.equal(map.set(key, step), model.get(key), `seed ${seed}`);
        model.set(key, step);
      } else {
        assert.equal(map.delete(key), model.get(key), `seed ${seed}`);
        model.delete(key);
      }
      if (step % 1_000 === 999) {
        checkAgainst(map, model, randomKey(random, letters), randomKey(random, letters));
      }
    }
  }
});

test('ordered map: emptied, it can be filled again', () => {
  const map = new OrderedMap<number>();
  for (let round = 0; round < 3; round++) {
    for (let i = 0; i < 5_000; i++) {
      map.set(`k${i}`, i);
    }
    for (let i = 4_999; i >= 0; i--) {
      assert.equal(map.delete(`k${i}`), i);
    }
    assert.equal(map.size, 0);
    assert.deepEqual([...map], []);
  }
});

test('ordered map: a fork and its origin do not see each other', () => {
  const origin = new OrderedMap<number>();
  for (let i = 0; i < 1_000; i++) {
    origin.set(`k${i}`, i);
  }
  const before = [...origin];
  const fork = origin.fork();
  for (let i = 0; i < 1_000; i += 2) {
    fork.delete(`k${i}`);
    origin.set(`k${i}`, -1);
  }
  assert.equal(fork.size, 500);
  assert.equal(fork.get('k1'), 1);
  assert.equal(fork.get('k2'), undefined);
  assert.equal(origin.get('k2'), -1);
  assert.equal(before.length, 1_000);
});

test('prefixEnd: is above everything with the prefix and above nothing else', () => {
  const cases: readonly [prefix: string, end: string | undefined][] = [
    ['', undefined],
    ['/a/', '/a0'],
    ['a\u{10ffff}', 'b'],
    ['\u{10ffff}', undefined],
    ['\ud7ff', '\ue000'],
    ['\uffff', '\u{10000}'],
  ];
  for (const [prefix, end] of cases) {
    assert.equal(prefixEnd(prefix), end);
  }
});

test('compareCodePoints: agrees with the bytes', () => {
  for (const left of LETTERS) {
    for (const right of LETTERS) {
      assert.equal(
        Math.sign(compareCodePoints(`x${left}y`, `x${right}`)),
        Buffer.compare(Buffer.from(`x${left}y`), Buffer.from(`x${right}`)),
      );
    }
  }
});

function checkAgainst(
  map: OrderedMap<number>,
  model: Map<string, number>,
  from: string,
  until: string,
): void {
  const byBytes = (left: string, right: string): number =>
    Buffer.compare(Buffer.from(left), Buffer.from(right));
  const sorted = [...model].sort(([left], [right]) => byBytes(left, right));
  assert.deepEqual([...map], sorted);
  assert.equal(map.size, sorted.length);
  const inRange = sorted.filter(([key]) => byBytes(key, from) >= 0 && byBytes(key, until) < 0);
  assert.deepEqual([...map.entries(from, until)], inRange);
  assert.equal(map.count(from, until), inRange.length);
  assert.equal(map.rank(from), sorted.filter(([key]) => byBytes(key, from) < 0).length);
}

function randomKey(random: SeededRandom, letters: readonly string[]): string {
  return Array.from({ length: 1 + random.int(5) }, () => letters[random.int(letters.length)] ?? '').join('');
}
