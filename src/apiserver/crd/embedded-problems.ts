import { dns1035LabelProblems, pathSegmentProblems } from '#api/names.ts';
import type { FieldError } from '#api/status-error.ts';
import { checkMeta, type AnyMeta } from '#api/validation/object-meta.ts';
import { Problems } from '#api/validation/problems.ts';
import { isRecord, type JsonRecord } from '#codec/own-property.ts';
import type { Schema } from './structural-schema.ts';

/** What is wrong with the types and metadata of the objects inside an object. */
export function embeddedProblems(value: unknown, schema: Schema, path = ''): readonly FieldError[] {
  const problems = new Problems();
  if (hasEmbedded(schema)) {
    visit(problems, value, schema, path);
  }
  return problems.found;
}

const embedding = new WeakMap<Schema, boolean>();

/** Whether any object at or below the schema is embedded, so that others are not walked for nothing. */
export function hasEmbedded(schema: Schema): boolean {
  let known = embedding.get(schema);
  if (known === undefined) {
    const { items, additional, properties } = schema;
    known =
      schema.isEmbeddedResource ||
      (items !== undefined && hasEmbedded(items)) ||
      (typeof additional === 'object' && hasEmbedded(additional)) ||
      [...properties.values()].some(hasEmbedded);
    embedding.set(schema, known);
  }
  return known;
}

function visit(problems: Problems, value: unknown, schema: Schema, path: string): void {
  const { items, additional, properties } = schema;
  if (Array.isArray(value)) {
    if (items !== undefined) {
      value.forEach((item, index) => visit(problems, item, items, `${path}[${index}]`));
    }
  } else if (isRecord(value)) {
    if (schema.isEmbeddedResource) {
      checkEmbedded(problems, value, path);
    }
    for (const [name, child] of Object.entries(value)) {
      const property = properties.get(name);
      if (property !== undefined) {
        visit(problems, child, property, childPath(path, name));
      } else if (typeof additional === 'object') {
        visit(problems, child, additional, `${path}[${name}]`);
      }
    }
  }
}

function checkEmbedded(problems: Problems, value: JsonRecord, path: string): void {
  for (const name of ['apiVersion', 'kind']) {
    const given = value[name];
    const at = childPath(path, name);
    if (given === undefined) {
      problems.required(at);
    } else if (typeof given !== 'string') {
      problems.invalid(at, given, 'must be a string');
    } else if (given === '') {
      problems.invalid(at, given, 'must not be empty');
    } else if (name === 'apiVersion') {
      if (given.split('/').length > 2) {
        problems.invalid(at, given, `unexpected GroupVersion string: ${given}`);
      }
    } else {
      const wrong = dns1035LabelProblems(given.toLowerCase());
      if (wrong.length > 0) {
        problems.invalid(at, given, `may have mixed case, but should otherwise match: ${wrong.join(',')}`);
      }
    }
  }
  const { metadata } = value;
  if (isRecord(metadata)) {
    checkMetadata(problems, metadata, path);
  }
}

function checkMetadata(problems: Problems, metadata: AnyMeta, path: string): void {
  const own = new Problems();
  const { name, namespace } = metadata;
  // What is embedded may be made a real object, and be given its name, later.
  checkMeta(own, name === undefined || name === '' ? { ...metadata, name: 'fakename' } : metadata, {
    isNamespaced: namespace !== undefined && namespace !== '',
    nameRule: pathSegmentProblems,
  });
  problems.addAll(own.found.map((error) => ({ ...error, path: childPath(path, error.path) })));
}

function childPath(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`;
}
