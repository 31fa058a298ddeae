import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ResourceInfo } from '#api/resource-table.ts';
import type { JSONSchemaProps } from '#api/types/apiextensions.v1.ts';
import { OpenApi } from './openapi.ts';

const WIDGETS: ResourceInfo = {
  group: 'example.com',
  version: 'v1',
  resource: 'widgets',
  kind: 'Widget',
  singular: 'widget',
  namespaced: true,
  verbs: ['create', 'get', 'list', 'patch', 'watch'],
  shortNames: [],
  categories: [],
  subresources: {},
};

const SCHEMA: JSONSchemaProps = {
  type: 'object',
  properties: { spec: { type: 'object', nullable: true, properties: { size: { type: 'integer' } } } },
};

async function documentAt(path: string, schema = SCHEMA): Promise<unknown> {
  const openapi = new OpenApi({ resources: () => [WIDGETS], schemaOf: () => schema }, async () => ({}));
  const result = await openapi.serve(path);
  assert(result?.kind === 'text');
  return JSON.parse(result.text);
}

function at(value: unknown, ...path: readonly string[]): unknown {
  return path.reduce((inner, name) => (inner as Readonly<Record<string, unknown>>)[name], value);
}

test('openapi: a custom kind is published with its schema, and without the patch that it does not take', async () => {
  const document = await documentAt('/openapi/v3/apis/example.com/v1');
  const widget = at(document, 'components', 'schemas', 'com.example.v1.Widget');
  assert.deepEqual(at(widget, 'properties', 'spec'), SCHEMA.properties?.['spec']);
  assert.deepEqual(at(widget, 'x-kubernetes-group-version-kind'), [
    { group: 'example.com', kind: 'Widget', version: 'v1' },
  ]);
  const path = '/apis/example.com/v1/namespaces/{namespace}/widgets/{name}';
  assert.deepEqual(Object.keys(at(document, 'paths', path, 'patch', 'requestBody', 'content') as object), [
    'application/apply-patch+yaml',
    'application/json-patch+json',
    'application/merge-patch+json',
  ]);
});

test('openapi: version 2 leaves open what it cannot say', async () => {
  const widget = at(await documentAt('/openapi/v2'), 'definitions', 'com.example.v1.Widget');
  assert.deepEqual(at(widget, 'properties', 'spec'), {});
});

test('openapi: version 2 says nothing of an object that keeps what it does not know', async () => {
  const keeping = { ...SCHEMA, description: 'd', 'x-kubernetes-preserve-unknown-fields': true };
  assert.deepEqual(at(await documentAt('/openapi/v2', keeping), 'definitions', 'com.example.v1.Widget'), {
    type: 'object',
    'x-kubernetes-group-version-kind': [{ group: 'example.com', kind: 'Widget', version: 'v1' }],
  });
});

test('openapi: objects inside an object have a type and metadata too', async () => {
  const embedded = {
    type: 'object',
    'x-kubernetes-embedded-resource': true,
    properties: { a: { type: 'string' } },
  };
  const document = await documentAt('/openapi/v3/apis/example.com/v1', {
    type: 'object',
    properties: { inner: embedded },
  });
  const inner = at(document, 'components', 'schemas', 'com.example.v1.Widget', 'properties', 'inner');
  assert.deepEqual(Object.keys(at(inner, 'properties') as object), ['a', 'apiVersion', 'kind', 'metadata']);
  assert.match(String(at(inner, 'properties', 'kind', 'description')), /^kind is a string value/);
  assert.match(String(at(inner, 'properties', 'metadata', 'description')), /^Standard object's metadata\. /);
  assert.deepEqual(at(inner, 'required'), ['kind', 'apiVersion']);
});
