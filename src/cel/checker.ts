import type {
  CallExpr,
  ComprehensionExpr,
  Expr,
  ListExpr,
  LiteralValue,
  MapExpr,
  ParsedExpression,
  SelectExpr,
  StructExpr,
} from './ast.ts';
import type { Overload } from './declarations.ts';
import type { Environment } from './environment.ts';
import type { CelIssue, Source } from './source.ts';
import {
  BOOL,
  DYN,
  ERROR,
  INT,
  formatCallTypes,
  formatType,
  isDynOrError,
  isOptional,
  listOf,
  mapOf,
  optionalOf,
  parameterAt,
  sameType,
  typeTypeOf,
} from './types.ts';
import type { Type } from './types.ts';
import { Substitution, moreGeneral, withParameters } from './unify.ts';
import { typeOfValue } from './value.ts';

/** What a name or call turned out to be. */
export type Reference =
  /** A variable of the environment or of a surrounding fold; for `a.b.c` it may be one dotted name. */
  | { readonly kind: 'variable'; readonly name: string }
  | { readonly kind: 'type'; readonly type: Type }
  | {
      readonly kind: 'function';
      /** The overloads that the arguments' types allow; dynamic arguments leave several. */
      readonly overloads: readonly Overload[];
      /** `optional.of(x)`: what stands before the dot is part of the name. */
      readonly isNamespaced: boolean;
    };

export interface CheckedExpression {
  readonly parsed: ParsedExpression;
  readonly type: Type;
  /** By node number. */
  readonly types: readonly (Type | undefined)[];
  readonly references: ReadonlyMap<number, Reference>;
}

/** Issues beyond these are counted only. */
const ISSUES_MAX = 100;

export type CheckResult =
  | { readonly ok: true; readonly checked: CheckedExpression }
  | { readonly ok: false; readonly issues: readonly CelIssue[] };

/** Gives every node its type and every name its meaning. */
export function check(parsed: ParsedExpression, source: Source, environment: Environment): CheckResult {
  const checker = new Checker(parsed, source, environment);
  const type = checker.checkRoot();
  if (checker.issues.length > 0) {
    return { ok: false, issues: checker.issues };
  }
  const { types, references } = checker;
  return { ok: true, checked: { parsed, type, types, references } };
}

class Checker {
  readonly issues: CelIssue[] = [];
  readonly types: Type[] = [];
  readonly references = new Map<number, Reference>();
  readonly #parsed: ParsedExpression;
  readonly #source: Source;
  readonly #environment: Environment;
  readonly #substitution = new Substitution();
  /** Literals inside these many calls may hold elements of different types. */
  #mixedDepth = 0;
  /** Variables of the folds around the current node, innermost last. */
  readonly #locals: { readonly name: string; readonly type: Type }[] = [];

  constructor(parsed: ParsedExpression, source: Source, environment: Environment) {
    this.#parsed = parsed;
    this.#source = source;
    this.#environment = environment;
  }

  checkRoot(): Type {
    const type = this.#check(this.#parsed.root);
    for (const [id, found] of this.types.entries()) {
      if (found !== undefined) {
        this.types[id] = this.#substitution.resolve(found, true);
      }
    }
    return this.#substitution.resolve(type, true);
  }

  #report(id: number, message: string): void {
    if (this.issues.length < ISSUES_MAX) {
      this.issues.push({ message, location: this.#source.locate(this.#parsed.offsets[id] ?? 0) });
    }
  }

  #check(expr: Expr): Type {
    // A macro may use one argument in two places; its second check would only repeat the first one's work.
    const known = this.types[expr.id];
    if (known !== undefined) {
      return known;
    }
    const type = this.#typeOf(expr);
    this.types[expr.id] = type;
    return type;
  }

