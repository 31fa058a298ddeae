import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { sourceFiles } from './source-files.ts';

const ROOT = join(import.meta.dirname, '..');
const DOCUMENTS = globSync(['*.md', 'docs/**/*.md', 'examples/*/*.md', 'test/**/*.md'], { cwd: ROOT })
  .toSorted()
  .map((path) => ({ path, text: readFileSync(join(ROOT, path), 'utf8') }));
/** Words that may only be a path of this repository. */
const FOLDERS = /^(?:src|test|tools|bench|docs|examples)\//;

function wordsIn(text: string): readonly string[] {
  return [...text.matchAll(/`([^`\s]+)`/g)].map(([, word = '']) => word);
}

test('documents: a source file that is named is there', () => {
  const paths = sourceFiles('src', 'test', 'tools', 'bench', 'examples').map(({ path }) => `/${path}`);
  const isThere = (name: string): boolean => paths.some((path) => path.endsWith(`/${name}`));
  const bad = DOCUMENTS.flatMap(({ path, text }) =>
    wordsIn(text)
      .filter((word) => /^[a-z0-9./-]+\.ts$/.test(word) && !isThere(word))
      .map((word) => `${path}: ${word}`),
  );
  assert.deepEqual(bad, []);
});

test('documents: a folder that is named is there', () => {
  const bad = DOCUMENTS.flatMap(({ path, text }) =>
    wordsIn(text)
      .filter((word) => FOLDERS.test(word) && /^[a-z0-9./-]+$/.test(word) && !existsSync(join(ROOT, word)))
      .map((word) => `${path}: ${word}`),
  );
  assert.deepEqual(bad, []);
});

test('documents: links inside the repository lead somewhere', () => {
  const bad = DOCUMENTS.flatMap(({ path, text }) =>
    [...text.matchAll(/\]\(([^)#\s]+)[^)]*\)/g)]
      .map(([, target = '']) => target)
      .filter((target) => !/^[a-z]+:/.test(target) && !existsSync(join(ROOT, dirname(path), target)))
      .map((target) => `${path}: ${target}`),
  );
  assert.deepEqual(bad, []);
});
