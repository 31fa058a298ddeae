import assert from 'node:assert/strict';
import { test } from 'node:test';
import { knownStruct } from '#api/schema/schema.ts';
import { decodeMessage } from './protobuf-decode.ts';
import { encodeMessage } from './protobuf-encode.ts';

test('protobuf: a list with a type of its own is a message with one repeated field', () => {
  const resource = knownStruct('meta.v1.APIResource');
  const given = { name: 'pods', singularName: 'pod', namespaced: true, kind: 'Pod', verbs: ['get', 'list'] };
  const bytes = encodeMessage(given, resource);
  // Field 4 is a message of 11 bytes: field 1 twice.
  assert.ok(Buffer.from(bytes).includes(Buffer.from('\u0022\u000b\n\u0003get\n\u0004list', 'latin1')));
  assert.deepEqual(decodeMessage(bytes, resource)['verbs'], given.verbs);
});

test('protobuf: the same list inside a map', () => {
  const spec = knownStruct('authorization.v1.SubjectAccessReviewSpec');
  const given = { user: 'jane', extra: { scopes: ['a', 'b'] } };
  assert.deepEqual(decodeMessage(encodeMessage(given, spec), spec)['extra'], given.extra);
});
