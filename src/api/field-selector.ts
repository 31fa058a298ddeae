import { badRequest } from './status-error.ts';

export interface FieldRequirement {
  readonly field: string;
  readonly operator: '=' | '!=';
  readonly value: string;
}

/** Chooses objects by a few of their fields. Immutable; every requirement has to hold. */
export class FieldSelector {
  readonly requirements: readonly FieldRequirement[];

  constructor(requirements: readonly FieldRequirement[]) {
    this.requirements = requirements;
  }

  /** True when it chooses everything. */
  get isEmpty(): boolean {
    return this.requirements.length === 0;
  }

  /** An absent field counts as the empty string. */
  matches(valueOf: (field: string) => string | undefined): boolean {
    return this.requirements.every(
      ({ field, operator, value }) => ((valueOf(field) ?? '') === value) === (operator === '='),
    );
  }

  /** The value that `field` must have, when one requirement says so. */
  exactValue(field: string): string | undefined {
    return this.requirements.find(
      (requirement) => requirement.field === field && requirement.operator === '=',
    )?.value;
  }

  toString(): string {
    return this.requirements
      .map(({ field, operator, value }) => `${field}${operator}${escapeValue(value)}`)
      .join(',');
  }
}

/** Chooses everything. */
export const ALL_FIELDS: FieldSelector = new FieldSelector([]);

/**
 * Reads `spec.nodeName=a,status.phase!=Running`. `\\`, `\,` and `\=` in a value stand for themselves.
 *
 * @throws {StatusError} BadRequest, with the sentence that clients know
 */
export function parseFieldSelector(text: string): FieldSelector {
  if (text === '') {
    return ALL_FIELDS;
  }
  const requirements = splitTerms(text)
    .filter((term) => term !== '')
    .map((term) => parseTerm(text, term))
    .toSorted((left, right) => (left.field < right.field ? -1 : left.field > right.field ? 1 : 0));
  return new FieldSelector(requirements);
}

function parseTerm(text: string, term: string): FieldRequirement {
  const operator = /!=|==|=/.exec(term);
  if (operator === null) {
    throw badRequest(`invalid selector: '${text}'; can't understand '${term}'`);
  }
  const field = term.slice(0, operator.index);
  const value = term.slice(operator.index + operator[0].length);
  return { field, operator: operator[0] === '!=' ? '!=' : '=', value: unescapeValue(value) };
}

/** Splits at commas that no backslash hides. */
function splitTerms(text: string): readonly string[] {
  return text.match(/(?:\\[^]|[^\\,]|\\$)+/g) ?? [];
}

function unescapeValue(value: string): string {
  for (const [match] of value.matchAll(/\\[^]?|[,=]/g)) {
    if (!/^\\[\\,=]$/.test(match)) {
      throw badRequest(
        match.startsWith('\\')
          ? `invalid field selector: invalid escape sequence in value: ${match}`
          : `invalid field selector: unescaped character in value: ${match.charCodeAt(0)}`,
      );
    }
  }
  return value.replaceAll(/\\([\\,=])/g, '$1');
}

function escapeValue(value: string): string {
  return value.replaceAll(/[\\,=]/g, String.raw`\$&`);
}
