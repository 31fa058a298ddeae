import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { RESOURCES } from '#api/resource-table.ts';
import { type StructType, structOfKind } from '#api/schema/schema.ts';
import { defined } from '#base/assert.ts';
import { utf8Decode } from '#base/bytes.ts';
import { anyObject } from './any-object.fixture.ts';
import { deepFreeze, encodeJson } from './canonical.ts';
import { decodeStored, encodeStored, isSameState } from './stored-form.ts';
import { applyPatch } from './managed-fields/server-side-apply.ts';
import { withManagedFields } from './managed-fields/managed-fields.ts';
import { applyMergePatch } from './patch/merge-patch.ts';
import { applyStrategicMerge } from './patch/strategic-merge.ts';
import { decodeObject, normalizeObject } from './typed-decode.ts';

const KINDS: readonly StructType[] = [
  ...new Set(
    RESOURCES.map(({ group, version, kind }) =>
      defined(structOfKind(group, version, kind), `${group} ${kind}`),
    ),
  ),
];
const RUNS = { numRuns: 8 };

for (const struct of KINDS) {
  test(`${struct.name}: every object has one normal form, and storing it loses nothing`, () => {
    fc.assert(
      fc.property(anyObject(struct), (value) => {
        const { object } = decodeObject(deepFreeze(value), struct, { fieldValidation: 'Strict' });
        assert.equal(encodeJson(normalizeObject(object, struct)), encodeJson(object));
        const bytes = encodeStored(object);
        assert.equal(utf8Decode(encodeStored(decodeStored(bytes, '7'))), utf8Decode(bytes));
      }),
      RUNS,
    );
  });

  test(`${struct.name}: patching an object with itself changes nothing`, () => {
    fc.assert(
      fc.property(anyObject(struct), (value) => {
        const object = deepFreeze(normalizeObject(value, struct));
        const merged = normalizeObject(applyMergePatch(object, object), struct);
        const strategic = normalizeObject(applyStrategicMerge(object, object, struct), struct);
        assert.ok(isSameState(merged, object));
        assert.ok(isSameState(strategic, object));
        assert.ok(isSameState(normalizeObject(applyStrategicMerge({}, object, struct), struct), object));
      }),
      RUNS,
    );
  });

  test(`${struct.name}: what is applied is there, again changes nothing, and nothing is left once it is applied no more`, () => {
    fc.assert(
      fc.property(anyObject(struct), (value) => {
        const options = {
          struct,
          manager: 'm',
          apiVersion: 'v1',
          subresource: '',
          ignored: {},
          force: false,
          time: '2026-01-01T00:00:00Z',
        };
        const head = { apiVersion: 'v1', kind: 'K', metadata: { name: 'a' } };
        // An empty list merged by keys belongs to nobody, so it would stay; the normal form has none.
        const patch = deepFreeze({ ...normalizeObject(value, struct), ...head });
        const first = deepFreeze(normalizeObject(applyPatch({ ...options, live: undefined, patch }), struct));
        const plain = normalizeObject(withManagedFields(first, []), struct);
        assert.ok(isSameState(plain, normalizeObject(patch, struct)));
        assert.ok(
          isSameState(normalizeObject(applyPatch({ ...options, live: first, patch }), struct), first),
        );
        const gone = normalizeObject(applyPatch({ ...options, live: first, patch: head }), struct);
        assert.ok(isSameState(gone, normalizeObject(head, struct)));
      }),
      RUNS,
    );
  });
}