  #typeOf(expr: Expr): Type {
    switch (expr.kind) {
      case 'literal':
        return literalType(expr.value);
      case 'ident':
        return this.#name(expr.id, expr.name) ?? this.#undeclared(expr.id, expr.name);
      case 'select':
        return this.#select(expr);
      case 'call':
        return this.#call(expr);
      case 'list':
        return this.#list(expr);
      case 'map':
        return this.#map(expr);
      case 'struct':
        return this.#struct(expr);
      case 'comprehension':
        return this.#comprehension(expr);
    }
  }

  #undeclared(id: number, name: string): Type {
    this.#report(id, `undeclared reference to '${name}' (in container '')`);
    return ERROR;
  }

  /** Looks a possibly dotted name up, and notes what it means. */
  #name(id: number, name: string): Type | undefined {
    const isAbsolute = name.startsWith('.');
    const plain = isAbsolute ? name.slice(1) : name;
    const local = isAbsolute ? undefined : this.#locals.findLast((variable) => variable.name === plain);
    const type = local?.type ?? this.#environment.variable(plain)?.type;
    if (type !== undefined) {
      this.references.set(id, { kind: 'variable', name: local === undefined && isAbsolute ? name : plain });
      return type;
    }
    const named = this.#environment.type(plain);
    if (named === undefined) {
      return undefined;
    }
    this.references.set(id, { kind: 'type', type: named });
    return typeTypeOf(named);
  }

  #select(expr: SelectExpr): Type {
    const dotted = expr.isTest ? undefined : this.#dottedName(expr);
    const named = dotted === undefined ? undefined : this.#name(expr.id, dotted);
    if (named !== undefined) {
      return named;
    }
    const type = this.#field(expr.id, expr.operand, expr.field, false);
    return expr.isTest ? BOOL : this.#substitution.resolve(type);
  }

  /** `a.b.c` as one name, unless its first part is a fold's variable. */
  #dottedName(expr: Expr): string | undefined {
    if (expr.kind === 'ident') {
      return this.#locals.some(({ name }) => name === expr.name) ? undefined : expr.name;
    }
    if (expr.kind !== 'select' || expr.isTest) {
      return undefined;
    }
    const prefix = this.#dottedName(expr.operand);
    return prefix === undefined ? undefined : `${prefix}.${expr.field}`;
  }

  #field(id: number, operand: Expr, field: string, isOptionalSelect: boolean): Type {
    const operandType = this.#substitution.resolve(this.#check(operand));
    const wasOptional = isOptional(operandType);
    const target = wasOptional ? parameterAt(operandType, 0) : operandType;
    const type = this.#fieldOf(id, target, field);
    return wasOptional || isOptionalSelect ? optionalOf(type) : type;
  }

  #fieldOf(id: number, target: Type, field: string): Type {
    switch (target.kind) {
      case 'map':
        return parameterAt(target, 1);
      case 'struct': {
        const declared = this.#environment.struct(target.name)?.field(field);
        if (declared === undefined) {
          this.#report(id, `undefined field '${field}'`);
          return ERROR;
        }
        return declared.type;
      }
      case 'param':
        this.#substitution.assign(DYN, target);
        return DYN;
      default:
        if (!isDynOrError(target)) {
          this.#report(id, `type '${formatType(target)}' does not support field selection`);
        }
        return DYN;
    }
  }

  #call(expr: CallExpr): Type {
    if (expr.name === '_?._') {
      return this.#optionalSelect(expr);
    }
    // What is to be put into a text may be of any types.
    const isMixed = expr.target !== undefined && expr.name === 'format';
    this.#mixedDepth += isMixed ? 1 : 0;
    const argTypes = expr.args.map((arg) => this.#check(arg));
    this.#mixedDepth -= isMixed ? 1 : 0;
    if (expr.target === undefined) {
      const name = expr.name.startsWith('.') ? expr.name.slice(1) : expr.name;
      const overloads = this.#environment.overloads(name);
      return overloads === undefined
        ? this.#undeclared(expr.id, expr.name)
        : this.#resolve(expr, { name, overloads, argTypes, isMethod: false, isNamespaced: false });
    }
    const prefix = this.#dottedName(expr.target);
    if (prefix !== undefined) {
      const name = `${prefix.replace(/^\./, '')}.${expr.name}`;
      const overloads = this.#environment.overloads(name);
      if (overloads !== undefined) {
        return this.#resolve(expr, { name, overloads, argTypes, isMethod: false, isNamespaced: true });
      }
    }
    const targetType = this.#check(expr.target);
    const overloads = this.#environment.overloads(expr.name);
    if (overloads === undefined) {
      return this.#undeclared(expr.id, expr.name);
    }
    const all = [targetType, ...argTypes];
    return this.#resolve(expr, {
      name: expr.name,
      overloads,
      argTypes: all,
      isMethod: true,
      isNamespaced: false,
    });
  }

  #resolve(expr: CallExpr, candidates: Candidates): Type {
    const { name, overloads, argTypes, isMethod, isNamespaced } = candidates;
    if (name === '_&&_' || name === '_||_') {
      return this.#logical(expr, candidates);
    }
    const chosen: Overload[] = [];
    let result: Type | undefined;
    for (const overload of overloads) {
      if (overload.isMethod !== isMethod || overload.parameters.length !== argTypes.length) {
        continue;
      }
      const instance = this.#instantiate(overload);
      if (!this.#substitution.assignAll(argTypes, instance.parameters)) {
        continue;
      }
      chosen.push(overload);
      const type = this.#substitution.resolve(instance.result);
      if (result === undefined) {
        result = type;
      } else if (result.kind !== 'dyn' && !sameType(type, result)) {
        result = DYN;
      }
    }
    if (result === undefined) {
      const types = argTypes.map((type) => this.#substitution.resolve(type, true));
      this.#report(
        expr.id,
        `found no matching overload for '${name}' applied to '${formatCallTypes(types, isMethod)}'`,
      );
      return ERROR;
    }
    this.references.set(expr.id, { kind: 'function', overloads: chosen, isNamespaced });
    return result;
  }

  #logical(expr: CallExpr, { overloads, argTypes }: Candidates): Type {
    let type: Type = BOOL;
    for (const [index, argType] of argTypes.entries()) {
      if (!this.#substitution.assign(argType, BOOL)) {
        const found = formatType(this.#substitution.resolve(argType, true));
        this.#report(expr.args[index]?.id ?? expr.id, `expected type 'bool' but found '${found}'`);
        type = ERROR;
      }
    }
    this.references.set(expr.id, { kind: 'function', overloads, isNamespaced: false });
    return type;
  }

  /** An overload with variables of its own, so that two uses do not bind each other. */
  #instantiate({ parameters, result }: Overload): {
    readonly parameters: readonly Type[];
    readonly result: Type;
  } {
    const fresh = new Map<string, Type>();
    const replace = (type: Type): Type => {
      if (type.kind !== 'param') {
        return type.parameters.length === 0 ? type : withParameters(type, replace);
      }
      const known = fresh.get(type.name) ?? this.#substitution.freshVariable();
      fresh.set(type.name, known);
      return known;
    };
    return { parameters: parameters.map(replace), result: replace(result) };
  }

  #optionalSelect(expr: CallExpr): Type {
    const [operand, field] = expr.args;
    if (operand === undefined || field?.kind !== 'literal' || typeof field.value !== 'string') {
      this.#report(expr.id, 'unsupported optional field selection');
      return ERROR;
    }
    this.types[field.id] = literalType(field.value);
    const type = this.#field(expr.id, operand, field.value, true);
    this.references.set(expr.id, { kind: 'function', overloads: [], isNamespaced: false });
    return this.#substitution.resolve(type);
  }

  /** The value's type inside an optional; reports what is not one. */
  #unwrap(value: Expr, type: Type): Type {
    if (isOptional(type)) {
      return parameterAt(type, 0);
    }
    if (type.kind !== 'dyn' && type.kind !== 'error') {
      const wanted = formatType(optionalOf(type));
      this.#report(value.id, `expected type '${wanted}' but found '${formatType(type)}'`);
    }
    return type;
  }

  #join(at: Expr, previous: Type | undefined, current: Type): Type {
    if (previous === undefined) {
      return current;
    }
    if (this.#substitution.assign(previous, current)) {
      return moreGeneral(previous, current);
    }
    if (this.#mixedDepth > 0) {
      return DYN;
    }
    const [wanted, found] = [previous, current].map((type) =>
      formatType(this.#substitution.resolve(type, true)),
    );
    this.#report(at.id, `expected type '${wanted ?? ''}' but found '${found ?? ''}'`);
    return ERROR;
  }

  #list(expr: ListExpr): Type {
    let element: Type | undefined;
    for (const { value, isOptional: mayBeAbsent } of expr.elements) {
      const type = this.#check(value);
      element = this.#join(value, element, mayBeAbsent ? this.#unwrap(value, type) : type);
    }
    return listOf(element ?? this.#substitution.freshVariable());
  }

  #map(expr: MapExpr): Type {
    let keyType: Type | undefined;
    let valueType: Type | undefined;
    for (const { key, value, isOptional: mayBeAbsent } of expr.entries) {
      keyType = this.#join(key, keyType, this.#check(key));
      const type = this.#check(value);
      valueType = this.#join(value, valueType, mayBeAbsent ? this.#unwrap(value, type) : type);
    }
    return mapOf(
      keyType ?? this.#substitution.freshVariable(),
      valueType ?? this.#substitution.freshVariable(),
    );
  }

  #struct(expr: StructExpr): Type {
    const name = expr.typeName.replace(/^\./, '');
    const shape = this.#environment.struct(name);
    if (shape === undefined) {
      const known = this.#environment.type(name);
      if (known === undefined) {
        return this.#undeclared(expr.id, expr.typeName);
      }
      this.#report(expr.id, `'${formatType(known)}' is not a message type`);
      return ERROR;
    }
    for (const field of expr.fields) {
      const valueType = this.#check(field.value);
      const given = field.isOptional ? this.#unwrap(field.value, valueType) : valueType;
      const declared = shape.field(field.name);
      if (declared === undefined) {
        this.#report(field.id, `undefined field '${field.name}'`);
      } else if (!this.#substitution.assign(declared.type, given)) {
        const found = formatType(this.#substitution.resolve(given, true));
        this.#report(
          field.id,
          `expected type of field '${field.name}' is '${formatType(declared.type)}' but provided type is '${found}'`,
        );
      }
    }
    return shape.type;
  }

  #comprehension(expr: ComprehensionExpr): Type {
    const range = this.#substitution.resolve(this.#check(expr.range));
    const accuType = this.#check(expr.accuInit);
    const [first, second] = this.#iterationTypes(expr, range);
    this.#locals.push({ name: expr.accu, type: accuType }, { name: expr.variable, type: first });
    if (expr.variable2 !== undefined) {
      this.#locals.push({ name: expr.variable2, type: second });
    }
    this.#check(expr.condition);
    this.#expect(expr.condition, BOOL);
    this.#check(expr.step);
    this.#expect(expr.step, accuType);
    this.#locals.length -= expr.variable2 === undefined ? 1 : 2;
    const result = this.#check(expr.result);
    this.#locals.length -= 1;
    return this.#substitution.resolve(result);
  }

  #iterationTypes(expr: ComprehensionExpr, range: Type): readonly [Type, Type] {
    switch (range.kind) {
      case 'list':
        return expr.variable2 === undefined ? [parameterAt(range, 0), DYN] : [INT, parameterAt(range, 0)];
      case 'map':
        return [parameterAt(range, 0), parameterAt(range, 1)];
      case 'dyn':
      case 'error':
      case 'param':
        this.#substitution.assign(DYN, range);
        return [DYN, DYN];
      default:
        this.#report(
          expr.range.id,
          `expression of type '${formatType(range)}' cannot be range of a comprehension (must be list, map, or dynamic)`,
        );
        return [ERROR, ERROR];
    }
  }

  #expect(expr: Expr, wanted: Type): void {
    const found = this.types[expr.id] ?? ERROR;
    if (!this.#substitution.assign(wanted, found)) {
      const [want, have] = [wanted, found].map((type) => formatType(this.#substitution.resolve(type, true)));
      this.#report(expr.id, `expected type '${want ?? ''}' but found '${have ?? ''}'`);
    }
  }
}

interface Candidates {
  readonly name: string;
  readonly overloads: readonly Overload[];
  readonly argTypes: readonly Type[];
  readonly isMethod: boolean;
  readonly isNamespaced: boolean;
}

function literalType(value: LiteralValue): Type {
  return typeOfValue(value);
}
