// Makes the descriptions that `kubectl explain` shows for built-in kinds, out of the comments of a generated client's
// typings. Run with the path of the file to write; `tools/build.ts` and a clone's server do.
import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { brotliCompressSync } from 'node:zlib';

const MODELS = join(import.meta.dirname, '../node_modules/@kubernetes/client-node/dist/gen/models');

const CLASS = /\/\*\*\n((?:\s*\*.*\n)*?)\s*\*\/\nexport declare class (\w+) \{/;
const PROPERTY = /(?: {4}\/\*\*\n((?: {4}\*.*\n)*?) {4}\*\/\n)? {4}'([^']+)'\??:/g;

/** The text of a type, and those of its fields; undefined fields have none. */
type Described = readonly [text: string, fields: Readonly<Record<string, string>>];

/** All descriptions, compressed: by the name of the class, such as `V1PodSpec`. */
export function writeDescriptions(path: string): number {
  const described: Record<string, Described> = {};
  for (const file of readdirSync(MODELS)) {
    if (file.endsWith('.d.ts')) {
      const [name, types] = readClass(readFileSync(join(MODELS, file), 'utf8')) ?? [];
      if (name !== undefined && types !== undefined) {
        described[name] = types;
      }
    }
  }
  const bytes = brotliCompressSync(JSON.stringify(described));
  mkdirSync(dirname(path), { recursive: true });
  // Another process may read it, or be at the same work.
  const own = `${path}.${process.pid}`;
  writeFileSync(own, bytes);
  renameSync(own, path);
  return bytes.length;
}

function readClass(source: string): readonly [name: string, described: Described] | undefined {
  const found = CLASS.exec(source);
  const name = found?.[2];
  if (found === null || name === undefined) {
    return undefined;
  }
  const fields: Record<string, string> = {};
  for (const [, comment, field = ''] of source.slice(found.index).matchAll(PROPERTY)) {
    fields[fieldName(field)] = textOf(comment ?? '');
  }
  return [name, [textOf(found[1] ?? ''), fields]];
}

/** The generator changes names that it cannot use. */
function fieldName(property: string): string {
  const name = property.replace(/^_/, '');
  return name.startsWith('x_kubernetes_') ? name.replaceAll('_', '-') : name;
}

/** Without the comment's stars, and without the escapes that its generator puts before quotes. */
function textOf(comment: string): string {
  return comment
    .split('\n')
    .map((line) => line.replace(/^\s*\* ?/, ''))
    .join('\n')
    .trim()
    .replaceAll(/\\(["'])/g, '$1')
    .replaceAll('*_/', '*/');
}

if (import.meta.main) {
  const [path] = process.argv.slice(2);
  if (path === undefined) {
    process.stderr.write('usage: api-descriptions.ts FILE\n');
    process.exitCode = 2;
  } else {
    writeDescriptions(path);
  }
}
