import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CommandError, SystemCommands } from './command.ts';

const commands = new SystemCommands();

test('SystemCommands: input goes in and output comes back', async () => {
  assert.equal(await commands.run(['cat'], { input: 'hello' }), 'hello');
});

test('SystemCommands: the prefix starts the program', async () => {
  assert.equal(await new SystemCommands(['env', 'WORD=hi']).run(['sh', '-c', 'printf $WORD']), 'hi');
});

test('SystemCommands: a failure tells the exit code and what the program said', async () => {
  await assert.rejects(
    commands.run(['sh', '-c', 'echo no >&2; exit 3']),
    (error) =>
      error instanceof CommandError && error.exitCode === 3 && error.message.endsWith('ended with 3: no'),
  );
});

test('SystemCommands: a program that is not there, or does not end, is an error without an exit code', async () => {
  for (const run of [
    commands.run(['no-such-program-here']),
    commands.run(['sleep', '60'], { timeoutMs: 20 }),
  ]) {
    await assert.rejects(run, (error) => error instanceof CommandError && error.exitCode === undefined);
  }
});
