import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findProgram } from '#runtime/oci/check-host.ts';

const DEBIAN = 'http://deb.debian.org/debian';
const SUITE = 'sid';
const VERSION = '1.36';
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';

export interface KubectlProgram {
  readonly name: string;
  /** Undefined with the reason why it is not there. */
  readonly path: string | undefined;
  readonly why: string;
}

/** The kubectl on the PATH, and the one of the API's own version. */
export function kubectlPrograms(): readonly KubectlProgram[] {
  const onPath = findProgram('kubectl');
  return [
    { name: 'kubectl on the PATH', path: onPath, why: 'there is no kubectl on the PATH' },
    {
      name: `kubectl ${VERSION}`,
      path: debianKubectl(),
      why: `kubectl ${VERSION} could not be had from Debian ${SUITE}`,
    },
  ];
}

/**
 * Takes kubectl out of Debian's newest package without installing it: apt works on lists of its own, so the
 * machine's stay what they are. Kept for later runs.
 */
function debianKubectl(): string | undefined {
  const root = join(tmpdir(), `coracle-test-kubectl-${VERSION}`);
  const program = join(root, 'usr/bin/kubectl');
  if (existsSync(program)) {
    return program;
  }
  const apt = join(root, 'apt');
  mkdirSync(join(apt, 'lists/partial'), { recursive: true });
  mkdirSync(join(apt, 'cache/archives/partial'), { recursive: true });
  writeFileSync(join(apt, 'sources.list'), `deb [signed-by=${KEYRING}] ${DEBIAN} ${SUITE} main\n`);
  const options = [
    ['Dir::Etc::sourcelist', join(apt, 'sources.list')],
    ['Dir::Etc::sourceparts', '-'],
    ['Dir::State::lists', join(apt, 'lists')],
    ['Dir::Cache', join(apt, 'cache')],
    ['APT::Sandbox::User', 'root'],
  ].flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  const isDone = (program_: string, ...args: string[]): boolean =>
    spawnSync(program_, args, { cwd: apt, stdio: 'ignore', timeout: 120_000 }).status === 0;
  if (
    !isDone('apt-get', ...options, '-qq', 'update') ||
    !isDone('apt-get', ...options, '-qq', 'download', `kubectl=${VERSION}.*`)
  ) {
    return undefined;
  }
  const [archive = ''] = readdirSync(apt).filter((name) => name.endsWith('.deb'));
  const isExtracted = isDone('dpkg-deb', '-x', archive, root);
  rmSync(apt, { recursive: true, force: true });
  return isExtracted && existsSync(program) ? program : undefined;
}

/** Runs a command that would go on, until what it prints has a pattern; a dot stands for the end of a line too. */
const UNTIL_SHOWN = `#!/bin/bash
pattern=$1; shift
out=$(mktemp)
"$@" <&0 > "$out" 2>&1 & pid=$!
for _ in $(seq 200); do grep -zqE -- "$pattern" "$out" && break; sleep 0.05; done
kill $pid 2>/dev/null
wait $pid
cat "$out"; rm "$out"
`;

/** A directory with a `kubectl` that runs this program and with `until-shown`, to be put before the PATH. */
export function binDirectory(parent: string, program: string): string {
  const directory = join(parent, 'bin');
  mkdirSync(directory, { recursive: true });
  const scripts = { kubectl: `#!/bin/sh\nexec ${program} "$@"\n`, 'until-shown': UNTIL_SHOWN };
  for (const [name, text] of Object.entries(scripts)) {
    writeFileSync(join(directory, name), text);
    chmodSync(join(directory, name), 0o755);
  }
  return directory;
}
