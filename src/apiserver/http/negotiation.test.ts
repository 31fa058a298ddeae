import assert from 'node:assert/strict';
import { test } from 'node:test';
import { negotiate } from './negotiation.ts';

const TABLE = 'application/json;as=Table;v=v1;g=meta.k8s.io';

const accepted: readonly (readonly [accept: string | undefined, expected: string])[] = [
  [undefined, 'json plain'],
  ['*/*', 'json plain'],
  ['application/yaml', 'yaml plain'],
  ['application/vnd.kubernetes.protobuf,application/json', 'protobuf plain'],
  [TABLE, 'json Table'],
  [`${TABLE},application/json`, 'json Table plain'],
  [`application/json,${TABLE}`, 'json plain'],
  ['application/json;as=Chair;v=v1;g=meta.k8s.io,application/json', 'json plain'],
];

for (const [accept, expected] of accepted) {
  test(`negotiate: ${accept}`, () => {
    const { encoding, as, takesPlain } = negotiate(accept);
    assert.equal([encoding, as, takesPlain ? 'plain' : undefined].filter(Boolean).join(' '), expected);
  });
}

test('negotiate: nothing that there is', () => {
  assert.throws(() => negotiate('text/plain'), { reason: 'NotAcceptable', code: 406 });
});
