import { CliError } from './cli-error.ts';
import type { Command, KubectlIo } from './command.ts';
import { failureOf } from './error-text.ts';
import { parseFlags } from './flags.ts';
import { GLOBAL_FLAGS, HELP_FLAG } from './global-flags.ts';
import { Session } from './session.ts';
import { loadVerb, VERBS } from './verb-table.ts';

const PROGRAM = 'kubectl';

/**
 * Runs one command line of Coracle's own kubectl: upstream's words, columns, messages and exit codes.
 *
 * @param args what stands behind `kubectl`
 * @returns the exit code; whatever went wrong has been printed
 */
export async function kubectl(args: readonly string[], io: KubectlIo): Promise<number> {
  try {
    return await run(args, io);
  } catch (error) {
    const failure = failureOf(error, () => '');
    io.stderr.write(failure.text);
    return failure.exitCode;
  }
}

async function run(args: readonly string[], io: KubectlIo): Promise<number> {
  // Global flags may stand before the verb.
  const verbIndex = indexOfVerb(args);
  const name = args[verbIndex];
  if (name === undefined || name === 'help' || name === 'options') {
    const { helpText, optionsText } = await import('./help.ts');
    io.stdout.write(
      name === 'options'
        ? optionsText()
        : helpText(PROGRAM, {
            name: PROGRAM,
            about: 'kubectl controls the Kubernetes cluster manager',
            commands: VERBS,
          }),
    );
    return 0;
  }
  const verb = await loadVerb(name);
  if (verb === undefined) {
    throw new CliError(`unknown command ${JSON.stringify(name)} for "${PROGRAM}"`);
  }
  return runCommand([...args.slice(0, verbIndex), ...args.slice(verbIndex + 1)], {
    command: verb,
    path: `${PROGRAM} ${verb.name}`,
    io,
  });
}

interface CommandRun {
  readonly command: Command;
  readonly path: string;
  readonly io: KubectlIo;
}

async function runCommand(words: readonly string[], { command, path, io }: CommandRun): Promise<number> {
  const inner = command.commands ?? [];
  if (inner.length > 0) {
    const index = indexOfVerb(words);
    const name = words[index];
    const found = inner.find((each) => each.name === name || each.aliases?.includes(name ?? '') === true);
    if (found !== undefined) {
      const rest = [...words.slice(0, index), ...words.slice(index + 1)];
      return runCommand(rest, { command: found, path: `${path} ${found.name}`, io });
    }
  }
  const line = readLine(words, command, path);
  if (line.flags.bool('help') || command.run === undefined) {
    const { helpText } = await import('./help.ts');
    const [stray] = line.args;
    if (!line.flags.bool('help') && stray !== undefined) {
      throw new CliError(`unknown command ${JSON.stringify(stray)}\nSee '${path} -h' for help and examples`);
    }
    io.stdout.write(helpText(path, command));
    return line.flags.bool('help') ? 0 : 1;
  }
  const missing = (command.flags ?? []).filter(
    (flag) => flag.isRequired === true && !line.flags.has(flag.name),
  );
  if (missing.length > 0) {
    throw new CliError(
      `required flag(s) ${missing.map((flag) => JSON.stringify(flag.name)).join(', ')} not set`,
    );
  }
  // A verb's own `--user` says nothing about whom to ask as.
  const hidden = new Set((command.flags ?? []).map(({ name }) => name));
  await using session = new Session(io, line.flags.without(hidden));
  try {
    return (await command.run({ command, path, io, session, ...line })) ?? 0;
  } catch (error) {
    const failure = failureOf(error, () => session.client.target.server);
    io.stderr.write(failure.text);
    return failure.exitCode;
  }
}

function readLine(words: readonly string[], command: Command, path: string): ReturnType<typeof parseFlags> {
  try {
    const own = command.flags ?? [];
    const shorts = new Set(own.map(({ short }) => short));
    const names = new Set(own.map(({ name }) => name));
    // A verb's own letter hides a global one, as `-p` and `-s` do.
    const global = [...GLOBAL_FLAGS, HELP_FLAG]
      .filter(({ name }) => !names.has(name))
      .map(({ short, ...flag }) => (short === undefined || shorts.has(short) ? flag : { ...flag, short }));
    return parseFlags(words, [...own, ...global], command.stopsAtFirstArg ?? false);
  } catch (error) {
    if (error instanceof CliError) {
      throw new CliError(`${error.message}\nSee '${path} --help' for usage.`);
    }
    throw error;
  }
}

const TAKES_VALUE = new Set(
  GLOBAL_FLAGS.filter(({ kind }) => kind !== 'bool').flatMap(({ name, short }) => [
    `--${name}`,
    ...(short === undefined ? [] : [`-${short}`]),
  ]),
);

/** The first word that is neither a flag nor the value of one. */
function indexOfVerb(args: readonly string[]): number {
  for (let index = 0; index < args.length; index++) {
    const word = args[index] ?? '';
    if (!word.startsWith('-')) {
      return index;
    }
    index += TAKES_VALUE.has(word) ? 1 : 0;
  }
  return args.length;
}
