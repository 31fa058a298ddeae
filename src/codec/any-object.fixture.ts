import * as fc from 'fast-check';
import type { Field, Scalar, StructType, ValueType } from '#api/schema/schema.ts';

/** Deep enough to reach a container's probe in a Deployment's template. */
const DEPTH_MAX = 7;

/** Any JSON that clients may send for a type: every field there or not, lists and maps empty or not, zeros and all. */
export function anyObject(struct: StructType): fc.Arbitrary<Record<string, unknown>> {
  const [, version = '', kind = ''] = struct.name.split('.');
  return anyStruct(struct, 0).map((fields) => ({ apiVersion: version, kind, ...fields }));
}

/** @param always fields that are always set: the keys of an item in a list that is merged by them */
function anyStruct(
  struct: StructType,
  depth: number,
  always: readonly string[] = [],
): fc.Arbitrary<Record<string, unknown>> {
  return fc
    .array(fc.nat({ max: 3 }), { minLength: struct.fields.length, maxLength: struct.fields.length })
    .chain((choices) => {
      // One field in four is set; more would make objects of thousands of values.
      const chosen = struct.fields.filter(({ name }, index) => choices[index] === 3 || always.includes(name));
      return fc.record(Object.fromEntries(chosen.map((field) => [field.name, anyField(field, depth + 1)])));
    });
}

function anyField(field: Field, depth: number): fc.Arbitrary<unknown> {
  const { type } = field;
  const keys = [...field.listMapKeys, ...(field.patchMergeKey === undefined ? [] : [field.patchMergeKey])];
  if (type.kind !== 'list' || type.item.kind !== 'struct' || depth > DEPTH_MAX) {
    return anyValue(type, depth);
  }
  return fc.array(anyStruct(type.item.struct, depth + 1, keys), { maxLength: 2 });
}

function anyValue(type: ValueType, depth: number): fc.Arbitrary<unknown> {
  switch (type.kind) {
    case 'scalar':
      return type.values === undefined ? SCALARS[type.scalar] : fc.constantFrom(...type.values);
    case 'list':
      return depth > DEPTH_MAX ? fc.constant([]) : fc.array(anyValue(type.item, depth + 1), { maxLength: 2 });
    case 'map':
      return fc.dictionary(NAME, anyValue(type.value, depth + 1), { maxKeys: 2 });
    default:
      return depth > DEPTH_MAX ? fc.constant({}) : anyStruct(type.struct, depth);
  }
}

/** Practically never twice the same, so that keys of list items are unique. */
const NAME = fc.stringMatching(/^[a-z]{8}$/);

const SCALARS: Readonly<Record<Scalar, fc.Arbitrary<unknown>>> = {
  string: NAME,
  bool: fc.boolean(),
  int32: fc.integer(),
  int64: fc.maxSafeInteger(),
  float64: fc.integer().map((value) => value / 8),
  bytes: fc.uint8Array({ maxLength: 6 }).map((bytes) => Buffer.from(bytes).toString('base64')),
  time: fc
    .date({ min: new Date(0), max: new Date(4e12), noInvalidDate: true })
    .map((date) => date.toISOString()),
  microTime: fc
    .date({ min: new Date(0), max: new Date(4e12), noInvalidDate: true })
    .map((date) => date.toISOString().replace('Z', '+01:00')),
  duration: fc
    .tuple(fc.nat(), fc.constantFrom('ms', 's', 'm', 'h'))
    .map(([value, unit]) => `${value}${unit}`),
  quantity: fc
    .tuple(fc.integer({ min: 0, max: 5000 }), fc.constantFrom('', 'm', 'k', 'Mi', 'Gi', 'e3'))
    .map(([value, suffix]) => `${value}${suffix}`),
  intOrString: fc.oneof(fc.nat(), fc.constant('50%')),
  rawExtension: fc.constant({ apiVersion: 'v1', kind: 'Other', x: [1, { y: 2 }] }),
  fieldsV1: fc.constant({ 'f:spec': { 'f:x': {} } }),
  json: fc.constantFrom<unknown>('text', 5, { a: [true] }),
};
