import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { once } from 'node:events';

const APT = '/usr/bin/apt-get';

/**
 * Installs Debian packages, saying which. False when this host is not ours to install on: no apt-get, or no root.
 *
 * @throws {Error} apt-get did not succeed
 */
export async function installPackages(packages: readonly string[]): Promise<boolean> {
  if (!existsSync(APT) || process.getuid?.() !== 0) {
    return false;
  }
  process.stdout.write('Installing what real containers need:\n');
  await apt(['update', '-qq']);
  for (const name of packages) {
    process.stdout.write(`  ${name}\n`);
    await apt(['install', '-y', '-qq', '--no-install-recommends', name]);
  }
  return true;
}

async function apt(args: readonly string[]): Promise<void> {
  const child = spawn(APT, args, {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  });
  let complaint = '';
  child.stderr.on('data', (chunk: Buffer) => {
    complaint = (complaint + chunk.toString('utf8')).slice(-2000);
  });
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) {
    throw new Error(`apt-get ${args.join(' ')} did not succeed:\n${complaint.trim()}`);
  }
}
