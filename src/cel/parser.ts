import { BINARY_FUNCTIONS } from './ast.ts';
import type { Expr, ListElement, LiteralValue, MapEntry, ParsedExpression, StructField } from './ast.ts';
import { ExprFactory } from './expr-factory.ts';
import { tokenize } from './lexer.ts';
import type { Token } from './lexer.ts';
import { expandMacro } from './macros.ts';
import { Source } from './source.ts';
import type { CelIssue } from './source.ts';
import { unescapeBytes, unescapeString } from './string-literal.ts';
import { Double, UINT_MAX, Uint, fitsInt, intOf } from './value.ts';

/** Longest expression, in code points. */
const CODE_POINTS_MAX = 100_000;
/** Deepest nesting of brackets, calls and operators' right-hand sides. */
const NESTING_MAX = 250;
/** Longest run of operators of one level, or of `.a.b.c`, as each makes the tree one deeper. */
const CHAIN_MAX = 1_000;

const RESERVED = new Set(
  'as break const continue else false for function if import in let loop package namespace null return true var void while'.split(
    ' ',
  ),
);

const RELATIONS = new Set(['<', '<=', '>=', '>', '==', '!=', 'in']);
const EXPECTED_OPERAND =
  "{'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}";

/** Ends parsing at the first syntax error; nothing after it could be trusted. */
class SyntaxFault extends Error {
  readonly offset: number;

  constructor(message: string, offset: number) {
    super(message);
    this.offset = offset;
  }
}

export type ParseResult =
  | { readonly ok: true; readonly parsed: ParsedExpression; readonly source: Source }
  | { readonly ok: false; readonly issues: readonly CelIssue[]; readonly source: Source };

/** Reads an expression and expands its macros. */
export function parse(text: string): ParseResult {
  const source = new Source(text);
  const size = source.codePoints.length;
  const at = { line: 0, column: -1 };
  if (size > CODE_POINTS_MAX) {
    const message = `expression code point size exceeds limit: size: ${size}, limit ${CODE_POINTS_MAX}`;
    return { ok: false, issues: [{ message, location: at }], source };
  }
  const { tokens, errors } = tokenize(text);
  const codePointOffset = offsetConverter(text, size);
  const locate = (offset: number) => source.locate(codePointOffset(offset));
  const issues: CelIssue[] = errors.map(({ message, offset }) => ({
    message: `Syntax error: ${message}`,
    location: locate(offset),
  }));
  const parser = new Parser(tokens, codePointOffset);
  try {
    const root = parser.parseAll();
    issues.push(
      ...parser.issues.map(({ message, offset }) => ({ message, location: source.locate(offset) })),
    );
    if (issues.length === 0) {
      const { offsets, macroCalls } = parser.factory;
      return { ok: true, parsed: { root, offsets, macroCalls }, source };
    }
  } catch (error) {
    if (!(error instanceof SyntaxFault)) {
      throw error;
    }
    issues.push({ message: error.message, location: error.offset < 0 ? at : locate(error.offset) });
  }
  return { ok: false, issues, source };
}

/** Positions are counted in code points; without surrogate pairs the two counts agree. */
function offsetConverter(text: string, codePoints: number): (offset: number) => number {
  return codePoints === text.length
    ? (offset) => offset
    : (offset) => Array.from(text.slice(0, offset)).length;
}

class Parser {
  readonly factory: ExprFactory;
  readonly issues: { readonly message: string; readonly offset: number }[] = [];
  readonly #tokens: readonly Token[];
  #at = 0;
  #depth = 0;

  constructor(tokens: readonly Token[], codePointOffset: (offset: number) => number) {
    this.#tokens = tokens;
    this.factory = new ExprFactory(codePointOffset);
  }

  parseAll(): Expr {
    const root = this.#expression();
    const token = this.#peek();
    if (token.kind !== 'end') {
      throw this.#fault(`extraneous input '${token.text}' expecting <EOF>`, token);
    }
    return root;
  }

