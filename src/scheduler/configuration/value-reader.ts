/** Reads a value of unknown shape field by field and collects everything that is wrong with it. */
export class ValueReader {
  readonly problems: string[] = [];

  report(path: string, problem: string): void {
    this.problems.push(`${path}: ${problem}`);
  }

  /** The object's fields; reports those that are not in `known`. */
  object(value: unknown, path: string, known: readonly string[]): Readonly<Record<string, unknown>> {
    if (value === undefined || value === null) {
      return {};
    }
    if (typeof value !== 'object' || Array.isArray(value)) {
      this.report(path, 'must be an object');
      return {};
    }
    for (const field of Object.keys(value)) {
      if (!known.includes(field)) {
        this.report(path === '' ? field : `${path}.${field}`, 'unknown field');
      }
    }
    return value as Readonly<Record<string, unknown>>;
  }

  list<T>(value: unknown, path: string, read: (item: unknown, path: string) => T): readonly T[] {
    if (value === undefined || value === null) {
      return [];
    }
    if (!Array.isArray(value)) {
      this.report(path, 'must be a list');
      return [];
    }
    return value.map((item: unknown, index) => read(item, `${path}[${index}]`));
  }

  /** Undefined when left out. */
  integer(
    value: unknown,
    path: string,
    { min, max = Number.MAX_SAFE_INTEGER }: { readonly min: number; readonly max?: number },
  ): number | undefined {
    if (value === undefined || value === null) {
      return undefined;
    }
    if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) {
      return value;
    }
    this.report(
      path,
      `must be a whole number of at least ${min}${max < Number.MAX_SAFE_INTEGER ? ` and at most ${max}` : ''}`,
    );
    return undefined;
  }

  text(value: unknown, path: string): string {
    if (typeof value === 'string' && value !== '') {
      return value;
    }
    this.report(path, 'must be a text that is not empty');
    return '';
  }
}
