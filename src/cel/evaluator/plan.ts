import { unreachable } from '#base/assert.ts';
import type { CallExpr, ComprehensionExpr, Expr, ListExpr, MapExpr, SelectExpr, StructExpr } from '../ast.ts';
import type { CheckedExpression } from '../checker.ts';
import type { Environment, Variable } from '../environment.ts';
import { equal } from '../equality.ts';
import {
  Double,
  EntryMap,
  EvaluationError,
  ListValue,
  OptionalValue,
  StructValue,
  TypeValue,
  Uint,
  isError,
  isInt,
  mapKey,
  noSuchOverload,
} from '../value.ts';
import type { Value } from '../value.ts';
import { keyText, selectField, selectOptional, testField } from './access.ts';
import { planDispatch } from './dispatch.ts';
import { planFold } from './fold.ts';
import { Frame } from './frame.ts';
import type { Step } from './frame.ts';
import { planAnd, planConditional, planNotStrictlyFalse, planOptionalOr, planOr } from './logic.ts';

const LIST_COST = 10;
const MAP_COST = 30;
const STRUCT_COST = 40;

const CONVERSIONS: ReadonlySet<string> = new Set([
  'bool',
  'bytes',
  'double',
  'duration',
  'dyn',
  'int',
  'string',
  'timestamp',
  'type',
  'uint',
]);

/** Compiles a checked expression into closures. */
export function plan(checked: CheckedExpression, environment: Environment): Step {
  return new Planner(checked, environment).plan(checked.parsed.root);
}

/** Turns nodes into steps. Folds' variables get slots in the frame, numbered by how deep they are nested. */
export class Planner {
  readonly #checked: CheckedExpression;
  readonly #environment: Environment;
  readonly #variables = new Map<string, number>();
  readonly #locals: string[] = [];
  /** Nodes that macros use twice are compiled once. */
  readonly #planned = new Map<number, Step>();
  /** Steps whose value is known beforehand, which cost nothing to run. */
  readonly #constants = new Map<Step, Value>();

  constructor(checked: CheckedExpression, environment: Environment) {
    this.#checked = checked;
    this.#environment = environment;
  }

  plan(expr: Expr): Step {
    const known = this.#planned.get(expr.id);
    if (known !== undefined) {
      return known;
    }
    const step = this.#planNode(expr);
    this.#planned.set(expr.id, step);
    return step;
  }

  /** Runs `body` with the names declared, and hands it their slots. */
  withLocals<T>(names: readonly string[], body: (firstSlot: number) => T): T {
    const firstSlot = this.#locals.length;
    this.#locals.push(...names);
    const value = body(firstSlot);
    this.#locals.length = firstSlot;
    return value;
  }

