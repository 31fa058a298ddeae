import assert from 'node:assert/strict';
import { test } from 'node:test';
import { proxiedAddress, withProxiedLinks } from './proxied-links.ts';

const PLACE = { prefix: '/p/proxy', host: 'api.example:6443', targetHost: '10.1.2.3:80' };

const addresses: readonly (readonly [given: string, expected: string])[] = [
  ['/a/b?x=1#y', '/p/proxy/a/b?x=1#y'],
  ['/', '/p/proxy/'],
  ['/p/proxy/a', '/p/proxy/a'],
  ['a/b', 'a/b'],
  ['#top', '#top'],
  ['mailto:x@y', 'mailto:x@y'],
  ['http://10.1.2.3:80/a', '/p/proxy/a'],
  ['//10.1.2.3/a', '/p/proxy/a'],
  ['https://api.example:6443/a', '/p/proxy/a'],
  ['https://elsewhere.example/a', 'https://elsewhere.example/a'],
  ['/../../a', '/a'],
];

for (const [given, expected] of addresses) {
  test(`proxied address: ${given}`, () => assert.equal(proxiedAddress(given, PLACE), expected));
}

const pages: readonly (readonly [what: string, given: string, expected: string])[] = [
  ['a link', '<a href="/r">t</a>', '<a href="/p/proxy/r">t</a>'],
  [
    'quotes of either kind and none',
    `<img src='/r'><a href=/r>`,
    `<img src='/p/proxy/r'><a href="/p/proxy/r">`,
  ],
  [
    'attributes that hold no address',
    '<a title="/r" data-x="a>b" HREF="/r">',
    '<a title="/r" data-x="a>b" HREF="/p/proxy/r">',
  ],
  ['elements without addresses', '<p href="/r">', '<p href="/r">'],
  [
    'text that looks like a tag',
    '<script src="/s">"<a href=\'/r\'>"</script><a href="/r">',
    '<script src="/p/proxy/s">"<a href=\'/r\'>"</script><a href="/p/proxy/r">',
  ],
  ['comments', '<!-- <a href="/r"> --><a href="/r">', '<!-- <a href="/r"> --><a href="/p/proxy/r">'],
  ['a page that is no page', '1 < 2 > 1 <', '1 < 2 > 1 <'],
  ['letters of any script', '<a href="/ä">ä</a>', '<a href="/p/proxy/ä">ä</a>'],
];

for (const [what, given, expected] of pages) {
  test(`proxied links: ${what}, however the page is cut`, async () => {
    const bytes = Buffer.from(given);
    for (let size = 1; size <= bytes.length; size++) {
      const chunks = (async function* (): AsyncGenerator<Uint8Array> {
        for (let at = 0; at < bytes.length; at += size) {
          yield bytes.subarray(at, at + size);
        }
      })();
      const parts = await Array.fromAsync(
        withProxiedLinks(chunks, (address) => proxiedAddress(address, PLACE)),
      );
      assert.equal(Buffer.concat(parts).toString(), expected);
    }
  });
}
