import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UsageError } from './command-line.ts';
import { flagHelp, GoFlags } from './go-flags.ts';

const TABLE = { values: ['secure-port', 'etcd-servers', 'v'], switches: ['allow-privileged'] };

test('go flags: every form that Go programs take', () => {
  const flags = new GoFlags(
    [
      '--secure-port',
      '6443',
      '-v=2',
      '--etcd_servers=http://a,http://b',
      '--allow-privileged',
      '--etcd-servers',
      'http://c',
    ],
    TABLE,
  );
  assert.equal(flags.text('secure-port'), '6443');
  assert.equal(flags.text('v'), '2');
  assert.deepEqual(flags.list('etcd-servers'), ['http://a', 'http://b', 'http://c']);
  assert.equal(flags.isOn('allow-privileged', false), true);
  assert.deepEqual(flags.without(['etcd-servers', 'secure-port']), ['v', 'allow-privileged']);
});

test('go flags: what is left out', () => {
  const flags = new GoFlags(['--secure-port='], TABLE);
  assert.equal(flags.text('secure-port'), undefined);
  assert.deepEqual(flags.list('etcd-servers'), []);
  assert.equal(flags.isOn('allow-privileged', true), true);
});

const wrong: readonly (readonly [args: readonly string[], message: RegExp])[] = [
  [['--nonsense=1'], /unknown flag: --nonsense/],
  [['word'], /unknown command "word"/],
  [['--secure-port'], /flag needs an argument: --secure-port/],
  [
    ['--allow-privileged=perhaps'],
    /invalid argument "perhaps" for "--allow-privileged" flag: strconv\.ParseBool/,
  ],
];

for (const [args, message] of wrong) {
  test(`go flags: ${args.join(' ')} is refused`, () => {
    assert.throws(
      () => new GoFlags(args, TABLE),
      (error) => error instanceof UsageError && message.test(error.message),
    );
  });
}

test('go flags: test frameworks find a flag in the help by its own line', () => {
  assert.match(flagHelp(TABLE), /^\s*--secure-port\b/m);
  assert.match(flagHelp(TABLE), /^\s*--allow-privileged\b/m);
});
