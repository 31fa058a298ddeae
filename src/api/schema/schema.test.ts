import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { generate } from '../../../tools/generate-types.ts';
import { RESOURCES } from '../resource-table.ts';
import { RAW_TABLES } from './raw-tables.ts';
import { knownStruct, structOfKind, structType, typeNames, type ValueType } from './schema.ts';

test('tables: the static types are what the generator makes of them', () => {
  for (const [path, text] of generate()) {
    assert.equal(
      readFileSync(join(import.meta.dirname, '..', path), 'utf8'),
      text,
      `run tools/generate-types.ts: ${path}`,
    );
  }
});

test('tables: every served resource and subresource has the type of its kind', () => {
  const missing = RESOURCES.flatMap((info) => [info, ...Object.values(info.subresources)])
    .filter(({ group, version, kind }) => structOfKind(group, version, kind) === undefined)
    .map(({ group, version, kind }) => `${group}/${version} ${kind}`);
  assert.deepEqual(missing, []);
});

test('tables: every reference between types leads somewhere', () => {
  const seen = new Set<string>();
  const visit = (type: ValueType): void => {
    if (type.kind === 'list') visit(type.item);
    if (type.kind === 'map') visit(type.value);
    if (type.kind === 'struct' && !seen.has(type.struct.name)) {
      seen.add(type.struct.name);
      type.struct.fields.forEach((field) => visit(field.type));
    }
  };
  for (const table of Object.keys(RAW_TABLES)) {
    const [group = '', version = ''] = table.split('.');
    for (const name of typeNames(group === 'core' ? '' : group, version)) {
      const struct = structType(name);
      if (struct !== undefined) visit({ kind: 'struct', struct });
    }
  }
  assert.ok(seen.size > 800, `${seen.size} types were reached`);
});

test('schema: fields of an inlined type stand in the parent and know the message around them', () => {
  const emptyDir = knownStruct('core.v1.Volume').byName.get('emptyDir');
  assert.deepEqual([emptyDir?.pbNumber, emptyDir?.pbPath], [2, [2]]);
});

test('schema: merge keys, list kinds and defaults come from the table', () => {
  const ports = knownStruct('core.v1.Container').byName.get('ports');
  assert.deepEqual(
    [ports?.patchStrategies, ports?.patchMergeKey, ports?.listType, ports?.listMapKeys],
    [['merge'], 'containerPort', 'map', ['containerPort', 'protocol']],
  );
  assert.equal(knownStruct('core.v1.ContainerPort').byName.get('protocol')?.default, 'TCP');
});
