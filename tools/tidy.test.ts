import assert from 'node:assert/strict';
import { globSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { isGenerated, sourceFiles } from './source-files.ts';

const FILE_LINES_MAX = 600;

test('tidy: no file is longer than 600 lines', () => {
  const long = sourceFiles('src', 'test', 'tools', 'bin', 'bench')
    .filter(({ path, text }) => !isGenerated(path) && text.split('\n').length > FILE_LINES_MAX)
    .map(({ path, text }) => `${path}: ${text.split('\n').length} lines; split it by noun`);
  assert.deepEqual(long, []);
});

test('tidy: file names are kebab-case and say something', () => {
  const vague = /(?:^|[/-])(?:utils?|helpers?|common|misc|manager|index)\.(?:test\.)?ts$/;
  const bad = sourceFiles('src', 'test', 'tools', 'bin', 'bench')
    .map(({ path }) => path)
    .filter((path) => vague.test(path) || !/^[a-z0-9./-]+$/.test(path));
  assert.deepEqual(bad, [], 'name a file for its main export');
});

test('tidy: only base touches the wall clock, timers and chance', () => {
  const globals =
    /\bDate\.now\(|\bnew Date\(\)|\bMath\.random\(|\bset(?:Timeout|Interval)\(|\bperformance\.now\(|['"](?:node:)?timers/;
  const bad = sourceFiles('src')
    .filter(({ path }) => !path.startsWith('src/base/') && !path.endsWith('.test.ts'))
    .filter(({ text }) => globals.test(text.replaceAll(/\.set(?:Timeout|Interval)\(/g, '')))
    .map(({ path }) => `${path}: take a Clock or a Random in the constructor (src/base/clock.ts, random.ts)`);
  assert.deepEqual(bad, []);
});

test('tidy: no test is focused, and a skipped one says why', () => {
  const bad = sourceFiles('src', 'test', 'tools')
    .filter(({ path }) => path.endsWith('.test.ts') && path !== 'tools/tidy.test.ts')
    .filter(({ text }) => /\b(?:test|describe|it)\.(?:only|todo)\b|\btest\.skip\(|\bskip: true\b/.test(text))
    .map(({ path }) => path);
  assert.deepEqual(bad, []);
});

test('tidy: no leftover marks', () => {
  const mark = /\b(?:TODO|FIXME|XXX)\b|@ts-(?:ignore|expect-error|nocheck)/;
  const bad = sourceFiles('src', 'test', 'tools', 'bin')
    .filter(({ path, text }) => path !== 'tools/tidy.test.ts' && mark.test(text))
    .map(({ path }) => `${path}: finish it, or write it into docs/gaps.md`);
  assert.deepEqual(bad, []);
});

test('tidy: every source file is reached from an entry or a test', () => {
  const files = sourceFiles('src', 'test', 'tools', 'bin', 'bench', 'examples');
  const reached = new Set<string>();
  for (const { path, text } of files) {
    for (const [, target = ''] of text.matchAll(/['"](#[\w./-]+|\.\.?\/[\w./-]+)['"]/g)) {
      reached.add(target.startsWith('#') ? `src/${target.slice(1)}` : join(dirname(path), target));
    }
  }
  const entries = new Set([
    ...globSync('bin/*.ts'),
    'tools/tasks.ts',
    'test/sim/run.ts',
    'bench/run.ts',
    'src/testing/testing.ts',
    'src/operator/controller.ts',
    'src/scheduler/published.ts',
  ]);
  const dead = files
    .map(({ path }) => path)
    .filter((path) => path.startsWith('src/') && !path.endsWith('.test.ts') && !path.endsWith('.bench.ts'))
    .filter((path) => !reached.has(path) && !entries.has(path) && !isGenerated(path));
  assert.deepEqual(dead, [], 'delete it, or wire it in');
});

test('tidy: an API type is declared once, in src/api/types', () => {
  const names = /\binterface (Pod|Service|Deployment|ReplicaSet|ConfigMap|Secret|ObjectMeta|LabelSelector)\b/;
  const bad = sourceFiles('src')
    .filter(({ path, text }) => !isGenerated(path) && names.test(text))
    .map(({ path }) => `${path}: import it from #api/types/…`);
  assert.deepEqual(bad, []);
});
