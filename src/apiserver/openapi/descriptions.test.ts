import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RESOURCES } from '#api/resource-table.ts';
import { structOfKind } from '#api/schema/schema.ts';
import { defined } from '#base/assert.ts';
import { Descriptions, type DescriptionFile } from './descriptions.ts';
import { OpenApi } from './openapi.ts';

const FILE: DescriptionFile = {
  V1ConfigMap: [
    'Holds settings.',
    {
      apiVersion: 'The version.',
      kind: 'The kind.',
      metadata: '',
      data: 'The settings.',
      binaryData: '',
      immutable: '',
    },
  ],
  V1Event: ['Of another group.', { regarding: 'What it is about.' }],
};

function openApi(file: DescriptionFile): OpenApi {
  const resources = RESOURCES.filter(({ kind, version }) => kind === 'ConfigMap' && version === 'v1');
  return new OpenApi({ resources: () => resources, schemaOf: () => undefined }, async () => file);
}

async function documentAt(path: string, file = FILE): Promise<unknown> {
  const result = await openApi(file).serve(path);
  assert(result?.kind === 'text');
  return JSON.parse(result.text);
}

function at(value: unknown, ...path: readonly string[]): unknown {
  return path.reduce((inner, name) => (inner as Readonly<Record<string, unknown>>)[name], value);
}

test('openapi: kinds and fields are described in both versions', async () => {
  for (const [path, place] of [
    ['/openapi/v3/api/v1', ['components', 'schemas']],
    ['/openapi/v2', ['definitions']],
  ] as const) {
    const schema = at(await documentAt(path), ...place, 'io.k8s.api.core.v1.ConfigMap');
    assert.equal(at(schema, 'description'), 'Holds settings.');
    assert.deepEqual(at(schema, 'properties', 'kind'), { description: 'The kind.', type: 'string' });
    assert.equal(at(schema, 'properties', 'data', 'description'), 'The settings.');
    assert.equal(at(schema, 'properties', 'immutable', 'description'), undefined);
  }
});

test('openapi: the index changes with the descriptions, and names no document that it would have to make', async () => {
  const index = at(await documentAt('/openapi/v3'), 'paths', 'api/v1', 'serverRelativeURL');
  const bare = at(await documentAt('/openapi/v3', {}), 'paths', 'api/v1', 'serverRelativeURL');
  assert.match(String(index), /^\/openapi\/v3\/api\/v1\?hash=[0-9A-F]{128}$/);
  assert.notEqual(index, bare);
});

test('descriptions: a type of another group with the same name is left alone', () => {
  const event = defined(structOfKind('', 'v1', 'Event'), 'the type of events');
  assert.deepEqual(new Descriptions(FILE).of(event), { text: '', fields: {} });
});
