import assert from 'node:assert/strict';
import { createCipheriv } from 'node:crypto';
import { test } from 'node:test';
import { SeededRandom } from '#base/random.ts';
import { AesCbc, AesGcm, SeededGcm } from './aes.ts';
import { poly1305 } from './poly1305.ts';
import { openBox, sealBox, Secretbox } from './secretbox.ts';
import { TransformError, type Transformer } from './transformer.ts';

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'hex'));
const random = new SeededRandom(1);
const KEY = '/registry/secrets/default/a';

// From "Cryptography in NaCl" (Bernstein, 2009), sections 8 to 10.
const BOX = {
  key: hex('1b27556473e985d462cd51197a9a46c76009549eac6474f206c4ee0844f68389'),
  nonce: hex('69696ee955b62b73cd62bda875fc73d68219e0036b7a0b37'),
  message: hex(
    'be075fc53c81f2d5cf141316ebeb0c7b5228c52a4c62cbd44b66849b64244ffce5ecbaaf33bd751a1ac728d45e6c61296cdc3c01233561f41db66cce314adb310e3be8250c46f06dceea3a7fa1348057e2f6556ad6b1318a024a838f21af1fde048977eb48f59ffd4924ca1c60902e52f0a089bc76897040e082f937763848645e0705',
  ),
  sealed: hex(
    'f3ffc7703f9400e52a7dfb4b3d3305d98e993b9f48681273c29650ba32fc76ce48332ea7164d96a4476fb8c531a1186ac0dfc17c98dce87b4da7f011ec48c97271d2c20f9b928fe2270d6fb863d51738b48eeee314a7cc8ab932164548e526ae90224368517acfeabd6bb3732bc0e9da99832b61ca01b6de56244a9e88d5f9b37973f622a43d14a6599b1f654cb45a74e355a5',
  ),
};

test('secretbox: seals and opens the published example', () => {
  assert.deepEqual(Buffer.from(sealBox(BOX.key, BOX.nonce, BOX.message)), Buffer.from(BOX.sealed));
  assert.deepEqual(openBox(BOX.key, BOX.nonce, BOX.sealed), BOX.message);
  const changed = Uint8Array.from(BOX.sealed);
  changed[20] = (changed[20] ?? 0) ^ 1;
  assert.equal(openBox(BOX.key, BOX.nonce, changed), undefined);
});

test('poly1305: the example of RFC 8439', () => {
  const key = hex('85d6be7857556d337f4452fe42d506a80103808afb0db2fd4abff6af4149f51b');
  const tag = poly1305(key, Buffer.from('Cryptographic Forum Research Group'));
  assert.equal(Buffer.from(tag).toString('hex'), 'a8061dc1305136c6c22b8baf0c0127a9');
});

const secret = (length: number): Uint8Array => random.bytes(length);

const transformers: readonly { name: string; make: () => Transformer; isBound: boolean }[] = [
  { name: 'AES-CBC, 128 bits', make: () => new AesCbc(secret(16), random), isBound: false },
  { name: 'AES-CBC, 256 bits', make: () => new AesCbc(secret(32), random), isBound: false },
  { name: 'AES-GCM, 192 bits', make: () => new AesGcm(secret(24), random), isBound: true },
  { name: 'AES-GCM from a seed', make: () => new SeededGcm(secret(32), random), isBound: true },
  { name: 'secretbox', make: () => new Secretbox(secret(32), random), isBound: false },
];

for (const { name, make, isBound } of transformers) {
  test(`${name}: reads what it wrote, whatever its length, and nothing that is cut or of another key`, async () => {
    const transformer = make();
    for (const length of [0, 1, 15, 16, 17, 63, 64, 65, 5000]) {
      const value = random.bytes(length);
      const stored = await transformer.write(value, KEY);
      assert.notDeepEqual(stored, await transformer.write(value, KEY));
      const read = await transformer.read(stored, KEY);
      assert.deepEqual(Buffer.from(read.value), Buffer.from(value));
      assert.equal(read.isStale, false);
      await assert.rejects(async () => transformer.read(stored.subarray(0, 10), KEY), TransformError);
      if (isBound) {
        await assert.rejects(async () => transformer.read(stored, '/registry/secrets/default/b'), {
          message: 'cipher: message authentication failed',
        });
      }
    }
  });
}

test('AES-CBC: what is not padded as it should be is refused', () => {
  const key = secret(32);
  const vector = random.bytes(16);
  const store = (plain: Uint8Array): Uint8Array => {
    const cipher = createCipheriv('aes-256-cbc', key, vector).setAutoPadding(false);
    return Buffer.concat([vector, cipher.update(plain), cipher.final()]);
  };
  const cbc = new AesCbc(key, random);
  const cases: readonly { plain: Uint8Array; message: string }[] = [
    { plain: new Uint8Array(16), message: 'invalid PKCS7 data (empty or not padded)' },
    { plain: new Uint8Array(16).fill(17), message: 'invalid PKCS7 data (empty or not padded)' },
    { plain: Uint8Array.of(...new Uint8Array(15), 2), message: 'invalid padding on input' },
  ];
  for (const { plain, message } of cases) {
    assert.throws(() => cbc.read(store(plain)), { message });
  }
  const whole = store(new Uint8Array(16).fill(16));
  assert.throws(() => cbc.read(whole.subarray(0, 20)), {
    message: 'the stored data is not a multiple of the block size',
  });
});
