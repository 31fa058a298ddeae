import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BYTES, WireReader } from '#base/protobuf-wire.ts';
import { encodeOpenApiV2 } from './document-protobuf.ts';

/** The fields of a message; those that hold messages are named by their path of numbers. */
function fieldsOf(
  bytes: Uint8Array,
  messages: readonly string[],
  path = '',
): readonly (readonly [string, unknown])[] {
  const reader = new WireReader(bytes);
  const fields: (readonly [string, unknown])[] = [];
  while (!reader.isAtEnd) {
    const { number, type } = reader.tag();
    const at = path === '' ? String(number) : `${path}.${number}`;
    if (type !== BYTES) {
      fields.push([at, Number(reader.varint())]);
      continue;
    }
    const value = reader.bytes();
    const inner = messages.includes(at)
      ? fieldsOf(value, messages, at)
      : [[at, Buffer.from(value).toString()] as const];
    fields.push(...inner);
  }
  return fields;
}

test('openapi v2 as a message: information, definitions and what is particular to Kubernetes', () => {
  const bytes = encodeOpenApiV2({
    swagger: '2.0',
    info: { title: 'Kubernetes', version: 'v1' },
    paths: {},
    definitions: {
      'a.Thing': {
        type: 'object',
        required: ['size'],
        properties: {
          size: { type: 'integer', format: 'int32' },
          parts: { type: 'array', items: { $ref: '#/definitions/a.Part' } },
          labels: { type: 'object', additionalProperties: { type: 'string' } },
        },
        'x-kubernetes-group-version-kind': [{ group: 'a', kind: 'Thing', version: 'v1' }],
      },
    },
  });
  const schema = '9.1.2';
  const property = `${schema}.25.1`;
  const messages = ['2', '8', '9', '9.1', schema, `${schema}.22`, `${schema}.25`, property, `${property}.2`]
    .concat([`${property}.2.22`, `${property}.2.23`, `${property}.2.23.1`])
    .concat([`${property}.2.21`, `${property}.2.21.1`, `${property}.2.21.1.22`])
    .concat([`${schema}.31`, `${schema}.31.2`]);
  assert.deepEqual(fieldsOf(bytes, messages), [
    ['1', '2.0'],
    ['2.1', 'Kubernetes'],
    ['2.2', 'v1'],
    ['9.1.1', 'a.Thing'],
    ['9.1.2.22.1', 'object'],
    ['9.1.2.19', 'size'],
    ['9.1.2.25.1.1', 'size'],
    ['9.1.2.25.1.2.22.1', 'integer'],
    ['9.1.2.25.1.2.2', 'int32'],
    ['9.1.2.25.1.1', 'parts'],
    ['9.1.2.25.1.2.22.1', 'array'],
    ['9.1.2.25.1.2.23.1.1', '#/definitions/a.Part'],
    ['9.1.2.25.1.1', 'labels'],
    ['9.1.2.25.1.2.22.1', 'object'],
    ['9.1.2.25.1.2.21.1.22.1', 'string'],
    ['9.1.2.31.1', 'x-kubernetes-group-version-kind'],
    ['9.1.2.31.2.2', '[{"group":"a","kind":"Thing","version":"v1"}]\n'],
  ]);
});
