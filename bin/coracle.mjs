#!/usr/bin/env node
// Runs Coracle with the Node it is made for. Plain JavaScript: this file is run by whatever Node the machine has.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { findNode } from '../tools/node.mjs';

const bundle = fileURLToPath(new URL('../dist/coracle.mjs', import.meta.url));
const source = fileURLToPath(new URL('./coracle.ts', import.meta.url));
const program = existsSync(bundle) ? bundle : source;
const node = findNode();
if (node === undefined) {
  process.stderr.write(
    'coracle needs Node 26; install it, or reinstall this package with its optional dependencies.\n',
  );
  process.exit(1);
}
if (process.execPath === node) {
  await import(program);
} else {
  const child = spawn(node, ['--disable-warning=ExperimentalWarning', program, ...process.argv.slice(2)], {
    stdio: 'inherit',
  });
  process.on('SIGINT', () => undefined);
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  child.on('exit', (code, signal) => {
    process.exitCode = code ?? (signal === null ? 1 : 128 + (signal === 'SIGINT' ? 2 : 15));
  });
}
