// The one door of `npm run …` in a clone: installs what the lockfile names when it is not there yet,
// then hands over to the pinned Node. Plain JavaScript, because a machine's own Node may be an old one.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findNode } from '../bin/node.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const STAMP = join(ROOT, 'node_modules', '.coracle-lock');

function installPackages() {
  const lock = createHash('sha256')
    .update(readFileSync(join(ROOT, 'package-lock.json')))
    .digest('hex');
  if (existsSync(STAMP) && readFileSync(STAMP, 'utf8') === lock) {
    return;
  }
  process.stderr.write('Installing packages and the pinned Node from package-lock.json…\n');
  // No dependency of this project needs an install script, so none is run.
  const result = spawnSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: ROOT,
    stdio: ['ignore', 2, 2],
  });
  if (result.status !== 0) {
    process.stderr.write(
      'npm ci did not succeed; check that the npm registry is reachable, then run this again.\n',
    );
    process.exit(1);
  }
  writeFileSync(STAMP, lock);
}

installPackages();
const node = findNode();
if (node === undefined) {
  process.stderr.write(
    `No Node 26 for ${process.platform}-${process.arch} was found; install Node 26 or newer and run this again.\n`,
  );
  process.exit(1);
}

const [verb = 'start', ...args] = process.argv.slice(2);
const child = spawn(
  node,
  ['--disable-warning=ExperimentalWarning', join(ROOT, 'tools', 'tasks.ts'), verb, ...args],
  {
    cwd: ROOT,
    stdio: 'inherit',
  },
);
// The terminal sends Ctrl-C to the whole group; a signal sent to this process alone is passed on.
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => child.kill('SIGTERM'));
child.on('exit', (code, signal) => {
  process.exitCode = code ?? (signal === 'SIGINT' ? 130 : 1);
});
