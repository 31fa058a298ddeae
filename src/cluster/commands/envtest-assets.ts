import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { packageRoot } from '../package-root.ts';
import { parseWords, UsageError } from './command-line.ts';

const HELP = `Usage: coracle envtest-assets DIR

Makes executables kube-apiserver, etcd and kubectl in DIR that are Coracle, with upstream's flags. A suite that uses
controller-runtime's envtest then runs on Coracle unchanged:

  export KUBEBUILDER_ASSETS=$(coracle envtest-assets /tmp/coracle-envtest)
`;

/** What each executable runs. */
const VERBS: Readonly<Record<string, string>> = {
  'kube-apiserver': 'apiserver',
  etcd: 'etcd',
  kubectl: 'kubectl',
};

/** `coracle envtest-assets DIR`. Prints the directory, so that it can be put into a variable. */
export function envtestAssets(args: readonly string[]): number {
  const { values, words } = parseWords(args, { help: { type: 'boolean', short: 'h' } });
  if (values.help === true) {
    process.stdout.write(HELP);
    return 0;
  }
  const [target, ...others] = words;
  if (target === undefined || others.length > 0) {
    throw new UsageError('say one directory: coracle envtest-assets DIR');
  }
  const directory = resolve(target);
  mkdirSync(directory, { recursive: true });
  const program = join(packageRoot(), 'bin', 'coracle.mjs');
  for (const [name, verb] of Object.entries(VERBS)) {
    const path = join(directory, name);
    // The shell makes way for the program, so that a signal to the process reaches it.
    writeFileSync(path, `#!/bin/sh\nexec ${quoted(process.execPath)} ${quoted(program)} ${verb} "$@"\n`);
    chmodSync(path, 0o755);
  }
  process.stdout.write(`${directory}\n`);
  return 0;
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
