import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { jsonEqual } from '#base/json-equal.ts';
import { decodeYaml, YamlDecodeError } from '#codec/yaml.ts';
import { CliError } from './cli-error.ts';
import type { KubectlIo } from './command.ts';

const EDITOR_DEFAULT = 'vi';

/** A file that is opened in the user's editor, again and again until it is good. */
export class EditedFile {
  readonly #io: KubectlIo;
  readonly #extension: string;
  #path = '';

  /** @param extension `.yaml` or `.json`, so that the editor knows what it is */
  constructor(io: KubectlIo, extension: string) {
    this.#io = io;
    this.#extension = extension;
  }

  /** Where the user's last version is; empty before the first. */
  get path(): string {
    return this.#path;
  }

  /**
   * Lets the user edit a text and returns what became of it. What was there before is removed.
   *
   * @throws {CliError} the editor could not be started, or failed
   */
  edit(text: string): string {
    const before = this.#path;
    const path = join(mkdtempSync(join(tmpdir(), 'kubectl-edit-')), `object${this.#extension}`);
    writeFileSync(path, text, { mode: 0o600 });
    const { env } = this.#io;
    launch(env['KUBE_EDITOR'] || env['EDITOR'] || EDITOR_DEFAULT, path, env);
    this.#path = path;
    removeWithDirectory(before);
    return readFileSync(path, 'utf8');
  }

  remove(): void {
    removeWithDirectory(this.#path);
    this.#path = '';
  }

  /** Tells the user where the work is, when something went wrong with it. */
  announce(): void {
    if (this.#path !== '' && existsSync(this.#path)) {
      this.#io.stderr.write(`A copy of your changes has been stored to ${JSON.stringify(this.#path)}\n`);
    }
  }
}

function removeWithDirectory(path: string): void {
  if (path !== '') {
    rmSync(dirname(path), { recursive: true, force: true });
  }
}

/** An editor with quotes in it is a line for the shell; without, its words are separated by spaces. */
function launch(editor: string, path: string, env: KubectlIo['env']): void {
  const isShellLine = /["'\\]/.test(editor);
  const [program = '', ...args] = isShellLine
    ? ['/bin/sh', '-c', `${editor} "$0"`]
    : editor.split(' ').filter((word) => word !== '');
  const { error, status } = spawnSync(program, [...args, path], { stdio: 'inherit', env });
  if (error !== undefined && 'code' in error && error.code === 'ENOENT') {
    throw new CliError(`unable to launch the editor ${JSON.stringify(editor)}`);
  }
  if (error !== undefined || status !== 0) {
    throw new CliError(`there was a problem with the editor ${JSON.stringify(editor)}`);
  }
}

/** Whether two texts say the same, comments and layout aside. */
export function saysTheSame(left: string, right: string): boolean {
  try {
    return jsonEqual(decodeYaml(left), decodeYaml(right));
  } catch (error) {
    if (error instanceof YamlDecodeError) {
      return withoutComments(left) === withoutComments(right);
    }
    throw error;
  }
}

export function withoutComments(text: string): string {
  return text
    .split('\n')
    .filter((line) => !line.startsWith('#'))
    .join('\n');
}

/** Lines that begin with `#` and say this; each reason may have points of its own. */
export function commentLines(text: string): string {
  return text
    .split('\n')
    .map((line) => `# ${line}`.trimEnd())
    .join('\n');
}
