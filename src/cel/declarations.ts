import { assert } from '#base/assert.ts';
import {
  BOOL,
  BYTES,
  DOUBLE,
  DURATION,
  DYN,
  INT,
  NULL,
  STRING,
  TIMESTAMP,
  TYPE,
  UINT,
  listOf,
  mapOf,
  opaqueType,
  optionalOf,
  structType,
  typeParameter,
  typeTypeOf,
} from './types.ts';
import type { Type } from './types.ts';
import type { Value } from './value.ts';

/** What an overload does. The evaluator only calls it with values of the declared types. */
export type OverloadBody = (...args: readonly Value[]) => Value;

/** One signature of a function. A method's receiver is its first parameter. */
export interface Overload {
  /** Upstream's name for it, by which costs are looked up. */
  readonly id: string;
  readonly functionName: string;
  readonly isMethod: boolean;
  readonly parameters: readonly Type[];
  readonly result: Type;
  readonly body: OverloadBody;
}

/** A set of functions and the types and constants they bring. */
export interface Library {
  readonly overloads: readonly Overload[];
  /** Names that are types in expressions, as in `type(x) == net.IP`. */
  readonly types?: readonly Type[];
}

/**
 * A body whose parameters are as narrow as its signature says. `never` is what lets the compiler take them all;
 * the evaluator's checks make it true.
 */
type NarrowBody = (...args: never[]) => Value;

/** `declare('size_list', 'size(list(A)): int', …)`, called as `size(x)`. */
export function declare(id: string, signature: string, body: NarrowBody): Overload {
  return readSignature(id, signature, false, body);
}

/** `method('ends_with_string', 'endsWith(string, string): bool', …)`, called as `x.endsWith(y)`. */
export function method(id: string, signature: string, body: NarrowBody): Overload {
  return readSignature(id, signature, true, body);
}

const SIGNATURE = /^([^\s(]+)\((.*)\): (.+)$/;

function readSignature(id: string, signature: string, isMethod: boolean, body: NarrowBody): Overload {
  const match = SIGNATURE.exec(signature);
  assert(match !== null, `signature ${signature}`);
  const [, functionName = '', parameters = '', result = ''] = match;
  return {
    id,
    functionName,
    isMethod,
    parameters: splitTypes(parameters).map(readType),
    result: readType(result),
    body: body as OverloadBody,
  };
}

const NAMED_TYPES: ReadonlyMap<string, Type> = new Map([
  ['dyn', DYN],
  ['null', NULL],
  ['bool', BOOL],
  ['int', INT],
  ['uint', UINT],
  ['double', DOUBLE],
  ['string', STRING],
  ['bytes', BYTES],
  ['duration', DURATION],
  ['timestamp', TIMESTAMP],
  ['type', TYPE],
  ['net.IP', opaqueType('net.IP')],
  ['net.CIDR', opaqueType('net.CIDR')],
]);

/** Reads a type as signatures spell it; a capital alone is a variable, another dotted name a struct. */
export function readType(text: string): Type {
  const named = NAMED_TYPES.get(text);
  if (named !== undefined) {
    return named;
  }
  if (/^[A-Z]$/.test(text)) {
    return typeParameter(text);
  }
  const generic = /^(list|map|optional|type)\((.*)\)$/.exec(text);
  if (generic === null) {
    return structType(text);
  }
  const [first = DYN, second = DYN] = splitTypes(generic[2] ?? '').map(readType);
  switch (generic[1]) {
    case 'list':
      return listOf(first);
    case 'map':
      return mapOf(first, second);
    case 'optional':
      return optionalOf(first);
    default:
      return typeTypeOf(first);
  }
}

/** Splits at the commas that stand in no bracket. */
function splitTypes(text: string): readonly string[] {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  for (const [index, character] of `${text},`.split('').entries()) {
    depth += character === '(' ? 1 : character === ')' ? -1 : 0;
    if (character === ',' && depth === 0) {
      parts.push(text.slice(start, index).trim());
      start = index + 1;
    }
  }
  return parts.filter((part) => part !== '');
}
