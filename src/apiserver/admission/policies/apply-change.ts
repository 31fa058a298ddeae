import { applyDefaults } from '#api/defaulting/defaults.ts';
import type { ApiObject } from '#api/object.ts';
import { apiVersionOf, type GroupVersionKind } from '#api/resource-type.ts';
import type { StructType } from '#api/schema/schema.ts';
import { internalError, StatusError } from '#api/status-error.ts';
import { jsonOfValue, type Json } from '#cel/json-of-value.ts';
import { EvaluationError, ListValue, StructValue, type Value } from '#cel/value.ts';
import { deepFreeze } from '#codec/canonical.ts';
import { mergeFields } from '#codec/managed-fields/field-merge.ts';
import { shapeOfStruct } from '#codec/managed-fields/field-shape.ts';
import { applyJsonPatch, isFailedTest, patchProblem } from '#codec/patch/json-patch.ts';
import { decodeObject, normalizeObject } from '#codec/typed-decode.ts';
import { misnamedObjects } from '../expressions/patch-values.ts';
import { atomicPaths } from './atomic-paths.ts';

/** The object after a mutation, or what is wrong with the mutation. */
export type Changed =
  | { readonly kind: 'changed'; readonly object: ApiObject }
  | { readonly kind: 'failed'; readonly message: string };

/** The kind of an object, and its type where it is known. */
export interface ObjectType {
  readonly kind: GroupVersionKind;
  readonly struct: StructType | undefined;
  /** Kinds defined in the cluster have a struct made from a schema, which decoding does not know. */
  readonly isBuiltIn: boolean;
}

/**
 * Applies the operations of a JSON patch that an expression made. A test that does not hold leaves the object as it is.
 *
 * @throws {StatusError} InternalError when the outcome is no object of its kind
 */
export function applyPatchValue(object: ApiObject, value: Value, type: ObjectType): Changed {
  const operations: Json[] = [];
  for (const item of value instanceof ListValue ? value.toArray() : []) {
    const operation = operationOf(item);
    if (typeof operation === 'string') {
      return failed(operation);
    }
    operations.push(operation);
  }
  try {
    return { kind: 'changed', object: decoded(applyJsonPatch(object, operations), type) };
  } catch (error) {
    if (!(error instanceof StatusError) || error.reason === 'InternalError') {
      throw error;
    }
    return isFailedTest(error) ? { kind: 'changed', object } : failed(`JSON Patch: ${patchProblem(error)}`);
  }
}

function operationOf(item: Value): Record<string, Json> | string {
  if (!(item instanceof StructValue)) {
    return 'type mismatch: JSONPatchType.expression should evaluate to array of JSONPatch';
  }
  const operation: Record<string, Json> = { op: '', path: '' };
  for (const name of item.fieldNames) {
    const value = item.get(name);
    if (value === undefined || (name === 'from' && value === '')) {
      continue;
    }
    const misnamed =
      name === 'value' && value instanceof StructValue ? misnamedObjects(value, [value.type.name]) : [];
    if (misnamed.length > 0) {
      return `type mismatch: ${misnamed.join('\n')}`;
    }
    const json = jsonOfValue(value);
    if (json instanceof EvaluationError) {
      return `JSONPath valueExpression evaluated to a type that could not marshal to JSON: ${json.message}`;
    }
    operation[name] = json;
  }
  return operation;
}

/** Lays a configuration that an expression made over the object, as server-side apply would. Nobody comes to own it. */
export function applyConfigurationValue(object: ApiObject, value: Value, type: ObjectType): Changed {
  const misnamed = misnamedObjects(value);
  if (misnamed.length > 0) {
    return failed(`type mismatch: ${misnamed.join('\n')}`);
  }
  const json = jsonOfValue(value);
  if (json instanceof EvaluationError) {
    return failed(`invalid return type: ${json.message}`);
  }
  const configuration = {
    ...(json as Record<string, Json>),
    apiVersion: apiVersionOf(type.kind),
    kind: type.kind.kind,
  };
  const shape = shapeOfStruct(type.struct);
  const undeclared = undeclaredFields(configuration, type);
  if (undeclared !== undefined) {
    return failed(`error applying patch: failed to convert patch object to typed object: ${undeclared}`);
  }
  const atomics = atomicPaths(configuration, shape);
  if (atomics.length > 0) {
    return failed(
      `error applying patch: invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs: ${atomics.join(', ')}`,
    );
  }
  // Merging objects of one kind gives an object of that kind.
  const merged = mergeFields(object, configuration, shape) as ApiObject;
  return { kind: 'changed', object: normal(merged, type) };
}

/** What the kind's table does not have, or has with another type. */
function undeclaredFields(configuration: object, { struct, isBuiltIn }: ObjectType): string | undefined {
  if (struct === undefined || !isBuiltIn) {
    return undefined;
  }
  try {
    const { warnings } = decodeObject(configuration, struct, { fieldValidation: 'Warn' });
    const [first] = warnings;
    return first === undefined
      ? undefined
      : `.${JSON.parse(first.replace(/^unknown field /, ''))}: field not declared in schema`;
  } catch (error) {
    if (error instanceof StatusError) {
      return error.message;
    }
    throw error;
  }
}

function decoded(value: unknown, type: ObjectType): ApiObject {
  if (type.struct !== undefined && type.isBuiltIn) {
    try {
      decodeObject(value, type.struct, { fieldValidation: 'Strict' });
    } catch (error) {
      if (error instanceof StatusError) {
        throw internalError(error.message.replace(/^.* cannot be handled as a \w+: /, ''), error);
      }
      throw error;
    }
  }
  // A patch that fits the kind gives an object of it.
  return normal(value as ApiObject, type);
}

function normal(object: ApiObject, { struct, kind, isBuiltIn }: ObjectType): ApiObject {
  return deepFreeze(
    struct === undefined || !isBuiltIn
      ? object
      : (applyDefaults(normalizeObject(object, struct), kind) as ApiObject),
  );
}

function failed(message: string): Changed {
  return { kind: 'failed', message };
}
