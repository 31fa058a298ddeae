import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { knownStruct } from '#api/schema/schema.ts';
import { normalizeObject } from '../typed-decode.ts';
import { createdFields, signature } from './created-fields.ts';
import { shapeOfStruct } from './field-shape.ts';
import { NO_FIELDS } from './fields-v1.ts';
import { fieldsText, internFields } from './interned-fields.ts';
import { compareTracked, updateManagedFields, zeroObject } from './managed-fields.ts';

const POD = knownStruct('core.v1.Pod');

function podWith(fields: object): object {
  return normalizeObject({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a' }, ...fields }, POD);
}

function signatureOf(object: object): string {
  return signature(zeroObject(POD), object, shapeOfStruct(POD));
}

const POD_FIELDS = fc.record({
  metadata: fc.record(
    {
      name: fc.constantFrom('a', 'b'),
      labels: fc.dictionary(fc.constantFrom('x', 'y', '1:z', '__proto__'), fc.constantFrom('1', '2')),
      finalizers: fc.array(fc.constantFrom('f', 'g')),
    },
    { requiredKeys: ['name'] },
  ),
  spec: fc.record(
    {
      nodeName: fc.constantFrom('', 'n', 'm'),
      containers: fc.array(
        fc.record(
          {
            name: fc.constantFrom('c', 'd', 'c)'),
            image: fc.constantFrom('i', 'j'),
            args: fc.array(fc.constantFrom('p', 'q'), { maxLength: 2 }),
            ports: fc.array(fc.record({ containerPort: fc.constantFrom(80, 81) }), { maxLength: 2 }),
          },
          { requiredKeys: ['name'] },
        ),
        { maxLength: 2 },
      ),
    },
    { requiredKeys: ['containers'] },
  ),
});

test('signature: the same for the same fields, whatever their values', () => {
  const one = podWith({ spec: { containers: [{ name: 'c', image: 'i' }], nodeName: 'n' } });
  const two = podWith({ spec: { containers: [{ name: 'c', image: 'j' }], nodeName: 'm' } });
  assert.equal(signatureOf(one), signatureOf(two));
  const keyed = podWith({ spec: { containers: [{ name: 'd', image: 'i' }], nodeName: 'n' } });
  assert.notEqual(signatureOf(one), signatureOf(keyed), 'the key of a list item is part of its path');
});

test('signature: objects that share one own the same fields', () => {
  const owned = (object: object): unknown => compareTracked(undefined, object, POD)?.added ?? NO_FIELDS;
  const seen = new Map<string, unknown>();
  fc.assert(
    fc.property(POD_FIELDS, (fields) => {
      const object = podWith(fields);
      const text = signatureOf(object);
      const known = seen.get(text);
      if (known === undefined) {
        seen.set(text, owned(object));
      } else {
        assert.deepEqual(owned(object), known);
      }
    }),
    { numRuns: 2_000 },
  );
});

test('createdFields: what was found once is the same object the next time', () => {
  const object = podWith({ spec: { containers: [{ name: 'once' }] } });
  const find = (): object => ({ 'f:spec': { 'f:once': {} } });
  const first = createdFields(object, zeroObject(POD), POD, find as never);
  const second = createdFields(object, zeroObject(POD), POD, () => assert.fail('it was found before'));
  assert.equal(first, second);
  assert.equal(Object.isFrozen(first), true);
});

test('internFields: equal sets become one, with its text', () => {
  const one = internFields({ 'f:data': { '.': {}, 'f:key': {} } });
  const two = internFields({ 'f:data': { '.': {}, 'f:key': {} } });
  assert.equal(one, two);
  assert.equal(fieldsText(two), '{"f:data":{".":{},"f:key":{}}}');
  const large = { 'f:data': Object.fromEntries(Array.from({ length: 2_000 }, (_, n) => [`f:key-${n}`, {}])) };
  assert.equal(internFields(large), large);
  assert.equal(fieldsText(large), undefined, 'a very large set is not kept');
});

test('updateManagedFields: two pods of one making share the set they own', () => {
  const create = (image: string): object => {
    const next = podWith({ spec: { containers: [{ name: 'web', image }] } }) as { metadata: object };
    return updateManagedFields({
      live: undefined,
      next,
      struct: POD,
      manager: 'test',
      apiVersion: 'v1',
      subresource: '',
      time: '2026-01-01T00:00:00Z',
    }).metadata;
  };
  const [one, two] = [create('a'), create('b')] as { managedFields: { fieldsV1: object }[] }[];
  assert.equal(one?.managedFields[0]?.fieldsV1, two?.managedFields[0]?.fieldsV1);
  assert.deepEqual(Object.keys(one?.managedFields[0]?.fieldsV1 ?? {}), ['f:spec']);
});
