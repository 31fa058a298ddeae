import { cpSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { bundle } from '../../tools/bundle.ts';

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
  await bundle(join(directory, 'dist'), { coracle: 'bin/coracle.ts' });
  return join(directory, 'bin/coracle.mjs');
}
