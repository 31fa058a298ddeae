// The package as somebody has it who installed it: bundles and declarations, without the sources.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

const ROOT = join(import.meta.dirname, '..', '..');

test('package: the examples, copied out, pass their tests and the compiler', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'coracle-package-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const modules = join(directory, 'node_modules');
  const installed = join(modules, 'coracle');
  mkdirSync(join(modules, '@types'), { recursive: true });
  mkdirSync(installed);
  run(ROOT, process.execPath, 'tools/build.ts', join(installed, 'dist'));
  cpSync(join(ROOT, 'package.json'), join(installed, 'package.json'));
  symlinkSync(join(ROOT, 'node_modules'), join(installed, 'node_modules'));
  symlinkSync(join(ROOT, 'node_modules', '@types', 'node'), join(modules, '@types', 'node'));
  for (const example of ['operator', 'scheduler']) {
    cpSync(join(ROOT, 'examples', example), join(directory, example), { recursive: true });
  }
  writeFileSync(join(directory, 'package.json'), '{"name":"my-operator","type":"module"}');
  writeFileSync(join(directory, 'tsconfig.json'), JSON.stringify(STRICT));

  assert.match(run(directory, process.execPath, '--test'), /^ℹ fail 0$/m);
  run(directory, join(ROOT, 'node_modules', '.bin', 'tsc'), '-p', directory);
});

const STRICT = {
  compilerOptions: {
    module: 'nodenext',
    target: 'esnext',
    lib: ['esnext'],
    types: ['node'],
    strict: true,
    exactOptionalPropertyTypes: true,
    noEmit: true,
    allowImportingTsExtensions: true,
  },
  include: ['*/*.ts'],
};

/** What the program says. Without the runner's variables, which would make it take itself for a part of this run. */
function run(directory: string, program: string, ...args: readonly string[]): string {
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const { status, stdout, stderr } = spawnSync(program, args, { cwd: directory, encoding: 'utf8', env });
  assert.equal(status, 0, stdout + stderr);
  return stdout;
}
