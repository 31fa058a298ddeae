import { ACCUMULATOR } from './ast.ts';
import type {
  ComprehensionExpr,
  Expr,
  ListElement,
  LiteralValue,
  MacroCall,
  MapEntry,
  StructField,
} from './ast.ts';

/** Makes nodes, numbering them and noting where each came from. */
export class ExprFactory {
  readonly toCodePoints: (offset: number) => number;
  /** Offset in code points by node number. */
  readonly offsets: number[] = [0];
  readonly macroCalls = new Map<number, MacroCall>();

  constructor(toCodePoints: (offset: number) => number) {
    this.toCodePoints = toCodePoints;
  }

  nextId(offset: number): number {
    return this.offsets.push(this.toCodePoints(offset)) - 1;
  }

  literal(offset: number, value: LiteralValue): Expr {
    return { kind: 'literal', id: this.nextId(offset), value };
  }

  ident(offset: number, name: string): Expr {
    return { kind: 'ident', id: this.nextId(offset), name };
  }

  accumulator(offset: number): Expr {
    return this.ident(offset, ACCUMULATOR);
  }

  select(offset: number, operand: Expr, field: string, isTest = false): Expr {
    return { kind: 'select', id: this.nextId(offset), operand, field, isTest };
  }

  call(offset: number, name: string, args: readonly Expr[], target?: Expr): Expr {
    return { kind: 'call', id: this.nextId(offset), name, target, args };
  }

  list(offset: number, elements: readonly ListElement[]): Expr {
    return { kind: 'list', id: this.nextId(offset), elements };
  }

  map(offset: number, entries: readonly MapEntry[]): Expr {
    return { kind: 'map', id: this.nextId(offset), entries };
  }

  struct(offset: number, typeName: string, fields: readonly StructField[]): Expr {
    return { kind: 'struct', id: this.nextId(offset), typeName, fields };
  }

  comprehension(offset: number, parts: Omit<ComprehensionExpr, 'kind' | 'id'>): Expr {
    return { kind: 'comprehension', id: this.nextId(offset), ...parts };
  }
}
