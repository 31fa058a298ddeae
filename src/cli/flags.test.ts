import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CliError } from './cli-error.ts';
import { type Flag, parseFlags } from './flags.ts';

const FLAGS: readonly Flag[] = [
  { name: 'namespace', short: 'n', kind: 'text', about: '' },
  { name: 'output', short: 'o', kind: 'text', about: '' },
  { name: 'watch', short: 'w', kind: 'bool', about: '' },
  { name: 'stdin', short: 'i', kind: 'bool', about: '' },
  { name: 'tail', kind: 'int', initial: '-1', about: '' },
  { name: 'filename', short: 'f', kind: 'list', about: '' },
  { name: 'from-literal', kind: 'array', about: '' },
  { name: 'dry-run', kind: 'text', alone: 'unchanged', initial: 'none', about: '' },
  { name: 'timeout', kind: 'duration', initial: '0s', about: '' },
];

test('flags: every way to write a value is read, anywhere on the line', () => {
  const { flags, args, dash } = parseFlags(
    ['get', '-n', 'kube-system', 'pods', '-oyaml', '--watch', '--tail=5', '-f', 'a,b', '-f=c', 'web'],
    FLAGS,
  );
  assert.deepEqual(args, ['get', 'pods', 'web']);
  assert.equal(dash, undefined);
  assert.equal(flags.text('namespace'), 'kube-system');
  assert.equal(flags.text('output'), 'yaml');
  assert.equal(flags.bool('watch'), true);
  assert.equal(flags.int('tail'), 5);
  assert.deepEqual(flags.list('filename'), ['a', 'b', 'c']);
});

test('flags: letters stand together, and what is behind -- is no flag', () => {
  const { flags, args, dash } = parseFlags(['pod', '-iw', '--', 'ls', '-l'], FLAGS);
  assert.deepEqual([args, dash], [['pod', 'ls', '-l'], 1]);
  assert.equal(flags.bool('stdin') && flags.bool('watch'), true);
});

test('flags: a value that may be left out comes only behind =', () => {
  assert.equal(parseFlags(['--dry-run', 'client'], FLAGS).flags.text('dry-run'), 'unchanged');
  assert.equal(parseFlags(['--dry-run=client'], FLAGS).flags.text('dry-run'), 'client');
  assert.equal(parseFlags([], FLAGS).flags.text('dry-run'), 'none');
  assert.deepEqual(parseFlags(['--from-literal=a=1,2'], FLAGS).flags.list('from-literal'), ['a=1,2']);
  assert.equal(parseFlags(['--timeout=1m30s'], FLAGS).flags.durationMs('timeout'), 90_000);
});

const REFUSED: readonly (readonly [string, string])[] = [
  ['--foo', 'unknown flag: --foo'],
  ['-q', "unknown shorthand flag: 'q' in -q"],
  ['--output', 'flag needs an argument: --output'],
  ['-o', "flag needs an argument: 'o' in -o"],
  ['--tail=abc', 'invalid argument "abc" for "--tail" flag: strconv.ParseInt: parsing "abc": invalid syntax'],
  [
    '--watch=maybe',
    'invalid argument "maybe" for "-w, --watch" flag: strconv.ParseBool: parsing "maybe": invalid syntax',
  ],
];

for (const [word, message] of REFUSED) {
  test(`flags: ${word} is refused in the words that users know`, () => {
    assert.throws(() => parseFlags([word], FLAGS), new CliError(message));
  });
}
