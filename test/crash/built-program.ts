import assert from 'node:assert/strict';
import { cpSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../containers/shell.fixture.ts';

const ROOT = join(import.meta.dirname, '../..');

/**
 * Builds the program as a package has it, with the modules of this clone.
 *
 * @param directory of the package; its `bin/coracle.mjs` is what people run
 */
export async function buildProgram(directory: string): Promise<string> {
  mkdirSync(directory, { recursive: true });
  for (const name of ['bin', 'package.json']) {
    cpSync(join(ROOT, name), join(directory, name), { recursive: true });
  }
  symlinkSync(join(ROOT, 'node_modules'), join(directory, 'node_modules'));
  const built = await run([process.execPath, join(ROOT, 'tools/build.ts'), join(directory, 'dist')]);
  assert.equal(built.code, 0, built.stdout + built.stderr);
  return join(directory, 'bin/coracle.mjs');
}
