import type { Library, Overload } from './declarations.ts';
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
  optionalOf,
} from './types.ts';
import type { Type } from './types.ts';
import type { Adapter, StructShape } from './value.ts';
import { adapterOf, structShapesOf, typeOfSchema } from './schema.ts';
import type { Schema } from './schema.ts';

/** A name an expression may use, with how its JSON is read. */
export interface Variable {
  readonly name: string;
  readonly type: Type;
  /** Absent when the host gives a ready value, such as an authorizer. */
  readonly adapt?: Adapter;
  /** Bounds for the cost estimate. */
  readonly schema?: Schema;
}

const BASIC_TYPES: readonly Type[] = [
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
  listOf(DYN),
  mapOf(DYN, DYN),
  optionalOf(DYN),
];

/** Everything an expression can name: variables, functions and types. Immutable; {@link Environment.extend} copies. */
export class Environment {
  readonly #variables: ReadonlyMap<string, Variable>;
  readonly #functions: ReadonlyMap<string, readonly Overload[]>;
  readonly #types: ReadonlyMap<string, Type>;
  readonly #structs: ReadonlyMap<string, StructShape>;
  readonly #resolve: ShapeResolver | undefined;

  private constructor(parts: EnvironmentParts) {
    this.#variables = parts.variables;
    this.#functions = parts.functions;
    this.#types = parts.types;
    this.#structs = parts.structs;
    this.#resolve = parts.resolve;
  }

  /** An environment without variables. The standard library is a library like the others and must be named. */
  static of(libraries: readonly Library[]): Environment {
    const functions = new Map<string, Overload[]>();
    const types = new Map(BASIC_TYPES.map((type) => [type.name, type]));
    for (const library of libraries) {
      for (const overload of library.overloads) {
        const overloads = functions.get(overload.functionName) ?? [];
        overloads.push(overload);
        functions.set(overload.functionName, overloads);
      }
      for (const type of library.types ?? []) {
        types.set(type.name, type);
      }
    }
    return new Environment({ variables: new Map(), functions, types, structs: new Map() });
  }

  /** The same environment with more variables, whose structs become known as well. */
  extend(variables: readonly Variable[], structs: readonly StructShape[] = []): Environment {
    const merged = new Map(this.#variables);
    const shapes = new Map(this.#structs);
    const types = new Map(this.#types);
    for (const variable of variables) {
      merged.set(variable.name, variable);
      for (const shape of variable.schema === undefined ? [] : structShapesOf(variable.schema)) {
        shapes.set(shape.type.name, shape);
      }
    }
    for (const shape of structs) {
      shapes.set(shape.type.name, shape);
      types.set(shape.type.name, shape.type);
    }
    return new Environment({ ...this.#parts(), variables: merged, types, structs: shapes });
  }

  /** The same environment where names that are no declared struct may be one all the same. */
  resolving(resolve: ShapeResolver): Environment {
    return new Environment({ ...this.#parts(), resolve });
  }

  variable(name: string): Variable | undefined {
    return this.#variables.get(name);
  }

  get variables(): Iterable<Variable> {
    return this.#variables.values();
  }

  overloads(functionName: string): readonly Overload[] | undefined {
    return this.#functions.get(functionName);
  }

  /** The type an identifier names. */
  type(name: string): Type | undefined {
    return this.#types.get(name) ?? this.#resolve?.(name)?.type;
  }

  struct(name: string): StructShape | undefined {
    return this.#structs.get(name) ?? this.#resolve?.(name);
  }

  #parts(): EnvironmentParts {
    return {
      variables: this.#variables,
      functions: this.#functions,
      types: this.#types,
      structs: this.#structs,
      resolve: this.#resolve,
    };
  }
}

/** Finds structs whose names are made up in expressions; the same name always means the same shape. */
export type ShapeResolver = (name: string) => StructShape | undefined;

interface EnvironmentParts {
  readonly variables: ReadonlyMap<string, Variable>;
  readonly functions: ReadonlyMap<string, readonly Overload[]>;
  readonly types: ReadonlyMap<string, Type>;
  readonly structs: ReadonlyMap<string, StructShape>;
  readonly resolve?: ShapeResolver | undefined;
}

/** A variable whose JSON follows a schema. */
export function schemaVariable(name: string, schema: Schema): Variable {
  return { name, type: typeOfSchema(schema), adapt: adapterOf(schema), schema };
}
