import { jsonEqual } from '#base/json-equal.ts';
import { type NameProblems, rangeText } from '../names.ts';
import type { FieldError, FieldErrorReason } from '../status-error.ts';

const IMMUTABLE = 'field is immutable';

/** Collects what is wrong with an object, in the words that upstream's clients know. */
export class Problems {
  readonly #found: FieldError[] = [];

  get found(): readonly FieldError[] {
    return this.#found;
  }

  required(path: string, detail = ''): void {
    this.#add('FieldValueRequired', path, { detail });
  }

  invalid(path: string, badValue: unknown, detail: string): void {
    this.#add('FieldValueInvalid', path, { badValue: badValue ?? null, detail });
  }

  /** An invalid value that the sentence is better off without. */
  invalidAlone(path: string, detail: string): void {
    this.#add('FieldValueInvalid', path, { detail, isValueOmitted: true });
  }

  forbidden(path: string, detail: string): void {
    this.#add('FieldValueForbidden', path, { detail });
  }

  duplicate(path: string, badValue: unknown, detail = ''): void {
    this.#add('FieldValueDuplicate', path, { badValue, detail });
  }

  notFound(path: string, badValue: unknown, detail = ''): void {
    this.#add('FieldValueNotFound', path, { badValue, detail });
  }

  tooLong(path: string, bytesMax: number): void {
    this.#add('FieldValueTooLong', path, { detail: `may not be more than ${bytesMax} bytes` });
  }

  tooMany(path: string, count: number, max: number): void {
    this.#add('FieldValueTooMany', path, { detail: `${count}: must have at most ${max} items` });
  }

  /** Required when it is empty. */
  requiredText(path: string, value: string | undefined, detail = ''): void {
    if (value === undefined || value === '') {
      this.required(path, detail);
    }
  }

  /** An invalid value for each sentence of a name rule. */
  names(path: string, value: string, problems: NameProblems): void {
    for (const problem of problems) {
      this.invalid(path, value, problem);
    }
  }

  /** Required when it is empty, otherwise what the name rule says. */
  requiredName(path: string, value: string | undefined, rule: (value: string) => NameProblems): void {
    if (value === undefined || value === '') {
      this.required(path);
    } else {
      this.names(path, value, rule(value));
    }
  }

  /** Refuses a value outside a closed set. */
  oneOf(path: string, value: string, supported: readonly string[]): void {
    if (!supported.includes(value)) {
      this.notOneOf(path, value, supported);
    }
  }

  /** An unsupported value, whatever it is. */
  notOneOf(path: string, badValue: unknown, supported: readonly string[]): void {
    const list = supported.map((each) => JSON.stringify(each)).join(', ');
    this.#add('FieldValueNotSupported', path, { badValue, detail: `supported values: ${list}` });
  }

  /** As {@link oneOf}, and an empty value is required instead. */
  requiredOneOf(
    path: string,
    value: string | undefined,
    supported: readonly string[],
    requiredDetail = '',
  ): void {
    if (value === undefined || value === '') {
      this.required(path, requiredDetail);
    } else {
      this.oneOf(path, value, supported);
    }
  }

  nonNegative(path: string, value: number | undefined): void {
    if (value !== undefined && value < 0) {
      this.invalid(path, value, 'must be greater than or equal to 0');
    }
  }

  /** A number between 0 and `max`, which is a bound in upstream's sentence too. */
  upTo(path: string, value: number | undefined, max: number): void {
    if (value !== undefined && (value < 0 || value > max)) {
      this.invalid(path, value, rangeText(0, max));
    }
  }

  /** Refuses a change. */
  immutable(path: string, next: unknown, previous: unknown): void {
    if (!jsonEqual(next, previous)) {
      this.invalid(path, next, IMMUTABLE);
    }
  }

  addAll(errors: readonly FieldError[]): void {
    this.#found.push(...errors);
  }

  #add(
    reason: FieldErrorReason,
    path: string,
    rest: Pick<FieldError, 'detail' | 'badValue' | 'isValueOmitted'>,
  ): void {
    this.#found.push({ path, reason, ...rest });
  }
}
