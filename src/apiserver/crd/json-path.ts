import { isRecord } from '#codec/own-property.ts';

type Step =
  | { readonly kind: 'field'; readonly name: string }
  | { readonly kind: 'all' }
  | { readonly kind: 'index'; readonly index: number }
  | Filter;
interface Filter {
  readonly kind: 'filter';
  readonly path: readonly Step[];
  readonly operator: string;
  readonly value: unknown;
}

/** A JSONPath as printer columns use it: `.spec.replicas`, `.status.conditions[?(@.type=="Ready")].status`. */
export interface JsonPath {
  /** Every value at the path, in order. */
  find(object: unknown): readonly unknown[];
}

/** The compiled path, or what is wrong with it. */
export function parseJsonPath(text: string): JsonPath | { readonly problem: string } {
  const steps = parseSteps(text.replace(/^\$/, ''));
  return typeof steps === 'string' ? { problem: steps } : { find: (object) => walk([object], steps) };
}

const TOKEN =
  /^(?:\.?\[\?\(\s*@(?<filterPath>(?:\.[\w\-/]+|\['[^']+'\])*)\s*(?:(?<operator>==|!=|<=|>=|<|>)\s*(?<value>"[^"]*"|'[^']*'|-?[\d.]+|true|false)\s*)?\)\]|\.?\[(?<index>-?\d+)\]|\.?\[\*\]|\.(?<star>\*)|\.?\[(?<quote>['"])(?<quoted>(?:(?!\k<quote>)[^\\]|\\.)+)\k<quote>\]|\.(?<name>(?:[^.[\]\\]|\\.)+))/;

function parseSteps(text: string): readonly Step[] | string {
  const steps: Step[] = [];
  for (let rest = text; rest !== '';) {
    const match = TOKEN.exec(rest);
    if (match === null) {
      return `unrecognized part ${JSON.stringify(rest)}`;
    }
    const { filterPath, operator, value, index, quoted, name } = match.groups ?? {};
    if (filterPath !== undefined) {
      const path = parseSteps(filterPath);
      if (typeof path === 'string') {
        return path;
      }
      steps.push({ kind: 'filter', path, operator: operator ?? '', value: literal(value) });
    } else if (index !== undefined) {
      steps.push({ kind: 'index', index: Number(index) });
    } else if (quoted !== undefined || name !== undefined) {
      steps.push({ kind: 'field', name: (quoted ?? name ?? '').replaceAll(/\\(.)/g, '$1') });
    } else {
      steps.push({ kind: 'all' });
    }
    rest = rest.slice(match[0].length);
  }
  return steps;
}

function literal(text: string | undefined): unknown {
  if (text === undefined) {
    return undefined;
  }
  return /^['"]/.test(text)
    ? text.slice(1, -1)
    : text === 'true'
      ? true
      : text === 'false'
        ? false
        : Number(text);
}

function walk(values: readonly unknown[], steps: readonly Step[]): readonly unknown[] {
  let current = values;
  for (const step of steps) {
    current = current.flatMap((value) => take(value, step));
  }
  return current;
}

function take(value: unknown, step: Step): readonly unknown[] {
  switch (step.kind) {
    case 'field':
      return isRecord(value) && Object.hasOwn(value, step.name) ? [value[step.name]] : [];
    case 'index': {
      const item: unknown = Array.isArray(value) ? value.at(step.index) : undefined;
      return item === undefined ? [] : [item];
    }
    case 'all':
      return childrenOf(value);
    case 'filter':
      return childrenOf(value).filter((item) => walk([item], step.path).some((found) => holds(found, step)));
  }
}

function childrenOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : isRecord(value) ? Object.values(value) : [];
}

function holds(found: unknown, { operator, value }: Filter): boolean {
  switch (operator) {
    case '':
      return true;
    case '==':
      return found === value;
    case '!=':
      return found !== value;
    default:
      return ordered(found, operator, value);
  }
}

function ordered(left: unknown, operator: string, right: unknown): boolean {
  if (typeof left !== typeof right || (typeof left !== 'number' && typeof left !== 'string')) {
    return false;
  }
  // Both have the same type, which compares.
  const other = right as typeof left;
  switch (operator) {
    case '<':
      return left < other;
    case '<=':
      return left <= other;
    case '>':
      return left > other;
    default:
      return left >= other;
  }
}
