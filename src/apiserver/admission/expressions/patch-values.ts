import { DYN, STRING, structType, type Type } from '#cel/types.ts';
import {
  EvaluationError,
  ListValue,
  MapValue,
  StructValue,
  type Adapter,
  type StructShape,
  type StructShapeField,
  type Value,
} from '#cel/value.ts';

const OBJECT = 'Object';
export const OBJECT_TYPE = structType(OBJECT);
export const JSON_PATCH_TYPE = structType('JSONPatch');

/** What was given to a literal is a value already. */
const asGiven: Adapter = (value) => value as Value;

/** `Object`, `Object.spec`, `Object.spec.template`, …: any field, of any type. */
class ObjectShape implements StructShape {
  readonly type: Type;

  constructor(name: string) {
    this.type = structType(name);
  }

  field(name: string): StructShapeField {
    return { type: DYN, property: name, adapt: asGiven };
  }

  readonly create = (fields: ReadonlyMap<string, Value>): Value => valueOf(this, fields);
}

class JsonPatchShape implements StructShape {
  readonly type = JSON_PATCH_TYPE;
  readonly fieldNames = ['op', 'from', 'path', 'value'];

  field(name: string): StructShapeField | undefined {
    return this.fieldNames.includes(name)
      ? { type: name === 'value' ? DYN : STRING, property: name, adapt: asGiven }
      : undefined;
  }

  readonly create = (fields: ReadonlyMap<string, Value>): Value => {
    for (const [name, value] of fields) {
      if (name !== 'value' && typeof value !== 'string') {
        return new EvaluationError(`unexpected type ${typeof value} for JSONPatchType '${name}' field`);
      }
    }
    return valueOf(this, fields);
  };
}

function valueOf(shape: StructShape, fields: ReadonlyMap<string, Value>): StructValue {
  return new StructValue(shape, Object.fromEntries(fields));
}

const shapes = new Map<string, StructShape>();
const JSON_PATCH_SHAPE = new JsonPatchShape();

/** The types that mutations make: an object by the path of its fields, or an operation of a JSON patch. */
export function patchShape(name: string): StructShape | undefined {
  if (name === JSON_PATCH_TYPE.name) {
    return JSON_PATCH_SHAPE;
  }
  return name === OBJECT || name.startsWith(`${OBJECT}.`)
    ? shapes.getOrInsertComputed(name, () => new ObjectShape(name))
    : undefined;
}

/** Every place where the name of an object's type is not the path that leads to it; upstream's sentences. */
export function misnamedObjects(value: Value, path: readonly string[] = [OBJECT]): readonly string[] {
  if (value instanceof StructValue && value.shape instanceof ObjectShape) {
    const expected = path.join('.');
    const { name } = value.shape.type;
    const own =
      name === expected
        ? []
        : [
            `unexpected type name ${JSON.stringify(name)}, expected ${JSON.stringify(expected)}, which matches field name path from root Object type`,
          ];
    return [
      ...own,
      ...Object.entries(value.record).flatMap(([field, inner]) =>
        misnamedObjects(inner as Value, [...path, field]),
      ),
    ];
  }
  if (value instanceof ListValue) {
    return value.toArray().flatMap((item) => misnamedObjects(item, path));
  }
  if (value instanceof MapValue) {
    return value.keys().flatMap((key) => misnamedObjects(value.get(key) ?? null, path));
  }
  return [];
}
