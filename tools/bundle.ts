import { join } from 'node:path';
import { build, type Metafile } from 'esbuild';

const ROOT = join(import.meta.dirname, '..');

/**
 * Bundles the program so that it starts fast: one file per verb, shared parts in chunks.
 *
 * @param directory   where the files go; absolute, or from the root of the package
 * @param entryPoints source of each program or module, by its name in `directory`
 */
export async function bundle(
  directory: string,
  entryPoints: Readonly<Record<string, string>>,
): Promise<Metafile> {
  const { metafile } = await build({
    absWorkingDir: ROOT,
    entryPoints: { ...entryPoints },
    outdir: directory,
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
  return metafile;
}
