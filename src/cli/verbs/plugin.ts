import { accessSync, constants, readdirSync, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { CliError } from '../cli-error.ts';
import type { Command, Invocation } from '../command.ts';

export const PLUGIN: Command = {
  name: 'plugin',
  about: 'Provides utilities for interacting with plugins',
  commands: [
    {
      name: 'list',
      about: 'List all visible plugin executables on the PATH',
      usage: '',
      flags: [{ name: 'name-only', kind: 'bool', about: 'Print names, not paths.' }],
      run: listPlugins,
    },
  ],
};

export const KUSTOMIZE: Command = {
  name: 'kustomize',
  about: 'Not supported: run kustomize and pipe its output to -f -',
  usage: 'DIR',
  run: refuseKustomize,
};

const PREFIX = 'kubectl-';

const UNREADABLE: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or directory',
  EACCES: 'permission denied',
  ENOTDIR: 'not a directory',
};

async function listPlugins({ session, flags, io }: Invocation): Promise<void> {
  const directories = (io.env['PATH'] ?? '').split(delimiter).filter((path) => path.trim() !== '');
  const found = [...new Set(directories)].flatMap((directory) =>
    namesIn(directory, (text) => session.printError(text))
      .filter((name) => name.startsWith(PREFIX) && isProgram(join(directory, name)))
      .map((name) => (flags.bool('name-only') ? name : join(directory, name))),
  );
  if (found.length === 0) {
    throw new CliError('unable to find any kubectl plugins in your PATH');
  }
  session.print('The following compatible plugins are available:\n\n');
  session.print(found.map((path) => `${path}\n`).join(''));
  session.printError('They are for another kubectl: this program does not run them.\n');
}

/** What stands in a directory; one that cannot be read is named and passed over. */
function namesIn(directory: string, tell: (text: string) => void): readonly string[] {
  try {
    return readdirSync(directory).toSorted();
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) {
      throw error;
    }
    const why = UNREADABLE[String(error.code)] ?? String(error.code);
    tell(
      `Unable to read directory ${JSON.stringify(directory)} from your PATH: open ${directory}: ${why}. Skipping...\n`,
    );
    return [];
  }
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch (error) {
    if (error instanceof Error && 'code' in error) {
      return false;
    }
    throw error;
  }
}

async function refuseKustomize(): Promise<never> {
  throw new CliError('kustomize is not supported: run "kustomize build" and pipe its output to -f -');
}
