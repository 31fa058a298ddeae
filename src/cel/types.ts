export type TypeKind =
  | 'dyn'
  | 'error'
  | 'null'
  | 'bool'
  | 'int'
  | 'uint'
  | 'double'
  | 'string'
  | 'bytes'
  | 'duration'
  | 'timestamp'
  | 'list'
  | 'map'
  | 'type'
  | 'struct'
  | 'opaque'
  | 'param';

/** What the checker knows of an expression. Two types are the same when kind, name and parameters are. */
export interface Type {
  readonly kind: TypeKind;
  /** As `type(x)` names it at run time; for a `param`, the name of the variable. */
  readonly name: string;
  readonly parameters: readonly Type[];
}

const NONE: readonly Type[] = [];

function simple(kind: TypeKind, name: string): Type {
  return { kind, name, parameters: NONE };
}

export const DYN = simple('dyn', 'dyn');
/** The type of an expression that was reported already; it agrees with all, so that one mistake is told once. */
export const ERROR = simple('error', '!error!');
export const NULL = simple('null', 'null_type');
export const BOOL = simple('bool', 'bool');
export const INT = simple('int', 'int');
export const UINT = simple('uint', 'uint');
export const DOUBLE = simple('double', 'double');
export const STRING = simple('string', 'string');
export const BYTES = simple('bytes', 'bytes');
export const DURATION = simple('duration', 'google.protobuf.Duration');
export const TIMESTAMP = simple('timestamp', 'google.protobuf.Timestamp');
/** `type(x)` of a type, whatever it stands for. */
export const TYPE = simple('type', 'type');

/** The type of lists of `element`. */
export function listOf(element: Type): Type {
  return { kind: 'list', name: 'list', parameters: [element] };
}

/** The type of maps from `key` to `value`. */
export function mapOf(key: Type, value: Type): Type {
  return { kind: 'map', name: 'map', parameters: [key, value] };
}

/** The type of `optional.of(value)` and of what `?.` makes. */
export function optionalOf(value: Type): Type {
  return { kind: 'opaque', name: 'optional_type', parameters: [value] };
}

export function typeTypeOf(type: Type): Type {
  return { kind: 'type', name: 'type', parameters: [type] };
}

/** A message: its fields are looked up in the environment by this name. */
export function structType(name: string): Type {
  return simple('struct', name);
}

/** A value only its library's functions can look into. */
export function opaqueType(name: string): Type {
  return simple('opaque', name);
}

export function typeParameter(name: string): Type {
  return simple('param', name);
}

export function parameterAt(type: Type, index: number): Type {
  return type.parameters[index] ?? DYN;
}

export function isOptional(type: Type): boolean {
  return type.kind === 'opaque' && type.name === 'optional_type';
}

export function isDynOrError(type: Type): boolean {
  return type.kind === 'dyn' || type.kind === 'error';
}

/** True for types of the same form, parameters included; `dyn` is the same as itself only. */
export function sameType(a: Type, b: Type): boolean {
  if (a === b) {
    return true;
  }
  return (
    a.kind === b.kind &&
    a.name === b.name &&
    a.parameters.length === b.parameters.length &&
    a.parameters.every((parameter, index) => sameType(parameter, parameterAt(b, index)))
  );
}

const SHORT_NAMES: Partial<Record<TypeKind, string>> = {
  duration: 'duration',
  timestamp: 'timestamp',
  null: 'null',
};

/** The name in error messages, such as `map(string, list(int))`. */
export function formatType(type: Type): string {
  const short = SHORT_NAMES[type.kind];
  if (short !== undefined) {
    return short;
  }
  if (type.parameters.length === 0) {
    return type.name;
  }
  return `${type.name}(${type.parameters.map(formatType).join(', ')})`;
}

/** How a call looked to the checker: `(int, string)`, or `string.(int)` for a method. */
export function formatCallTypes(argumentTypes: readonly Type[], isMember: boolean): string {
  const names = argumentTypes.map(formatType);
  const receiver = isMember ? `${names.shift() ?? ''}.` : '';
  return `${receiver}(${names.join(', ')})`;
}
