#!/usr/bin/env node
// Runs Coracle with the Node it is made for. Plain JavaScript: this file is run by whatever Node the machine has.
import { spawn } from 'node:child_process';
import { existsSync, realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { findNode } from './node.mjs';

// A clone runs its sources as they are; an installed package has only the bundle.
const source = fileURLToPath(new URL('../src/cluster/commands/main.ts', import.meta.url));
const program = fileURLToPath(
  new URL(existsSync(source) ? './coracle.ts' : '../dist/coracle.mjs', import.meta.url),
);
const node = findNode();
if (node === undefined) {
  process.stderr.write(
    'coracle needs Node 26: install it, or reinstall this package with its optional dependencies.\n',
  );
  process.exit(1);
}
// Compared by what they really are: package managers link packages into place.
if (realpathSync(process.execPath) === realpathSync(node)) {
  const { enableCompileCache } = await import('node:module');
  enableCompileCache?.();
  process.argv[1] = program;
  await import(program);
} else {
  const child = spawn(node, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], { stdio: 'inherit' });
  // The terminal sends Ctrl-C to both; a signal sent to this process alone is passed on.
  process.on('SIGINT', () => undefined);
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  child.on('exit', (code, signal) => {
    process.exitCode = code ?? (signal === 'SIGINT' ? 130 : 143);
  });
}
