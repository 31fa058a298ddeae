import { readFileSync } from 'node:fs';

/** Mount points at or below a directory, deepest first: the order in which they can be taken away. */
export function mountsBelow(
  directory: string,
  mountInfo = readFileSync('/proc/self/mountinfo', 'utf8'),
): string[] {
  return mountInfo
    .split('\n')
    .map((line) => unescape(line.split(' ')[4] ?? ''))
    .filter((target) => target === directory || target.startsWith(`${directory}/`))
    .toReversed();
}

/** The kernel writes space, tab, line end and backslash as three octal digits. */
function unescape(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}