  #peek(): Token {
    // The last token is `end`, and nothing moves past it.
    return this.#tokens[Math.min(this.#at, this.#tokens.length - 1)] as Token;
  }

  #next(): Token {
    const token = this.#peek();
    this.#at++;
    return token;
  }

  #is(text: string): boolean {
    const token = this.#peek();
    return token.kind === 'operator' && token.text === text;
  }

  #accept(text: string): Token | undefined {
    return this.#is(text) ? this.#next() : undefined;
  }

  #expect(text: string): Token {
    const token = this.#peek();
    if (!this.#is(text)) {
      throw this.#fault(`mismatched input '${token.text}' expecting '${text}'`, token);
    }
    return this.#next();
  }

  #fault(message: string, token: Token): SyntaxFault {
    return new SyntaxFault(`Syntax error: ${message}`, token.offset);
  }

  #report(message: string, token: Token): void {
    this.issues.push({ message, offset: this.factory.toCodePoints(token.offset) });
  }

  #nested<T>(read: () => T): T {
    if (++this.#depth > NESTING_MAX) {
      throw new SyntaxFault(`expression recursion limit exceeded: ${NESTING_MAX}`, -1);
    }
    const value = read();
    this.#depth--;
    return value;
  }

  #chained(length: number): void {
    if (length > CHAIN_MAX) {
      throw new SyntaxFault(`expression recursion limit exceeded: ${NESTING_MAX}`, -1);
    }
  }

  #expression(): Expr {
    return this.#nested(() => {
      const condition = this.#logical('||', () => this.#logical('&&', () => this.#relation()));
      const question = this.#accept('?');
      if (question === undefined) {
        return condition;
      }
      const then = this.#logical('||', () => this.#logical('&&', () => this.#relation()));
      this.#expect(':');
      const otherwise = this.#expression();
      return this.factory.call(question.offset, '_?_:_', [condition, then, otherwise]);
    });
  }

  /** A run of `&&` or `||` becomes a balanced tree, as shallow as can be. */
  #logical(operator: '&&' | '||', readTerm: () => Expr): Expr {
    const terms = [readTerm()];
    const offsets: number[] = [];
    for (let token = this.#accept(operator); token !== undefined; token = this.#accept(operator)) {
      offsets.push(token.offset);
      terms.push(readTerm());
    }
    const name = BINARY_FUNCTIONS.get(operator) ?? operator;
    const balance = (from: number, to: number): Expr => {
      if (from === to) {
        return terms[from] as Expr;
      }
      const middle = Math.floor((from + to) / 2);
      return this.factory.call(offsets[middle] ?? 0, name, [balance(from, middle), balance(middle + 1, to)]);
    };
    return balance(0, terms.length - 1);
  }

  #relation(): Expr {
    return this.#leftAssociative(
      (text) => RELATIONS.has(text),
      () =>
        this.#leftAssociative(
          (text) => text === '+' || text === '-',
          () =>
            this.#leftAssociative(
              (text) => text === '*' || text === '/' || text === '%',
              () => this.#unary(),
            ),
        ),
    );
  }

  #leftAssociative(isOperator: (text: string) => boolean, readOperand: () => Expr): Expr {
    let left = readOperand();
    for (let length = 1; ; length++) {
      const token = this.#peek();
      if (token.kind !== 'operator' || !isOperator(token.text)) {
        return left;
      }
      this.#chained(length);
      this.#at++;
      const name = BINARY_FUNCTIONS.get(token.text) ?? token.text;
      left = this.factory.call(token.offset, name, [left, readOperand()]);
    }
  }

  #unary(): Expr {
    const token = this.#peek();
    if (token.kind !== 'operator' || (token.text !== '!' && token.text !== '-')) {
      return this.#member();
    }
    if (token.text === '-') {
      const number = this.#tokens[this.#at + 1];
      if (number?.kind === 'int' || number?.kind === 'double') {
        this.#at++;
        return this.#member(token);
      }
    }
    let count = 0;
    while (this.#accept(token.text) !== undefined) {
      count++;
    }
    // Pairs cancel out.
    const operand = this.#member();
    return count % 2 === 0
      ? operand
      : this.factory.call(token.offset, token.text === '!' ? '!_' : '-_', [operand]);
  }

  #member(sign?: Token): Expr {
    let operand = this.#primary(sign);
    for (let length = 1; ; length++) {
      this.#chained(length);
      const dot = this.#accept('.');
      if (dot !== undefined) {
        operand = this.#afterDot(operand, dot);
        continue;
      }
      const bracket = this.#accept('[');
      if (bracket === undefined) {
        return operand;
      }
      const isOptional = this.#accept('?') !== undefined;
      const index = this.#expression();
      this.#expect(']');
      operand = this.factory.call(bracket.offset, isOptional ? '_[?_]' : '_[_]', [operand, index]);
    }
  }

  #afterDot(operand: Expr, dot: Token): Expr {
    const isOptional = this.#accept('?') !== undefined;
    const token = this.#next();
    const name = token.kind === 'escaped' ? token.text.slice(1, -1) : token.text;
    if (token.kind !== 'identifier' && token.kind !== 'escaped') {
      throw this.#fault(
        token.kind === 'end' || token.kind === 'operator'
          ? `no viable alternative at input '.${token.text}'`
          : `mismatched input '${token.text}' expecting IDENTIFIER`,
        token,
      );
    }
    if (isOptional) {
      const field = this.factory.literal(token.offset, name);
      return this.factory.call(dot.offset, '_?._', [operand, field]);
    }
    const open = token.kind === 'identifier' ? this.#accept('(') : undefined;
    if (open === undefined) {
      return this.factory.select(dot.offset, operand, name);
    }
    return this.#callOrMacro(open, name, operand);
  }

  #callOrMacro(open: Token, name: string, target: Expr | undefined): Expr {
    const args: Expr[] = [];
    if (!this.#is(')')) {
      do {
        args.push(this.#expression());
      } while (this.#accept(',') !== undefined);
    }
    this.#expect(')');
    const expansion = expandMacro(this.factory, { name, target, args }, open.offset);
    if (expansion === undefined) {
      return this.factory.call(open.offset, name, args, target);
    }
    if ('error' in expansion) {
      const offset = this.factory.offsets[expansion.at.id] ?? 0;
      this.issues.push({ message: expansion.error, offset });
      return this.factory.literal(open.offset, null);
    }
    return expansion.expr;
  }

  #primary(sign: Token | undefined): Expr {
    const token = this.#next();
    switch (token.kind) {
      case 'int':
      case 'uint':
      case 'double':
      case 'string':
        return this.factory.literal((sign ?? token).offset, this.#literal(token, sign));
      case 'identifier':
        return this.#name(token, '');
      case 'operator':
        return this.#punctuated(token);
      case 'escaped':
      case 'end':
        throw this.#fault(`mismatched input '${token.text}' expecting ${EXPECTED_OPERAND}`, token);
    }
  }

  #punctuated(token: Token): Expr {
    switch (token.text) {
      case 'true':
      case 'false':
        return this.factory.literal(token.offset, token.text === 'true');
      case 'null':
        return this.factory.literal(token.offset, null);
      case '(': {
        const inner = this.#expression();
        this.#expect(')');
        return inner;
      }
      case '[':
        return this.#list(token);
      case '{':
        return this.#map(token);
      case '.': {
        const name = this.#next();
        if (name.kind === 'identifier') {
          return this.#name(name, '.');
        }
        throw this.#fault(`mismatched input '${name.text}' expecting IDENTIFIER`, name);
      }
      default:
        throw this.#fault(`mismatched input '${token.text}' expecting ${EXPECTED_OPERAND}`, token);
    }
  }

  #name(token: Token, dot: string): Expr {
    const open = this.#accept('(');
    if (open !== undefined) {
      this.#checkReserved(token);
      return this.#callOrMacro(open, dot + token.text, undefined);
    }
    const structName = this.#structNameAhead(dot + token.text);
    if (structName !== undefined) {
      return this.#struct(structName);
    }
    this.#checkReserved(token);
    return this.factory.ident(token.offset, dot + token.text);
  }

  #checkReserved(token: Token): void {
    if (RESERVED.has(token.text)) {
      this.#report(`reserved identifier: ${token.text}`, token);
    }
  }

  /** `a.b.C{`: looks ahead for the brace, and takes the name only when it is there. */
  #structNameAhead(first: string): string | undefined {
    let at = this.#at;
    let name = first;
    while (this.#tokens[at]?.text === '.' && this.#tokens[at + 1]?.kind === 'identifier') {
      name += `.${this.#tokens[at + 1]?.text ?? ''}`;
      at += 2;
    }
    const brace = this.#tokens[at];
    if (brace?.kind !== 'operator' || brace.text !== '{') {
      return undefined;
    }
    this.#at = at;
    return name;
  }

  #struct(typeName: string): Expr {
    const open = this.#expect('{');
    const fields: StructField[] = [];
    this.#separated('}', () => {
      const isOptional = this.#accept('?') !== undefined;
      const token = this.#next();
      if (token.kind !== 'identifier' && token.kind !== 'escaped') {
        throw this.#fault(`mismatched input '${token.text}' expecting IDENTIFIER`, token);
      }
      const colon = this.#expect(':');
      const id = this.factory.nextId(colon.offset);
      const name = token.kind === 'escaped' ? token.text.slice(1, -1) : token.text;
      fields.push({ id, name, value: this.#expression(), isOptional });
    });
    return this.factory.struct(open.offset, typeName, fields);
  }

  #list(open: Token): Expr {
    const elements: ListElement[] = [];
    this.#separated(']', () => {
      const isOptional = this.#accept('?') !== undefined;
      elements.push({ value: this.#expression(), isOptional });
    });
    return this.factory.list(open.offset, elements);
  }

  #map(open: Token): Expr {
    const entries: MapEntry[] = [];
    this.#separated('}', () => {
      const isOptional = this.#accept('?') !== undefined;
      const key = this.#expression();
      const colon = this.#expect(':');
      const id = this.factory.nextId(colon.offset);
      entries.push({ id, key, value: this.#expression(), isOptional });
    });
    return this.factory.map(open.offset, entries);
  }

  /** Items between commas up to the closing bracket; one more comma may follow the last. */
  #separated(close: string, readItem: () => void): void {
    while (!this.#is(close)) {
      readItem();
      if (this.#accept(',') === undefined) {
        break;
      }
    }
    this.#expect(close);
  }

  #literal(token: Token, sign: Token | undefined): LiteralValue {
    if (token.string !== undefined) {
      const read = token.string.isBytes ? unescapeBytes(token.string) : unescapeString(token.string);
      if ('error' in read) {
        this.#report(read.error, token);
        return null;
      }
      return read.value;
    }
    if (token.kind === 'double') {
      const value = Number(token.text) * (sign === undefined ? 1 : -1);
      if (!Number.isFinite(value)) {
        this.#report('invalid double literal', sign ?? token);
      }
      return new Double(value);
    }
    const isUint = token.kind === 'uint';
    const magnitude = BigInt(isUint ? token.text.slice(0, -1) : token.text);
    const value = sign === undefined ? magnitude : -magnitude;
    if (isUint ? value > UINT_MAX : !fitsInt(value)) {
      this.#report(`invalid ${isUint ? 'uint' : 'int'} literal`, sign ?? token);
      return 0;
    }
    return isUint ? new Uint(value) : intOf(value);
  }
}
