import { type LabelOperator, type LabelRequirement, requirementProblem } from './label-requirement.ts';
import { qualifiedNameProblems } from './names.ts';

interface Token {
  readonly kind: 'word' | 'symbol' | 'end';
  readonly text: string;
}

/** Stops the parse; turned into the parser's answer and never seen outside. */
class SelectorSyntaxError extends Error {}

const END: Token = { kind: 'end', text: '' };
const SYMBOLS: ReadonlySet<string> = new Set([')', ',', '!', '==', '=', '>', '<', '!=', '(']);
const BINARY_OPERATORS = 'in, notin, =, ==, !=, gt, lt';

const OPERATORS: Readonly<Record<string, LabelOperator>> = {
  in: 'in',
  notin: 'notin',
  '=': '=',
  '==': '==',
  '!=': '!=',
  '>': 'gt',
  '<': 'lt',
};

/** A recursive descent over the text form of a label selector. */
export class LabelSelectorParser {
  readonly #tokens: readonly Token[];
  #position = 0;

  constructor(text: string) {
    this.#tokens = tokenize(text);
  }

  /** The requirements, or the sentence that says what is wrong. */
  parse(): readonly LabelRequirement[] | string {
    try {
      return this.#selector();
    } catch (error) {
      if (error instanceof SelectorSyntaxError) {
        return error.message;
      }
      throw error;
    }
  }

  #selector(): readonly LabelRequirement[] {
    const requirements: LabelRequirement[] = [];
    while (this.#peek().kind !== 'end') {
      const token = this.#peek();
      if (token.kind !== 'word' && token.text !== '!') {
        throw new SelectorSyntaxError(`found '${token.text}', expected: !, identifier, or 'end of string'`);
      }
      requirements.push(this.#requirementOrFail());
      const next = this.#take();
      if (next.kind === 'end') {
        break;
      }
      if (next.text !== ',' || next.kind !== 'symbol') {
        throw new SelectorSyntaxError(`found '${next.text}', expected: ',' or 'end of string'`);
      }
      const after = this.#peek();
      if (after.kind !== 'word' && after.text !== '!') {
        throw new SelectorSyntaxError(`found '${after.text}', expected: identifier after ','`);
      }
    }
    return requirements;
  }

  #requirementOrFail(): LabelRequirement {
    try {
      return this.#requirement();
    } catch (error) {
      if (error instanceof SelectorSyntaxError) {
        throw new SelectorSyntaxError(`unable to parse requirement: ${error.message}`, { cause: error });
      }
      throw error;
    }
  }

  #requirement(): LabelRequirement {
    const isNegated = this.#peek().kind === 'symbol' && this.#peek().text === '!';
    if (isNegated) {
      this.#position += 1;
    }
    const key = this.#take();
    if (key.kind !== 'word') {
      throw new SelectorSyntaxError(`found '${key.text}', expected: identifier`);
    }
    const problems = qualifiedNameProblems(key.text);
    if (problems.length > 0) {
      throw new SelectorSyntaxError(
        `<nil>: Invalid value: ${JSON.stringify(key.text)}: ${problems.join('; ')}`,
      );
    }
    if (isNegated) {
      return { key: key.text, operator: '!', values: [] };
    }
    const next = this.#peek();
    if (next.kind === 'end' || next.text === ',') {
      return { key: key.text, operator: 'exists', values: [] };
    }
    const operator = OPERATORS[this.#take().text];
    if (operator === undefined) {
      throw new SelectorSyntaxError(`found '${next.text}', expected: ${BINARY_OPERATORS}`);
    }
    const values = operator === 'in' || operator === 'notin' ? this.#values() : [this.#exactValue()];
    const requirement = { key: key.text, operator, values };
    const problem = requirementProblem(requirement);
    if (problem !== undefined) {
      throw new SelectorSyntaxError(problem);
    }
    return requirement;
  }

  #values(): readonly string[] {
    const open = this.#take();
    if (open.text !== '(') {
      throw new SelectorSyntaxError(`found '${open.text}' expected: '('`);
    }
    const values = new Set<string>();
    let isWordExpected = true;
    for (;;) {
      const token = this.#take();
      if (token.kind === 'word' && isWordExpected) {
        values.add(token.text);
        isWordExpected = false;
      } else if (token.kind === 'symbol' && token.text === ',') {
        if (isWordExpected) {
          values.add('');
        }
        isWordExpected = true;
      } else if (token.kind === 'symbol' && token.text === ')') {
        if (isWordExpected) {
          values.add('');
        }
        return [...values].sort();
      } else {
        const wanted = isWordExpected ? "',', or identifier" : "',' or ')'";
        throw new SelectorSyntaxError(`found '${token.text}', expected: ${wanted}`);
      }
    }
  }

  #exactValue(): string {
    const next = this.#peek();
    if (next.kind === 'end' || next.text === ',') {
      return '';
    }
    const token = this.#take();
    if (token.kind !== 'word') {
      throw new SelectorSyntaxError(`found '${token.text}', expected: identifier`);
    }
    return token.text;
  }

  #peek(): Token {
    return this.#tokens[this.#position] ?? END;
  }

  #take(): Token {
    const token = this.#peek();
    this.#position += 1;
    return token;
  }
}

function tokenize(text: string): readonly Token[] {
  const tokens: Token[] = [];
  for (const [part] of text.matchAll(/[^\s=!(),<>]+|[=!(),<>]+/g)) {
    if (/^[^=!(),<>]/.test(part)) {
      tokens.push({ kind: 'word', text: part });
      continue;
    }
    let rest = part;
    while (rest !== '') {
      const length = SYMBOLS.has(rest.slice(0, 2)) ? Math.min(2, rest.length) : 1;
      tokens.push({ kind: 'symbol', text: rest.slice(0, length) });
      rest = rest.slice(length);
    }
  }
  return tokens;
}
