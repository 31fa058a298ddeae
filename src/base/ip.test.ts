import assert from 'node:assert/strict';
import { test } from 'node:test';
import { canonicalIp, Cidr, familyOfIp, formatIp, parseIp } from './ip.ts';

const SPELLINGS: readonly { readonly text: string; readonly canonical: string | undefined }[] = [
  { text: '10.96.0.1', canonical: '10.96.0.1' },
  { text: '255.255.255.255', canonical: '255.255.255.255' },
  { text: '0.0.0.0', canonical: '0.0.0.0' },
  { text: '::', canonical: '::' },
  { text: '::1', canonical: '::1' },
  { text: 'FD00:0:0:0:0:0:0:A', canonical: 'fd00::a' },
  { text: '2001:db8:0:1:1:1:1:1', canonical: '2001:db8:0:1:1:1:1:1' },
  { text: '2001:0:0:1:0:0:0:1', canonical: '2001:0:0:1::1' },
  { text: '2001:db8::', canonical: '2001:db8::' },
  { text: '::ffff:1.2.3.4', canonical: '::ffff:1.2.3.4' },
  { text: '64:ff9b::1.2.3.4', canonical: '64:ff9b::102:304' },
  { text: '10.96.0.01', canonical: undefined },
  { text: '10.96.0', canonical: undefined },
  { text: '10.96.0.256', canonical: undefined },
  { text: ' 10.96.0.1', canonical: undefined },
  { text: '', canonical: undefined },
  { text: ':', canonical: undefined },
  { text: ':::', canonical: undefined },
  { text: '1::2::3', canonical: undefined },
  { text: '1:2:3:4:5:6:7', canonical: undefined },
  { text: '1:2:3:4:5:6:7::8', canonical: undefined },
  { text: '1:2:3:4:5:6:7:8:9', canonical: undefined },
  { text: '12345::', canonical: undefined },
  { text: '1.2.3.4::', canonical: undefined },
  { text: 'fe80::1%eth0', canonical: undefined },
];

for (const { text, canonical } of SPELLINGS) {
  test(`parseIp: ${JSON.stringify(text)} is ${canonical ?? 'no address'}`, () => {
    assert.equal(canonicalIp(text), canonical);
  });
}

test('familyOfIp: tells the two families apart', () => {
  assert.deepEqual(['1.2.3.4', 'fd00::1', 'x'].map(familyOfIp), [4, 6, undefined]);
});

test('formatIp: undoes parseIp at the ends of both families', () => {
  for (const text of ['0.0.0.0', '255.255.255.255', '::', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff']) {
    const parsed = parseIp(text);
    assert.ok(parsed);
    assert.equal(formatIp(parsed), text);
  }
});

const BLOCKS: readonly {
  readonly text: string;
  readonly block: string | undefined;
  readonly size?: bigint;
}[] = [
  { text: '10.96.0.0/12', block: '10.96.0.0/12', size: 1_048_576n },
  { text: '10.99.1.2/12', block: '10.96.0.0/12', size: 1_048_576n },
  { text: '10.0.0.1/32', block: '10.0.0.1/32', size: 1n },
  { text: '0.0.0.0/0', block: '0.0.0.0/0', size: 4_294_967_296n },
  { text: 'fd00:10:96::/112', block: 'fd00:10:96::/112', size: 65_536n },
  { text: '::/0', block: '::/0', size: 2n ** 128n },
  { text: '10.96.0.0', block: undefined },
  { text: '10.96.0.0/33', block: undefined },
  { text: '10.96.0.0/08', block: undefined },
  { text: '10.96.0.0/', block: undefined },
  { text: '/8', block: undefined },
  { text: 'fd00::/129', block: undefined },
];

for (const { text, block, size } of BLOCKS) {
  test(`Cidr.parse: ${JSON.stringify(text)} is ${block ?? 'no block'}`, () => {
    const parsed = Cidr.parse(text);
    assert.equal(parsed?.toString(), block);
    assert.equal(parsed?.size, size);
  });
}

test('Cidr: positions and addresses are each other’s inverse, and end at the edges', () => {
  const block = Cidr.parse('10.96.0.0/24');
  assert.ok(block);
  assert.equal(block.at(1), '10.96.0.1');
  assert.equal(block.at(255n), '10.96.0.255');
  assert.equal(block.at(256), undefined);
  assert.equal(block.at(-1), undefined);
  assert.equal(block.indexOf('10.96.0.10'), 10n);
  assert.equal(block.indexOf('10.96.1.0'), undefined);
  assert.equal(block.indexOf('10.95.255.255'), undefined);
  assert.equal(block.contains('::a60:1'), false);
});

test('Cidr: overlap is seen from both sides and never across families', () => {
  const block = (text: string): Cidr => {
    const parsed = Cidr.parse(text);
    assert.ok(parsed);
    return parsed;
  };
  assert.equal(block('10.0.0.0/8').overlaps(block('10.96.0.0/12')), true);
  assert.equal(block('10.96.0.0/12').overlaps(block('10.0.0.0/8')), true);
  assert.equal(block('10.96.0.0/12').overlaps(block('10.112.0.0/12')), false);
  assert.equal(block('0.0.0.0/0').overlaps(block('::/0')), false);
});

test('Cidr: subnets are the equal shares, in order', () => {
  const block = Cidr.parse('10.244.0.0/16');
  assert.equal(block?.subnet(24, 0)?.toString(), '10.244.0.0/24');
  assert.equal(block?.subnet(24, 255)?.toString(), '10.244.255.0/24');
  assert.equal(block?.subnet(24, 256), undefined);
  assert.equal(block?.subnet(8, 0), undefined);
  assert.equal(Cidr.parse('fd00::/48')?.subnet(64, 5)?.toString(), 'fd00:0:0:5::/64');
});
