import { isRecord } from '#codec/own-property.ts';
import { encodeJson } from '#codec/canonical.ts';
import { compareText } from '../object-access.ts';

/** A copy with the keys of every object in byte order, as Go writes maps. Undefined values are left out. */
export function withSortedKeys(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map(withSortedKeys);
  }
  if (!isRecord(value)) {
    return value;
  }
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, item]) => item !== undefined)
      .toSorted(([left], [right]) => compareText(left, right))
      .map(([key, item]) => [key, withSortedKeys(item)]),
  );
}

const ESCAPES: Readonly<Record<string, string>> = {
  '<': String.raw`\u003c`,
  '>': String.raw`\u003e`,
  '&': String.raw`\u0026`,
  '\u2028': String.raw`\u2028`,
  '\u2029': String.raw`\u2029`,
};

/** JSON as Go writes it: sorted keys, and no character that HTML could take for its own. */
export function goJson(value: unknown, indent = 0): string {
  const text = encodeJson(withSortedKeys(value));
  const escaped = text.replaceAll(/[<>&\u2028\u2029]/g, (character) => ESCAPES[character] ?? character);
  return indent === 0 ? escaped : indented(escaped, ' '.repeat(indent));
}

/** Indents compact JSON without reading it into values, so that big numbers and escapes stay as they are. */
function indented(json: string, step: string): string {
  let depth = 0;
  const tokens = json.match(/"(?:[^"\\]|\\.)*"|[{}[\],:]|[^"{}[\],:]+/g) ?? [];
  let out = '';
  for (const [index, token] of tokens.entries()) {
    const next = tokens[index + 1];
    if (token === '{' || token === '[') {
      const isEmpty = next === '}' || next === ']';
      depth += 1;
      out += isEmpty ? token : `${token}\n${step.repeat(depth)}`;
    } else if (token === '}' || token === ']') {
      const before = tokens[index - 1];
      depth -= 1;
      out += before === '{' || before === '[' ? token : `\n${step.repeat(depth)}${token}`;
    } else if (token === ',') {
      out += `,\n${step.repeat(depth)}`;
    } else {
      out += token === ':' ? ': ' : token;
    }
  }
  return out;
}