  #planNode(expr: Expr): Step {
    switch (expr.kind) {
      case 'literal':
        return this.#constant(expr.value);
      case 'ident':
        return this.#planName(expr.id);
      case 'select':
        return this.#planSelect(expr);
      case 'call':
        return this.#planCall(expr);
      case 'list':
        return this.#planList(expr);
      case 'map':
        return this.#planMap(expr);
      case 'struct':
        return this.#planStruct(expr);
      case 'comprehension':
        return this.#planComprehension(expr);
      default:
        return unreachable(expr);
    }
  }

  #constant(value: Value): Step {
    const step = (): Value => value;
    this.#constants.set(step, value);
    return step;
  }

  #planComprehension(expr: ComprehensionExpr): Step {
    return planFold(expr, this);
  }

  #planName(id: number): Step {
    const reference = this.#checked.references.get(id);
    if (reference?.kind === 'type') {
      return this.#constant(new TypeValue(reference.type));
    }
    const name = reference?.kind === 'variable' ? reference.name : '';
    const slot = this.#locals.lastIndexOf(name);
    if (slot !== -1) {
      return (frame) => {
        frame.charge(1);
        return frame.local(slot);
      };
    }
    return this.#planVariable(name.replace(/^\./, ''));
  }

  #planVariable(name: string): Step {
    const slot = this.#variables.get(name) ?? this.#variables.size;
    this.#variables.set(name, slot);
    const variable = this.#environment.variable(name);
    return (frame) => {
      frame.charge(1);
      let value = frame.variables[slot];
      if (value === undefined) {
        value = readVariable(frame.activation[name], name, variable);
        frame.variables[slot] = value;
      }
      return value;
    };
  }

  #planSelect(expr: SelectExpr): Step {
    if (this.#checked.references.has(expr.id)) {
      return this.#planName(expr.id);
    }
    const operand = this.plan(expr.operand);
    const { field } = expr;
    if (expr.isTest) {
      // Asking costs nothing by itself; what is asked is paid for.
      return (frame) => {
        const target = operand(frame);
        return isError(target) ? target : testField(target, field);
      };
    }
    const type = this.#checked.types[expr.operand.id];
    const shape = type?.kind === 'struct' ? this.#environment.struct(type.name) : undefined;
    const declared = shape?.field(field);
    if (shape === undefined || declared === undefined) {
      return (frame) => {
        const target = operand(frame);
        frame.charge(1);
        return isError(target) ? target : selectField(target, field);
      };
    }
    const { property, adapt } = declared;
    return (frame) => {
      const target = operand(frame);
      frame.charge(1);
      // Null may mean absent, which the general way knows.
      const raw =
        target instanceof StructValue && target.shape === shape && Object.hasOwn(target.record, property)
          ? target.record[property]
          : null;
      if (raw !== null) {
        return adapt(raw);
      }
      return isError(target) ? target : selectField(target, field);
    };
  }

  #planCall(expr: CallExpr): Step {
    const [first, second, third] = expr.args;
    if (
      expr.name === '_?._' &&
      first !== undefined &&
      second?.kind === 'literal' &&
      typeof second.value === 'string'
    ) {
      return this.#planOptionalSelect(first, second.value);
    }
    const reference = this.#checked.references.get(expr.id);
    const overloads = reference?.kind === 'function' ? reference.overloads : [];
    const isNamespaced = reference?.kind === 'function' && reference.isNamespaced;
    if (expr.target === undefined && first !== undefined) {
      const one = this.plan(first);
      switch (expr.name) {
        case '_&&_':
          return second === undefined ? one : planAnd(one, this.plan(second));
        case '_||_':
          return second === undefined ? one : planOr(one, this.plan(second));
        case '_?_:_':
          return second === undefined || third === undefined
            ? one
            : planConditional(one, this.#planPart(second), this.#planPart(third));
        case '@not_strictly_false':
          return planNotStrictlyFalse(one);
        default:
          break;
      }
    }
    const operands = expr.target === undefined || isNamespaced ? expr.args : [expr.target, ...expr.args];
    const steps = operands.map((operand, index) =>
      expr.name === '_[_]' && index === 1 ? this.#planPart(operand) : this.plan(operand),
    );
    const [receiver, argument] = steps;
    const [overload] = overloads;
    if (overload?.id.startsWith('optional_or') === true && receiver !== undefined && argument !== undefined) {
      return planOptionalOr(receiver, argument, overload.id === 'optional_orValue_value');
    }
    if (overload?.id === 'in_list' && receiver !== undefined && argument !== undefined) {
      const membership = this.#planMembership(receiver, argument);
      if (membership !== undefined) {
        return membership;
      }
    }
    const types = operands.map((operand) => this.#checked.types[operand.id]);
    const step = planDispatch(overloads, steps, types);
    const isConversion = steps.length === 1 && CONVERSIONS.has(expr.name);
    if (isConversion && receiver !== undefined && this.#constants.has(receiver)) {
      const value = step(new Frame({}, Infinity));
      return isError(value) ? step : this.#constant(value);
    }
    return step;
  }

  /** A branch or an index that only names something is part of a look-up; the name itself is not paid for. */
  #planPart(expr: Expr): Step {
    const step = this.plan(expr);
    if (this.#constants.has(step) || !isReference(expr)) {
      return step;
    }
    return (frame) => {
      frame.charge(-1);
      return step(frame);
    };
  }

  /** Whether a value is among fixed numbers, texts or booleans, which is free to ask. */
  #planMembership(element: Step, list: Step): Step | undefined {
    const fixed = this.#constants.get(list);
    if (!(fixed instanceof ListValue)) {
      return undefined;
    }
    const values = Array.from({ length: fixed.size }, (_, index) => fixed.at(index));
    if (!values.every(isPrimitive)) {
      return undefined;
    }
    return (frame) => {
      const wanted = element(frame);
      return isError(wanted) ? wanted : values.some((value) => equal(wanted, value));
    };
  }

  #planOptionalSelect(operandExpr: Expr, field: string): Step {
    const operand = this.plan(operandExpr);
    return (frame) => {
      const target = operand(frame);
      frame.charge(1);
      return isError(target) ? target : selectOptional(target, field);
    };
  }

  #planList(expr: ListExpr): Step {
    const elements = expr.elements.map(({ value, isOptional }) => ({ step: this.plan(value), isOptional }));
    const fixed = elements.flatMap(({ step, isOptional }) => {
      const value = isOptional ? undefined : this.#constants.get(step);
      return value === undefined ? [] : [value];
    });
    if (fixed.length === elements.length) {
      return this.#constant(ListValue.of(fixed));
    }
    return (frame) => {
      const values: Value[] = [];
      for (const { step, isOptional } of elements) {
        const value = step(frame);
        if (isError(value)) {
          return value;
        }
        if (!isOptional) {
          values.push(value);
        } else if (!(value instanceof OptionalValue)) {
          return noSuchOverload();
        } else if (value.value !== undefined) {
          values.push(value.value);
        }
      }
      frame.charge(LIST_COST);
      return ListValue.of(values);
    };
  }

  #planMap(expr: MapExpr): Step {
    const entries = expr.entries.map((entry) => ({
      key: this.plan(entry.key),
      value: this.plan(entry.value),
      isOptional: entry.isOptional,
    }));
    const fixed = this.#constantMap(entries);
    if (fixed !== undefined) {
      return this.#constant(fixed);
    }
    return (frame) => {
      const map = new EntryMap();
      for (const entry of entries) {
        const key = entry.key(frame);
        const value = isError(key) ? key : entry.value(frame);
        const problem = isError(value) ? value : addEntry(map, key, value, entry.isOptional);
        if (problem !== undefined) {
          return problem;
        }
      }
      frame.charge(MAP_COST);
      return map;
    };
  }

  #constantMap(
    entries: readonly { readonly key: Step; readonly value: Step; readonly isOptional: boolean }[],
  ): EntryMap | undefined {
    const map = new EntryMap();
    for (const { key, value, isOptional } of entries) {
      const [fixedKey, fixedValue] = [this.#constants.get(key), this.#constants.get(value)];
      const isFixed = fixedKey !== undefined && fixedValue !== undefined && !isOptional;
      if (!isFixed || addEntry(map, fixedKey, fixedValue, false) !== undefined) {
        return undefined;
      }
    }
    return map;
  }

  #planStruct(expr: StructExpr): Step {
    const shape = this.#environment.struct(expr.typeName.replace(/^\./, ''));
    const fields = expr.fields.map(({ name, value, isOptional }) => ({
      name,
      step: this.plan(value),
      isOptional,
    }));
    return (frame) => {
      const values: [string, Value][] = [];
      for (const { name, step, isOptional } of fields) {
        const value = step(frame);
        if (isError(value)) {
          return value;
        }
        const given = isOptional && value instanceof OptionalValue ? value.value : value;
        if (given !== undefined) {
          values.push([name, given]);
        }
      }
      frame.charge(STRUCT_COST);
      return shape?.create === undefined
        ? new EvaluationError(`cannot create ${expr.typeName}`)
        : shape.create(new Map(values));
    };
  }
}

