// What each `npm run` verb does. Everything is one list of commands, run in order with the pinned Node.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { globSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..');
const QUIET = '--disable-warning=ExperimentalWarning';
const BIN = join(ROOT, 'node_modules', '.bin');

type Command = readonly [program: string, ...args: string[]];

function node(...args: string[]): Command {
  return [process.execPath, QUIET, ...args];
}

/** Unit tests share one process (seconds, not minutes); those that start programs get one each. */
function unitTests(): Command {
  const files = ['src/**/*.test.ts', 'tools/**/*.test.ts', 'examples/**/*.test.ts'].flatMap((pattern) =>
    globSync(pattern, { cwd: ROOT }),
  );
  // Examples import the package by its name; in a clone that is its sources.
  const conditions = '--conditions=coracle-source';
  return node(conditions, '--test', '--test-isolation=none', '--test-timeout=120000', ...files.toSorted());
}

function isolatedTests(folder: string): Command | undefined {
  const files = globSync(`test/${folder}/**/*.test.ts`, { cwd: ROOT });
  return files.length === 0
    ? undefined
    : node('--test', '--test-concurrency=1', '--test-timeout=900000', ...files.toSorted());
}

function commandsOf(verb: string, args: readonly string[]): readonly (Command | undefined)[] {
  switch (verb) {
    case 'start':
      return [node('bin/coracle.mjs', 'start', ...args)];
    case 'check':
      return [
        [join(BIN, 'tsc')],
        [join(BIN, 'oxlint'), '--type-aware', '--quiet', '.'],
        [join(BIN, 'oxfmt'), '--check', 'src', 'test', 'tools', 'bin', 'examples'],
        node('--test', '--test-isolation=none', ...globSync('tools/**/*.test.ts', { cwd: ROOT })),
      ];
    case 'test':
      return [unitTests(), isolatedTests('integration'), isolatedTests('crash'), isolatedTests('containers')];
    case 'unit':
      return [unitTests()];
    case 'integration':
    case 'containers':
    case 'crash':
      return [isolatedTests(verb)];
    case 'sim':
      return [node('test/sim/run.ts', ...args)];
    case 'bench':
      return [node('bench/run.ts', ...args)];
    case 'build':
      return [node('tools/build.ts', ...args)];
    case 'format':
      return [[join(BIN, 'oxfmt'), 'src', 'test', 'tools', 'bin', 'examples']];
    default:
      return [];
  }
}

const [verb = '', ...args] = process.argv.slice(2);
const commands = commandsOf(verb, args).filter((command) => command !== undefined);
if (commands.length === 0) {
  process.stderr.write(`nothing to run for "${verb}"\n`);
  process.exit(2);
}
/** Runs one command to its end. Ctrl-C reaches it from the terminal; a signal to this process alone is passed on. */
async function run([program, ...rest]: Command): Promise<number> {
  const child = spawn(program, rest, { cwd: ROOT, stdio: 'inherit' });
  const passOn = (): void => void child.kill('SIGTERM');
  process.on('SIGINT', ignore);
  process.on('SIGTERM', passOn);
  const [code] = (await once(child, 'exit')) as [number | null];
  process.off('SIGTERM', passOn);
  return code ?? 1;
}

function ignore(): void {
  // The child decides when it has stopped.
}

for (const command of commands) {
  const code = await run(command);
  if (code !== 0) {
    process.exit(code);
  }
}
