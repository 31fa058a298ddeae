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
      if (level.keys.has(level.key) && duplicates.size < REPORTED_MAX) {
        duplicates.add(pathOf(level));
      }
      level.keys.add(level.key);
      isKeyExpected = false;
    }
  }
  return [...duplicates];
}

function pathOf({ keys, path, index, key }: Level): string {
  if (keys === undefined) {
    return `${path}[${index}]`;
  }
  return path === '' ? key : `${path}.${key}`;
}
