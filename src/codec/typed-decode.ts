import type { ApiObject } from '#api/object.ts';
import type { Field, StructType, ValueType } from '#api/schema/schema.ts';
import { badRequest } from '#api/status-error.ts';
import { unreachable } from '#base/assert.ts';
import { inDocumentOrder } from './duplicate-fields.ts';
import { DecodeError, valueDescription, wrongType } from './decode-error.ts';
import { setOwn } from './own-property.ts';
import { decodeScalar, isZeroScalar, zeroScalar } from './scalar-decode.ts';

export type FieldValidation = 'Strict' | 'Warn' | 'Ignore';

export interface DecodeOptions {
  /** What becomes of unknown fields: an error, a warning, or nothing. They are pruned in any case. */
  readonly fieldValidation: FieldValidation;
  /** The text that the value was read from, and what is wrong with it; joins the unknown fields in the answer or the error. */
  readonly source?: TextProblems | undefined;
  /** An object of the kind in normal form. Parts that are its own, as a patch leaves most of them, are kept as they are. */
  readonly like?: ApiObject | undefined;
}

/** What strict reading finds in a text and its value does not show. */
export type TextProblems =
  /** From `duplicateFields`. */
  | { readonly kind: 'json'; readonly text: string; readonly duplicates: readonly string[] }
  /** From `yamlProblem`. */
  | { readonly kind: 'yaml'; readonly problem: string };

export interface Decoded {
  readonly object: ApiObject;
  /** With `Warn`: `unknown field "spec.foo"`, `duplicate field "spec.bar"`, ready to be warnings. */
  readonly warnings: readonly string[];
}

/** More unknown fields than this are not reported. */
const REPORTED_MAX = 100;

/**
 * Turns parsed JSON into an object of its kind, exactly as a round trip through upstream's types would: unknown fields
 * pruned, null and empty optional fields dropped, structs that are not pointers present, quantities and times in canonical form, fields in
 * the order of the table and map keys sorted, so that equal objects encode to equal bytes.
 * One difference: a required list or map that is absent becomes empty and not null.
 *
 * Never keeps or changes the input; parts may be shared with it.
 *
 * @throws {StatusError} BadRequest for a wrong type anywhere, and for unknown or duplicate fields when strict
 */
export function decodeObject(value: unknown, struct: StructType, options: DecodeOptions): Decoded {
  const context: DecodeContext = { unknown: options.fieldValidation === 'Ignore' ? undefined : [] };
  const object = decodeKind(value, struct, context, options.like);
  const warnings =
    options.fieldValidation === 'Ignore' ? [] : strictProblems(context.unknown ?? [], options.source);
  if (options.fieldValidation === 'Strict' && warnings.length > 0) {
    throw cannotBeHandled(struct, `strict decoding error: ${warnings.join(', ')}`);
  }
  return { object, warnings };
}

/** In upstream's words, and as they stand in the text. */
function strictProblems(unknown: readonly string[], source: TextProblems | undefined): readonly string[] {
  if (source?.kind === 'json' && source.duplicates.length > 0) {
    return inDocumentOrder(source.text, unknown, source.duplicates).map(({ path, isDuplicate }) =>
      isDuplicate ? duplicateField(path) : unknownField(path),
    );
  }
  return [...textProblems(source), ...unknown.map(unknownField)];
}

/** What is wrong with the text alone, ready to be warnings. */
export function textProblems(source: TextProblems | undefined): readonly string[] {
  switch (source?.kind) {
    case 'json':
      return source.duplicates.map(duplicateField);
    case 'yaml':
      return [source.problem];
    case undefined:
      return [];
  }
}

/** Says so in the words of strict decoding. */
export function unknownField(path: string): string {
  return `unknown field ${JSON.stringify(path)}`;
}

function duplicateField(path: string): string {
  return `duplicate field ${JSON.stringify(path)}`;
}

/** The normal form of a value that this program made itself: as {@link decodeObject}, unknown fields silently pruned. */
export function normalizeObject(value: unknown, struct: StructType): ApiObject {
  return decodeKind(value, struct, { unknown: undefined });
}

interface DecodeContext {
  /** Paths of unknown fields, or undefined when nobody asks. */
  readonly unknown: string[] | undefined;
}

/**
 * Where the walk is, kept only to be named in errors and warnings: field names, list indexes as numbers, and
 * map keys after a dot.
 */
