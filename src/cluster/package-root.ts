import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { assert } from '#base/assert.ts';

/** The directory of this package: where `package.json` and `examples` are, whether run from sources or bundled. */
export function packageRoot(): string {
  let directory = import.meta.dirname;
  while (!existsSync(join(directory, 'package.json'))) {
    const parent = dirname(directory);
    assert(parent !== directory, 'the program lies in its package');
    directory = parent;
  }
  return directory;
}