/** Whether an expression only follows a path from a variable. */
function isReference(expr: Expr): boolean {
  if (expr.kind === 'ident') {
    return true;
  }
  if (expr.kind === 'select') {
    return !expr.isTest && isReference(expr.operand);
  }
  const [from] = expr.kind === 'call' && (expr.name === '_[_]' || expr.name === '_?._') ? expr.args : [];
  return from !== undefined && isReference(from);
}

function isPrimitive(value: Value): boolean {
  const isBoxed = value instanceof Double || value instanceof Uint;
  return isBoxed || typeof value === 'string' || typeof value === 'boolean' || isInt(value);
}

function readVariable(given: unknown, name: string, variable: Variable | undefined): Value {
  if (given === undefined) {
    return new EvaluationError(`no such attribute(s): ${name}`);
  }
  // Without an adapter the host's value is one of the evaluator's own.
  return variable?.adapt === undefined ? (given as Value) : variable.adapt(given);
}

function addEntry(map: EntryMap, key: Value, value: Value, isOptional: boolean): EvaluationError | undefined {
  if (mapKey(key) === undefined) {
    return new EvaluationError(`unsupported key type: ${keyText(key)}`);
  }
  if (map.has(key)) {
    return new EvaluationError(`Failed with repeated key`);
  }
  if (!isOptional) {
    map.set(key, value);
    return undefined;
  }
  if (!(value instanceof OptionalValue)) {
    return noSuchOverload();
  }
  if (value.value !== undefined) {
    map.set(key, value.value);
  }
  return undefined;
}
