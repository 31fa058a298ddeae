// Bundles the program into dist/, so that it starts fast from an installed package: one file per verb, V8's code
// cache beside it after the first run.
import { rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';
import { writeDescriptions } from './api-descriptions.ts';
import { writePackageTypes } from './package-types.ts';

const ROOT = join(import.meta.dirname, '..');
/** Given on the command line by tests, which leave `dist` alone. */
const OUT = resolve(process.argv[2] ?? join(ROOT, 'dist'));

rmSync(OUT, { recursive: true, force: true });
const { metafile } = await build({
  absWorkingDir: ROOT,
  entryPoints: {
    coracle: 'bin/coracle.ts',
    controller: 'src/operator/controller.ts',
    scheduler: 'src/scheduler/published.ts',
    testing: 'src/testing/testing.ts',
  },
  outdir: OUT,
  outExtension: { '.js': '.mjs' },
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node26',
  minifySyntax: true,
  minifyWhitespace: true,
  keepNames: true,
  metafile: true,
  // Native code, found at run time beside the package.
  external: ['lmdb'],
  // Dependencies written for CommonJS look for `require`.
  banner: {
    js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
  },
});
for (const [path, { bytes }] of Object.entries(metafile.outputs)) {
  process.stdout.write(`${path.padEnd(48)} ${(bytes / 1024).toFixed(0).padStart(6)} KiB\n`);
}

const count = writePackageTypes(join(OUT, 'types'));
process.stdout.write(`dist/types: ${count} declarations\n`);
const bytes = writeDescriptions(join(OUT, 'api-descriptions.json.br'));
process.stdout.write(`${join(OUT, 'api-descriptions.json.br')} ${(bytes / 1024).toFixed(0)} KiB\n`);
