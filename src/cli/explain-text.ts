import { isRecord, type JsonRecord } from '#codec/own-property.ts';
import type { ApiResource } from './discovery.ts';
import { listAt, recordAt, sortedEntries, textAt, valueAt } from './object-access.ts';
import { innerSchemas, type OpenApiSchemas, refName } from './openapi-schemas.ts';

export interface Explanation {
  readonly schemas: OpenApiSchemas;
  readonly schema: JsonRecord;
  readonly resource: Pick<ApiResource, 'group' | 'version' | 'kind'>;
  /** Names from the kind down to what is explained. */
  readonly fields: readonly string[];
  readonly isRecursive: boolean;
}

export interface Explained {
  readonly text: string;
  /** The field that there is not; the text is only the head then. */
  readonly missing?: string;
}

/** Values of an enumeration that a list of fields shows. */
const ENUM_SHOWN_MAX = 4;
const WIDTH = 76;

/** What `explain` prints about a kind or one of its fields. */
export function explainText({ schemas, schema, resource, fields, isRecursive }: Explanation): Explained {
  const { group, version, kind } = resource;
  const head = `${group === '' ? '' : `GROUP:      ${group}\n`}KIND:       ${kind}\nVERSION:    ${version}\n\n`;
  const target = findField(schemas, schema, fields);
  if (target === undefined) {
    return { text: head, missing: fields.at(-1) ?? '' };
  }
  const name = fields.at(-1);
  const fieldHead =
    name === undefined ? '' : `FIELD: ${name} <${typeText(schemas, target)}>\n${longEnumText(target)}\n\n`;
  const resolved = schemas.resolve(target);
  const description = descriptionOf(schemas, target) || '<empty>';
  const list = fieldList(schemas, target, { depth: 1, isRecursive, seen: new Set() });
  const docs = externalDocs(resolved);
  const text = `${head}${fieldHead}DESCRIPTION:\n${wrapped(description, WIDTH, 4)}\n${docs === '' ? '' : `\n${docs}`}${list === '' ? '' : `FIELDS:\n${list}`}\n`;
  return { text };
}

function findField(
  schemas: OpenApiSchemas,
  schema: JsonRecord,
  fields: readonly string[],
): JsonRecord | undefined {
  const [name, ...rest] = fields;
  if (name === undefined) {
    return schema;
  }
  const resolved = schemas.resolve(schema);
  const property = valueAt(resolved, 'properties', name);
  if (isRecord(property)) {
    return findField(schemas, property, rest);
  }
  for (const inner of innerSchemas(resolved)) {
    const found = findField(schemas, inner, fields);
    if (found !== undefined) {
      return found;
    }
  }
  return undefined;
}

/** The description of the schema and of those that stand for it. */
function descriptionOf(schemas: OpenApiSchemas, schema: JsonRecord): string {
  const resolved = schemas.resolve(schema);
  const own = textAt(resolved, 'description');
  const texts = [
    own === '' ? '' : `${own}\n`,
    ...innerSchemas(resolved).map((inner) => descriptionOf(schemas, inner)),
  ];
  // A field that is only described by its type says the same as the type.
  return [...new Set(texts)].join('');
}

/** `string`, `[]Container`, `map[string]Quantity`, `Object`. */
function typeText(schemas: OpenApiSchemas, schema: JsonRecord): string {
  const { items, additionalProperties } = schema;
  if (isRecord(items)) {
    return `[]${typeText(schemas, items)}`;
  }
  if (isRecord(additionalProperties)) {
    return `map[string]${typeText(schemas, additionalProperties)}`;
  }
  const [only, ...others] = listAt(schema, 'allOf');
  if (isRecord(only) && others.length === 0 && schema['properties'] === undefined) {
    return typeText(schemas, only);
  }
  const reference = refName(schema);
  const type = textAt(reference === '' ? schema : schemas.resolve(schema), 'type');
  if (reference !== '' && (type === '' || type === 'object')) {
    return reference.slice(reference.lastIndexOf('.') + 1);
  }
  return type === '' || type === 'object' ? 'Object' : type;
}

interface FieldListOptions {
  readonly depth: number;
  readonly isRecursive: boolean;
  /** References on the way down; a type within itself is not opened again. */
  readonly seen: ReadonlySet<string>;
}

function fieldList(schemas: OpenApiSchemas, schema: JsonRecord, options: FieldListOptions): string {
  const reference = refName(schema);
  if (reference !== '' && options.seen.has(reference)) {
    return '';
  }
  const inner = { ...options, seen: new Set([...options.seen, reference]) };
  const resolved = schemas.resolve(schema);
  const own = sortedEntries(resolved['properties']).map(([name, property]) => {
    const detail = fieldDetail(schemas, name, { parent: resolved, property: recordAt(property), options });
    return options.isRecursive
      ? detail + fieldList(schemas, recordAt(property), { ...inner, depth: options.depth + 1 })
      : detail;
  });
  return [...own, ...innerSchemas(resolved).map((each) => fieldList(schemas, each, inner))].join('');
}

interface FieldDetail {
  readonly parent: JsonRecord;
  readonly property: JsonRecord;
  readonly options: FieldListOptions;
}

function fieldDetail(
  schemas: OpenApiSchemas,
  name: string,
  { parent, property, options }: FieldDetail,
): string {
  const indent = options.depth * 2;
  const isRequired = listAt(parent, 'required').includes(name);
  const line = `${' '.repeat(indent)}${name}\t<${typeText(schemas, property)}>${isRequired ? ' -required-' : ''}${shortEnumText(property, indent)}\n`;
  if (options.isRecursive) {
    return line;
  }
  const description = textAt(property, 'description') || '<no description>';
  return `${line}${wrapped(description, 78 - indent, indent + 2)}\n\n`;
}

function shortEnumText(schema: JsonRecord, indent: number): string {
  const values = listAt(schema, 'enum').map(enumValue);
  if (values.length === 0) {
    return '';
  }
  const shown = values.slice(0, ENUM_SHOWN_MAX).join(', ');
  return `\n${' '.repeat(indent)}enum: ${shown}${values.length > ENUM_SHOWN_MAX ? ', ....' : ''}`;
}

function longEnumText(schema: JsonRecord): string {
  const values = listAt(schema, 'enum').map(enumValue);
  return values.length === 0 ? '' : `ENUM:${values.map((value) => `\n    ${value}`).join('')}`;
}

function enumValue(value: unknown): string {
  return value === '' ? '""' : String(value);
}

function externalDocs(schema: JsonRecord): string {
  const docs = valueAt(schema, 'externalDocs');
  if (docs === undefined) {
    return '';
  }
  const description = textAt(docs, 'description');
  const url = textAt(docs, 'url');
  return `EXTERNAL DOCS:\n${description === '' ? '' : `${wrapped(description, WIDTH, 4)}\n`}${url === '' ? '' : `    URL: ${url}\n`}`;
}

/** Breaks lines at blanks where they would pass the width, and sets all of them in. */
function wrapped(text: string, width: number, indent: number): string {
  const lines = text.split('\n').flatMap((line) => wrapLine(line, width));
  return lines.map((line) => ' '.repeat(indent) + line).join('\n');
}

function wrapLine(line: string, width: number): readonly string[] {
  const lines: string[] = [];
  let open = '';
  for (const word of line.split(' ')) {
    if (open !== '' && open.length + 1 + word.length > width) {
      lines.push(open);
      open = word;
    } else {
      open = open === '' ? word : `${open} ${word}`;
    }
  }
  return [...lines, open];
}