type Path = (string | number)[];

type Output = Record<string, unknown>;

function decodeKind(value: unknown, struct: StructType, context: DecodeContext, like?: ApiObject): ApiObject {
  try {
    // A kind has apiVersion, kind and metadata by construction.
    const place: Place = { struct, context, path: [] };
    return decodeStruct(value, struct, place, like) as unknown as ApiObject;
  } catch (error) {
    throw error instanceof DecodeError ? cannotBeHandled(struct, error.message) : error;
  }
}

function cannotBeHandled(struct: StructType, why: string): Error {
  const [, version = '', kind = ''] = struct.name.split('.');
  return badRequest(`${kind} in version ${JSON.stringify(version)} cannot be handled as a ${kind}: ${why}`);
}

function decodeStruct(value: unknown, struct: StructType, { context, path }: Place, like: unknown): Output {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    if (value === null || value === undefined) {
      return zeroStruct(struct);
    }
    throw new DecodeError(
      `json: cannot unmarshal ${valueDescription(value)} into Go value of type ${goName(struct)}`,
    );
  }
  const input = value as Readonly<Output>;
  const output: Output = {};
  const normal = isOutput(like) ? like : undefined;
  const place: Place = { struct, context, path };
  let known = 0;
  if (struct.isKind) {
    known += copyType(input, output, struct);
  }
  for (const field of struct.fields) {
    const given = input[field.name];
    if (given === undefined) {
      addAbsent(output, field);
      continue;
    }
    known += 1;
    const kept = normal?.[field.name];
    if (given === kept && typeof given === 'object') {
      output[field.name] = given;
      continue;
    }
    path.push(field.name);
    addGiven(output, field, given === null ? undefined : decodeValue(given, field.type, place, kept));
    path.pop();
  }
  if (struct.keepsUnknown === true) {
    copyUnknown(input, output, struct);
  } else if (context.unknown !== undefined) {
    reportUnknown(input, known, place);
  }
  return output;
}

function isOutput(value: unknown): value is Readonly<Output> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function copyType(input: Readonly<Output>, output: Output, struct: StructType): number {
  let known = 0;
  for (const name of ['apiVersion', 'kind'] as const) {
    const given = input[name];
    if (given === undefined) {
      continue;
    }
    known += 1;
    if (typeof given !== 'string') {
      throw wrongType(given, struct, [name], 'string');
    }
    output[name] = given;
  }
  return known;
}

/** Where a value stands; one object per call chain keeps the parameter lists short. */
interface Place {
  readonly struct: StructType;
  readonly context: DecodeContext;
  readonly path: Path;
}

/** @param like the normal form of a similar value, whose parts need no decoding */
function decodeValue(value: unknown, type: ValueType, place: Place, like: unknown): unknown {
  switch (type.kind) {
    case 'scalar':
      if (typeof value === 'string' && type.scalar === 'string') {
        return value;
      }
      return value === null
        ? zeroScalar(type.scalar)
        : decodeScalar(value, type.scalar, (goType) => wrongType(value, place.struct, place.path, goType));
    case 'list':
      return decodeList(value, type.item, place, like);
    case 'map':
      return decodeMap(value, type.value, place);
    case 'struct':
      if (typeof value !== 'object' || Array.isArray(value)) {
        throw wrongType(value, place.struct, place.path, goName(type.struct));
      }
      return decodeStruct(value, type.struct, place, like);
    default:
      return unreachable(type);
  }
}

function decodeList(value: unknown, item: ValueType, place: Place, like: unknown): unknown {
  if (!Array.isArray(value)) {
    if (value === null) {
      return undefined;
    }
    throw wrongType(value, place.struct, place.path, `[]${goTypeName(item)}`);
  }
  const list: unknown[] = [];
  const normal: readonly unknown[] = Array.isArray(like) ? like : [];
  for (let index = 0; index < value.length; index += 1) {
    const given: unknown = value[index];
    const kept = normal[index];
    if (given === kept && typeof given === 'object' && given !== null) {
      list.push(given);
      continue;
    }
    place.path.push(index);
    list.push(decodeValue(given, item, place, kept));
    place.path.pop();
  }
  return list;
}

