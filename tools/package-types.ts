// The declarations that ship beside the bundles: what `coracle/controller`, `coracle/scheduler` and `coracle/testing` say,
// and everything they speak of.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';

const ROOT = join(import.meta.dirname, '..');
const ENTRIES = ['operator/controller', 'scheduler/published', 'testing/testing'];
const IMPORT = /(\bfrom\s*|\bimport\(\s*)(['"])(#|\.\.?\/)([\w./-]+)\.ts\2/g;

/**
 * Writes them below `directory`, with relative imports in place of the project's own `#` names.
 *
 * @returns how many files there are
 */
export function writePackageTypes(directory: string): number {
  const emitted = mkdtempSync(join(tmpdir(), 'coracle-types-'));
  try {
    emit(emitted);
    const wanted = [...ENTRIES];
    const seen = new Set(wanted);
    for (let name = wanted.pop(); name !== undefined; name = wanted.pop()) {
      const text = readFileSync(join(emitted, `${name}.d.ts`), 'utf8');
      const path = join(directory, `${name}.d.ts`);
      mkdirSync(dirname(path), { recursive: true });
      const folder = dirname(name);
      const rewritten = text.replaceAll(IMPORT, (_, before, quote, start, rest) => {
        const target = start === '#' ? rest : join(folder, `${start}${rest}`);
        if (!seen.has(target)) {
          seen.add(target);
          wanted.push(target);
        }
        const steps = relative(folder, target);
        return `${before}${quote}${steps.startsWith('.') ? steps : `./${steps}`}.js${quote}`;
      });
      writeFileSync(path, rewritten);
    }
    return seen.size;
  } finally {
    rmSync(emitted, { recursive: true });
  }
}

function emit(directory: string): void {
  const config = join(directory, 'tsconfig.json');
  writeFileSync(
    config,
    JSON.stringify({
      extends: join(ROOT, 'tsconfig.json'),
      compilerOptions: {
        noEmit: false,
        declaration: true,
        emitDeclarationOnly: true,
        // A build is no check; that is another command.
        noCheck: true,
        outDir: directory,
        rootDir: join(ROOT, 'src'),
        typeRoots: [join(ROOT, 'node_modules', '@types')],
      },
      include: [],
      files: ENTRIES.map((entry) => join(ROOT, 'src', `${entry}.ts`)),
    }),
  );
  const { status } = spawnSync(join(ROOT, 'node_modules', '.bin', 'tsc'), ['-p', config], {
    cwd: ROOT,
    stdio: 'inherit',
  });
  if (status !== 0) {
    throw new Error('the declarations of the package could not be made');
  }
}
