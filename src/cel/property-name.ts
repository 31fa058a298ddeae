/** Words that expressions cannot use as names. */
const RESERVED: ReadonlySet<string> = new Set([
  'true',
  'false',
  'null',
  'in',
  'as',
  'break',
  'const',
  'continue',
  'else',
  'for',
  'function',
  'if',
  'import',
  'let',
  'loop',
  'package',
  'namespace',
  'return',
  'var',
  'void',
  'while',
]);

const ESCAPES: Readonly<Record<string, string>> = {
  __: '__underscores__',
  '.': '__dot__',
  '-': '__dash__',
  '/': '__slash__',
};

export function isReserved(name: string): boolean {
  return RESERVED.has(name);
}

/** How expressions spell a property, such as `spec.x__dash__y`; undefined for a property they cannot name. */
export function escapeProperty(name: string): string | undefined {
  if (RESERVED.has(name)) {
    return `__${name}__`;
  }
  return /^[A-Za-z_.\-/][\w.\-/]*$/.test(name)
    ? name.replace(/__|[-./]/g, (text) => ESCAPES[text] ?? text)
    : undefined;
}
