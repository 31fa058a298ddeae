import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as names from './names.ts';

const cases: readonly {
  rule: (value: string) => readonly string[];
  good: readonly string[];
  bad: readonly (readonly [string, ...string[]])[];
}[] = [
  {
    rule: names.dnsLabelProblems,
    good: ['a', 'a-1', '1a', 'a'.repeat(63)],
    bad: [
      ['a.b', 'must not contain dots'],
      ['a'.repeat(64), 'must be no more than 63 bytes'],
      [
        'A',
        "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')",
      ],
    ],
  },
  {
    rule: names.qualifiedNameProblems,
    good: ['app', 'a.b/c', 'kubernetes.io/metadata.name', 'A_b'],
    bad: [
      ['/a', 'prefix part must be non-empty'],
      [
        'a/',
        'name part must be non-empty',
        "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')",
      ],
    ],
  },
  {
    rule: names.configKeyProblems,
    good: ['a.txt', '.hidden', 'A_B'],
    bad: [
      ['..', "must not be '..'"],
      ['..data', "must not start with '..'"],
    ],
  },
  {
    rule: names.portNameProblems,
    good: ['http', 'h-1'],
    bad: [
      ['1', 'must contain at least one letter (a-z)'],
      ['a--b', 'must not contain consecutive hyphens'],
      ['http-with-long-name', 'must be no more than 15 bytes'],
    ],
  },
  { rule: names.labelValueProblems, good: ['', 'a.b_c', '1'], bad: [] },
  {
    rule: names.envNameProblems,
    good: ['A', 'a b', '1'],
    bad: [['', 'environment variable name must be non-empty']],
  },
  { rule: names.pathSegmentProblems, good: ['system:node', 'a b'], bad: [['a/b', "may not contain '/'"]] },
];

for (const { rule, good, bad } of cases) {
  test(`names: ${rule.name} takes good names and says what is wrong with bad ones`, () => {
    assert.deepEqual(
      good.map((value) => rule(value)),
      good.map(() => []),
    );
    for (const [value, ...problems] of bad) {
      assert.deepEqual(rule(value), problems);
    }
  });
}
