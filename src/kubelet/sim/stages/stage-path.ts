import { StageError } from './stage-error.ts';

/** Reads a value out of an object; undefined where there is none. All of them when a list is on the way. */
export type StagePath = (object: unknown) => readonly unknown[];

type Step = (value: unknown) => readonly unknown[];

/** `.name`, `["name"]`, `[3]`, `[]`; a dot may stand before a bracket, a question mark after anything. */
const STEP = /^\.?(?:\["((?:[^"\\]|\\.)*)"\]|\[(\d*)\])\??|^\.([A-Za-z_][\w]*)\??/;
const SELECT = /^select\(\s*(\.[^=\s]+)\s*==\s*(?:"((?:[^"\\]|\\.)*)"|(-?\d+(?:\.\d+)?)|(true|false))\s*\)$/;

/**
 * The part of jq that Stages are written with: paths, and `select(.path == value)` between pipes.
 *
 * @throws {StageError} anything else
 */
export function parseStagePath(text: string): StagePath {
  const steps = text.split(/\s*\|\s*/).flatMap((part) => parsePart(part.trim(), text));
  return (object) =>
    steps
      .reduce<readonly unknown[]>((values, step) => values.flatMap(step), [object])
      .filter((value) => value !== undefined && value !== null);
}

function parsePart(part: string, whole: string): readonly Step[] {
  const select = SELECT.exec(part);
  if (select !== null) {
    const [, path = '', text, number, boolean] = select;
    const wanted = text ?? (number === undefined ? boolean === 'true' : Number(number));
    const read = parseStagePath(path);
    return [(value) => (read(value).includes(wanted) ? [value] : [])];
  }
  const steps: Step[] = [];
  for (let rest = part === '.' ? '' : part; rest !== '';) {
    const match = STEP.exec(rest);
    if (match === null) {
      throw new StageError(`"${whole}" is not understood at "${rest}": paths and select(.path == value) are`);
    }
    const [all, quoted, index, name] = match;
    steps.push(index === undefined ? member(quoted ?? name ?? '') : element(index));
    rest = rest.slice(all.length);
  }
  return steps;
}

function member(name: string): Step {
  return (value) =>
    typeof value === 'object' && value !== null && Object.hasOwn(value, name)
      ? [(value as Readonly<Record<string, unknown>>)[name]]
      : [];
}

function element(index: string): Step {
  return (value) => {
    if (!Array.isArray(value)) {
      return [];
    }
    return index === '' ? value : value.slice(Number(index), Number(index) + 1);
  };
}