function decodeMap(value: unknown, type: ValueType, place: Place): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    if (value === null) {
      return undefined;
    }
    throw wrongType(value, place.struct, place.path, `map[string]${goTypeName(type)}`);
  }
  const input = value as Readonly<Output>;
  const output: Output = {};
  for (const key of sortedKeys(input)) {
    place.path.push(`.${key}`);
    setOwn(output, key, decodeValue(input[key], type, place, undefined));
    place.path.pop();
  }
  return output;
}

/** The keys of an object in the order of their bytes, as Go writes maps. Sorting is skipped where it is not needed. */
function sortedKeys(input: object): readonly string[] {
  const keys = Object.keys(input);
  for (let index = 1; index < keys.length; index += 1) {
    if ((keys[index - 1] ?? '') > (keys[index] ?? '')) {
      return keys.sort();
    }
  }
  return keys;
}

function addGiven(output: Output, field: Field, value: unknown): void {
  if (value === undefined) {
    addAbsent(output, field);
  } else if (field.isPointer || field.isKeptEmpty || !isEmpty(value, field.type)) {
    output[field.name] = value;
  }
}

/** Whether the field of a non-pointer is left out when it has this value. */
function isEmpty(value: unknown, type: ValueType): boolean {
  switch (type.kind) {
    case 'scalar':
      return isZeroScalar(value, type.scalar);
    case 'list':
      return Array.isArray(value) && value.length === 0;
    case 'map':
      for (const _key in value as object) {
        return false;
      }
      return true;
    default:
      return false;
  }
}

function addAbsent(output: Output, field: Field): void {
  const { type } = field;
  if (field.isPointer) {
    return;
  }
  switch (type.kind) {
    case 'struct':
      output[field.name] = zeroStruct(type.struct);
      return;
    case 'scalar': {
      const zero = zeroScalar(type.scalar);
      if (field.isKeptEmpty ? zero !== undefined : zero !== undefined && !isZeroScalar(zero, type.scalar)) {
        output[field.name] = zero;
      }
      return;
    }
    default:
      if (field.isKeptEmpty) {
        output[field.name] = type.kind === 'list' ? [] : {};
      }
  }
}

/** What an absent struct looks like; it is not always `{}`, because required fields are written even when empty. */
export function zeroStruct(struct: StructType): Output {
  const output: Output = {};
  for (const field of struct.fields) {
    addAbsent(output, field);
  }
  return output;
}

function copyUnknown(input: Readonly<Output>, output: Output, struct: StructType): void {
  for (const key of Object.keys(input)) {
    if (!struct.byName.has(key)) {
      setOwn(output, key, input[key]);
    }
  }
}

function reportUnknown(input: Readonly<Output>, known: number, { struct, context, path }: Place): void {
  let count = 0;
  for (const _key in input) {
    count += 1;
  }
  if (count === known || context.unknown === undefined) {
    return;
  }
  for (const key of Object.keys(input)) {
    const isType = struct.isKind && (key === 'apiVersion' || key === 'kind');
    if (!isType && !struct.byName.has(key) && context.unknown.length < REPORTED_MAX) {
      context.unknown.push(pathText([...path, key]));
    }
  }
}

function pathText(path: Path): string {
  return path
    .map((part, index) => {
      if (typeof part === 'number') {
        return `[${part}]`;
      }
      return index === 0 || part.startsWith('.') ? part : `.${part}`;
    })
    .join('');
}

/** `v1.PodSpec`. */
function goName(struct: StructType): string {
  return struct.name.slice(struct.name.indexOf('.') + 1);
}

function goTypeName(type: ValueType): string {
  switch (type.kind) {
    case 'scalar':
      return SCALAR_GO_NAMES[type.scalar] ?? type.scalar;
    case 'list':
      return `[]${goTypeName(type.item)}`;
    case 'map':
      return `map[string]${goTypeName(type.value)}`;
    case 'struct':
      return goName(type.struct);
    default:
      return unreachable(type);
  }
}

const SCALAR_GO_NAMES: Readonly<Record<string, string>> = {
  bytes: '[]uint8',
  time: 'v1.Time',
  microTime: 'v1.MicroTime',
  duration: 'v1.Duration',
  quantity: 'resource.Quantity',
  intOrString: 'intstr.IntOrString',
  rawExtension: 'runtime.RawExtension',
  fieldsV1: 'v1.FieldsV1',
};
