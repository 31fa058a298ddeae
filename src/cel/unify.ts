import { DYN, isDynOrError, listOf, mapOf, parameterAt, sameType, typeTypeOf } from './types.ts';
import type { Type } from './types.ts';

/** Types that may hold null, as messages may. */
const NULLABLE = new Set(['null', 'opaque', 'struct', 'duration', 'timestamp']);

/**
 * What type variables stand for so far. An attempt that fails leaves no trace: bindings are undone back to where
 * it began.
 */
export class Substitution {
  readonly #bindings = new Map<string, Type>();
  readonly #undo: { readonly name: string; readonly previous: Type | undefined }[] = [];
  #fresh = 0;

  freshVariable(): Type {
    return { kind: 'param', name: `_var${this.#fresh++}`, parameters: [] };
  }

  /** Whether a value of type `from` may stand where `to` is wanted; binds variables on both sides when so. */
  assign(from: Type, to: Type): boolean {
    return this.assignAll([from], [to]);
  }

  assignAll(from: readonly Type[], to: readonly Type[]): boolean {
    const mark = this.#undo.length;
    if (this.#agreeAll(from, to)) {
      return true;
    }
    while (this.#undo.length > mark) {
      const { name, previous } = this.#undo.pop() ?? { name: '', previous: undefined };
      if (previous === undefined) {
        this.#bindings.delete(name);
      } else {
        this.#bindings.set(name, previous);
      }
    }
    return false;
  }

  /** The type with its variables replaced; unbound ones become `dyn` on request. */
  resolve(type: Type, unboundToDyn = false): Type {
    if (type.kind === 'param') {
      const bound = this.#bindings.get(type.name);
      if (bound !== undefined) {
        return this.resolve(bound, unboundToDyn);
      }
      return unboundToDyn ? DYN : type;
    }
    return type.parameters.length === 0
      ? type
      : withParameters(type, (parameter) => this.resolve(parameter, unboundToDyn));
  }

  #agreeAll(from: readonly Type[], to: readonly Type[]): boolean {
    return from.length === to.length && from.every((type, index) => this.#agree(type, to[index] ?? DYN));
  }

  #agree(from: Type, to: Type): boolean {
    if (to.kind === 'param') {
      const outcome = this.#substitute(from, to);
      if (outcome !== 'untried') {
        return outcome === 'bound';
      }
    }
    if (from.kind === 'param') {
      return this.#substitute(to, from) === 'bound';
    }
    if (isDynOrError(from) || isDynOrError(to)) {
      return true;
    }
    if (from.kind === 'null' || to.kind === 'null') {
      return NULLABLE.has(from.kind === 'null' ? to.kind : from.kind);
    }
    if (from.kind === 'type') {
      return to.kind === 'type';
    }
    return from.kind === to.kind && from.name === to.name && this.#agreeAll(from.parameters, to.parameters);
  }

  /** Tries to let `variable` stand for `type`; `untried` when the type mentions the variable and it is yet unbound. */
  #substitute(type: Type, variable: Type): 'bound' | 'conflict' | 'untried' {
    if (sameType(type, variable)) {
      return 'bound';
    }
    const current = this.#bindings.get(variable.name);
    if (current === undefined) {
      if (this.#mentions(type, variable)) {
        return 'untried';
      }
      this.#bind(variable, type);
      return 'bound';
    }
    if (sameType(type, current)) {
      return 'bound';
    }
    if (!this.#agree(type, current)) {
      return 'conflict';
    }
    const general = moreGeneral(type, current);
    if (!this.#mentions(general, variable)) {
      this.#bind(variable, general);
    }
    return 'bound';
  }

  #bind(variable: Type, type: Type): void {
    this.#undo.push({ name: variable.name, previous: this.#bindings.get(variable.name) });
    this.#bindings.set(variable.name, type);
  }

  #mentions(type: Type, variable: Type): boolean {
    if (type.kind === 'param') {
      if (type.name === variable.name) {
        return true;
      }
      const bound = this.#bindings.get(type.name);
      return bound !== undefined && this.#mentions(bound, variable);
    }
    return type.parameters.some((parameter) => this.#mentions(parameter, variable));
  }
}

/** The more general of two types that agree. */
export function moreGeneral(a: Type, b: Type): Type {
  return isNoMoreSpecific(a, b) ? a : b;
}

function isNoMoreSpecific(a: Type, b: Type): boolean {
  if (a.kind === 'dyn' || a.kind === 'param') {
    return true;
  }
  if (b.kind === 'dyn' || b.kind === 'param' || a.kind !== b.kind || a.name !== b.name) {
    return false;
  }
  return (
    a.kind === 'type' ||
    (a.parameters.length === b.parameters.length &&
      a.parameters.every((parameter, index) => isNoMoreSpecific(parameter, parameterAt(b, index))))
  );
}

/** The type with each of its parameters mapped. */
export function withParameters(type: Type, map: (parameter: Type) => Type): Type {
  switch (type.kind) {
    case 'list':
      return listOf(map(parameterAt(type, 0)));
    case 'map':
      return mapOf(map(parameterAt(type, 0)), map(parameterAt(type, 1)));
    case 'type':
      return typeTypeOf(map(parameterAt(type, 0)));
    default:
      return { kind: type.kind, name: type.name, parameters: type.parameters.map(map) };
  }
}
