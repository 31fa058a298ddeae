import type { ApiObject } from '#api/object.ts';
import type { CustomResourceColumnDefinition } from '#api/types/apiextensions.v1.ts';
import { encodeJson } from '#codec/canonical.ts';
import { ageText } from '../tables/age.ts';
import type { Column, TablePrinter } from '../tables/table.ts';
import { parseJsonPath, type JsonPath } from './json-path.ts';

const AGE: CustomResourceColumnDefinition = {
  name: 'Age',
  type: 'date',
  jsonPath: '.metadata.creationTimestamp',
};

/** The columns of a version: the name, and what it declares; the age where it declares nothing. */
export function customPrinter(
  definitions: readonly CustomResourceColumnDefinition[] | undefined,
): TablePrinter {
  const declared = definitions === undefined || definitions.length === 0 ? [AGE] : definitions;
  const columns = declared.map((definition) => ({ ...definition, path: parseJsonPath(definition.jsonPath) }));
  return {
    columns: [
      { name: 'Name', type: 'string', format: 'name', description: '', priority: 0 },
      ...columns.map(({ name, type, format = '', description = '', priority = 0 }): Column => ({
        name,
        // Validation allows only these types.
        type: type as Column['type'],
        format,
        description,
        priority,
      })),
    ],
    cells: (object: ApiObject, nowMs) => [
      object.metadata.name,
      ...columns.map(({ type, path }) => ('find' in path ? cell(path, object, type, nowMs) : null)),
    ],
  };
}

function cell(path: JsonPath, object: ApiObject, type: string, nowMs: number): unknown {
  const found = path.find(object);
  const [first] = found;
  if (first === undefined || first === null) {
    return null;
  }
  switch (type) {
    case 'integer':
      return typeof first === 'number' ? Math.trunc(first) : typeof first === 'bigint' ? first : null;
    case 'number':
      return typeof first === 'number' || typeof first === 'bigint' ? first : null;
    case 'boolean':
      return typeof first === 'boolean' ? first : null;
    case 'date':
      return typeof first === 'string'
        ? Number.isNaN(Date.parse(first))
          ? '<invalid>'
          : ageText(first, nowMs)
        : null;
    default:
      return found.map(text).join(',');
  }
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : encodeJson(value);
}
