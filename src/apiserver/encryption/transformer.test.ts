import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SeededRandom } from '#base/random.ts';
import { AesGcm } from './aes.ts';
import { IDENTITY, PrefixTransformers, type Transformer } from './transformer.ts';

const random = new SeededRandom(1);
const KEY = '/registry/secrets/default/a';
const VALUE = Buffer.from('{"kind":"Secret"}');

function keyed(name: string, cipher: Transformer): { prefix: string; transformer: Transformer } {
  return {
    prefix: 'k8s:enc:aesgcm:v1:',
    transformer: new PrefixTransformers([{ prefix: `${name}:`, transformer: cipher }], 'no matching key'),
  };
}

const identity = { prefix: '', transformer: IDENTITY };
const one = keyed('one', new AesGcm(random.bytes(32), random));
const two = keyed('two', new AesGcm(random.bytes(32), random));
const sameName = keyed('one', new AesGcm(random.bytes(32), random));

const cases: readonly {
  readonly name: string;
  readonly wrote: readonly (typeof one)[];
  readonly reads: readonly (typeof one)[];
  readonly expected: string;
}[] = [
  { name: 'the writer itself', wrote: [one], reads: [one, identity], expected: 'read' },
  { name: 'an older key', wrote: [one], reads: [two, one], expected: 'read, stale' },
  { name: 'an older key of the same name', wrote: [one], reads: [sameName, one], expected: 'read, stale' },
  { name: 'plain values from before', wrote: [identity], reads: [one, identity], expected: 'read, stale' },
  { name: 'encrypted values on the way back', wrote: [one], reads: [identity, one], expected: 'read, stale' },
  {
    name: 'plain values nobody reads',
    wrote: [identity],
    reads: [one],
    expected: 'no matching prefix found',
  },
  { name: 'a key that is gone', wrote: [one], reads: [two], expected: 'no matching key' },
  {
    name: 'another key of the same name',
    wrote: [one],
    reads: [sameName],
    expected: 'cipher: message authentication failed',
  },
];

for (const { name, wrote, reads, expected } of cases) {
  test(`providers: ${name}`, async () => {
    const stored = await new PrefixTransformers(wrote, '').write(VALUE, KEY);
    const reader = new PrefixTransformers(reads, 'no matching prefix found');
    const outcome = await Promise.resolve(reader.read(stored, KEY)).then(
      ({ value, isStale }) => {
        assert.deepEqual(Buffer.from(value), VALUE);
        return isStale ? 'read, stale' : 'read';
      },
      (error: Error) => error.message,
    );
    assert.equal(outcome, expected);
  });
}
