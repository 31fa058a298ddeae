import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AddressPool } from './address-pool.ts';
import { Ipv4Range } from './ipv4-range.ts';

test('address pool: starts after the gateway, ends before the broadcast address', () => {
  const pool = new AddressPool(Ipv4Range.parse('10.0.0.0/29'));
  const all = Array.from({ length: 5 }, () => pool.allocate());
  assert.deepEqual(all, ['10.0.0.2', '10.0.0.3', '10.0.0.4', '10.0.0.5', '10.0.0.6']);
  assert.throws(() => pool.allocate(), /no IP addresses available in range set: 10.0.0.0\/29/);
});

test('address pool: an address given back is used last', () => {
  const pool = new AddressPool(Ipv4Range.parse('10.0.0.0/29'));
  pool.release(pool.allocate());
  assert.equal(pool.allocate(), '10.0.0.3');
});

test('address pool: adopted addresses are not given out again', () => {
  const pool = new AddressPool(Ipv4Range.parse('10.0.0.0/29'));
  pool.adopt('10.0.0.3');
  pool.adopt('10.0.0.6');
  pool.adopt('192.168.0.1');
  assert.deepEqual([pool.allocate(), pool.allocate(), pool.allocate()], ['10.0.0.2', '10.0.0.4', '10.0.0.5']);
});

const ranges: readonly { text: string; base?: string }[] = [
  { text: '10.244.1.7/24', base: '10.244.1.0/24' },
  { text: '255.255.255.0/24', base: '255.255.255.0/24' },
  { text: '10.244.1.0' },
  { text: '10.244.1.0/31' },
  { text: '10.244.256.0/24' },
  { text: '010.244.1.0/24' },
  { text: 'fd00::/64' },
];
for (const { text, base } of ranges) {
  test(`ipv4 range: ${text} is ${base ?? 'refused'}`, () => {
    if (base === undefined) {
      assert.throws(() => Ipv4Range.parse(text), { code: 'invalid-argument' });
    } else {
      assert.equal(Ipv4Range.parse(text).toString(), base);
    }
  });
}
