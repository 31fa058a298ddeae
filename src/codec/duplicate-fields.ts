/** More are not worth the client's reading. */
const REPORTED_MAX = 100;

const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g;

interface Level {
  readonly keys: Set<string> | undefined;
  readonly path: string;
  index: number;
  key: string;
}

/** Paths (`spec.containers[0].name`) of keys that stand twice in one object of valid JSON text. */
export function findDuplicateFields(text: string): readonly string[] {
  const duplicates = new Set<string>();
  for (const { path, isRepeated } of keysOf(text)) {
    if (isRepeated && duplicates.size < REPORTED_MAX) {
      duplicates.add(path);
    }
  }
  return [...duplicates];
}

export interface FieldProblem {
  readonly path: string;
  readonly isDuplicate: boolean;
}

/** Unknown and duplicate fields of a text in the order in which a reader meets them. */
export function inDocumentOrder(
  text: string,
  unknown: readonly string[],
  duplicates: readonly string[],
): readonly FieldProblem[] {
  const left = { unknown: new Set(unknown), duplicates: new Set(duplicates) };
  const met: FieldProblem[] = [];
  for (const { path, isRepeated } of keysOf(text)) {
    if (isRepeated && left.duplicates.delete(path)) {
      met.push({ path, isDuplicate: true });
    } else if (left.unknown.delete(path)) {
      met.push({ path, isDuplicate: false });
    }
  }
  return [...met, ...[...left.unknown].map((path) => ({ path, isDuplicate: false }))];
}

/** Every key of valid JSON text; `isRepeated` when its object already has it. */
function* keysOf(text: string): Generator<{ readonly path: string; readonly isRepeated: boolean }> {
  const levels: Level[] = [];
  let isKeyExpected = false;
  for (const [token] of text.matchAll(TOKEN)) {
    const level = levels.at(-1);
    if (token === '{' || token === '[') {
      const path = level === undefined ? '' : pathOf(level);
      levels.push({ keys: token === '{' ? new Set() : undefined, path, index: 0, key: '' });
      isKeyExpected = token === '{';
    } else if (token === '}' || token === ']') {
      levels.pop();
      isKeyExpected = false;
    } else if (token === ',' && level !== undefined) {
      level.index += 1;
      isKeyExpected = level.keys !== undefined;
    } else if (isKeyExpected && level?.keys !== undefined && token.startsWith('"')) {
      level.key = JSON.parse(token) as string;
      yield { path: pathOf(level), isRepeated: level.keys.has(level.key) };
      level.keys.add(level.key);
      isKeyExpected = false;
    }
  }
}

function pathOf({ keys, path, index, key }: Level): string {
  if (keys === undefined) {
    return `${path}[${index}]`;
  }
  return path === '' ? key : `${path}.${key}`;
}
