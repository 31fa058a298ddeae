import type { Double, Uint } from './value.ts';

/** Every node has a number of its own; positions, types and references are kept in tables beside the tree. */
interface Node {
  readonly id: number;
}

export type LiteralValue = null | boolean | number | bigint | string | Uint8Array | Uint | Double;

export interface LiteralExpr extends Node {
  readonly kind: 'literal';
  readonly value: LiteralValue;
}

export interface IdentExpr extends Node {
  readonly kind: 'ident';
  /** Starts with a dot when the source asked for the outermost scope. */
  readonly name: string;
}

export interface SelectExpr extends Node {
  readonly kind: 'select';
  readonly operand: Expr;
  readonly field: string;
  /** From `has(operand.field)`: asks whether it is there instead of reading it. */
  readonly isTest: boolean;
}

export interface CallExpr extends Node {
  readonly kind: 'call';
  /** Operators are functions too, by names no source can spell: `_+_`, `@in`. */
  readonly name: string;
  readonly target: Expr | undefined;
  readonly args: readonly Expr[];
}

export interface ListElement {
  readonly value: Expr;
  readonly isOptional: boolean;
}

export interface ListExpr extends Node {
  readonly kind: 'list';
  readonly elements: readonly ListElement[];
}

export interface MapEntry extends Node {
  readonly key: Expr;
  readonly value: Expr;
  readonly isOptional: boolean;
}

export interface MapExpr extends Node {
  readonly kind: 'map';
  readonly entries: readonly MapEntry[];
}

export interface StructField extends Node {
  readonly name: string;
  readonly value: Expr;
  readonly isOptional: boolean;
}

export interface StructExpr extends Node {
  readonly kind: 'struct';
  readonly typeName: string;
  readonly fields: readonly StructField[];
}

/**
 * A fold, which is what every macro over a list or map becomes: start with `accuInit`, and for each element,
 * while `condition` holds, replace the accumulator by `step`; the outcome is `result`.
 */
export interface ComprehensionExpr extends Node {
  readonly kind: 'comprehension';
  readonly range: Expr;
  /** The element of a list or the key of a map; with a second variable, the index or the key. */
  readonly variable: string;
  readonly variable2: string | undefined;
  readonly accu: string;
  readonly accuInit: Expr;
  readonly condition: Expr;
  readonly step: Expr;
  readonly result: Expr;
}

export type Expr =
  | LiteralExpr
  | IdentExpr
  | SelectExpr
  | CallExpr
  | ListExpr
  | MapExpr
  | StructExpr
  | ComprehensionExpr;

/** A macro as it was written, kept for printing. */
export interface MacroCall {
  readonly name: string;
  readonly target: Expr | undefined;
  readonly args: readonly Expr[];
}

export interface ParsedExpression {
  readonly root: Expr;
  /** Offsets in code points of the source, by node number. */
  readonly offsets: readonly number[];
  readonly macroCalls: ReadonlyMap<number, MacroCall>;
}

/** No source can name it, so no variable of the user's can collide with it. */
export const ACCUMULATOR = '@result';

export const BINARY_FUNCTIONS: ReadonlyMap<string, string> = new Map([
  ['==', '_==_'],
  ['!=', '_!=_'],
  ['<', '_<_'],
  ['<=', '_<=_'],
  ['>', '_>_'],
  ['>=', '_>=_'],
  ['in', '@in'],
  ['+', '_+_'],
  ['-', '_-_'],
  ['*', '_*_'],
  ['/', '_/_'],
  ['%', '_%_'],
  ['&&', '_&&_'],
  ['||', '_||_'],
]);
