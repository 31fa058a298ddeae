import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseJsonPath } from './json-path.ts';
import { compilePattern } from './pattern.ts';
import { compareVersions } from './version-order.ts';

test('parseJsonPath: finds what printer columns name', () => {
  const object = {
    spec: {
      replicas: 2,
      'a.b': 1,
      ports: [
        { n: 'x', p: 1 },
        { n: 'y', p: 2 },
      ],
    },
    metadata: { labels: { 'app.kubernetes.io/name': 'web' } },
  };
  const cases: readonly [path: string, ...found: unknown[]][] = [
    ['.spec.replicas', 2],
    ['.spec.ports[0].n', 'x'],
    ['.spec.ports[-1].n', 'y'],
    ['.spec.ports[*].p', 1, 2],
    ['.spec.ports[?(@.n=="y")].p', 2],
    ['.spec.ports[?(@.p>1)].n', 'y'],
    [String.raw`.metadata.labels.app\.kubernetes\.io/name`, 'web'],
    ["['spec'].replicas", 2],
    ['.spec.none.deep'],
  ];
  for (const [path, ...found] of cases) {
    const parsed = parseJsonPath(path);
    assert('find' in parsed, path);
    assert.deepEqual(parsed.find(object), found, path);
  }
  assert('problem' in parseJsonPath('.spec['));
});

test('compilePattern: takes what RE2 takes', () => {
  const cases: readonly [pattern: string, text: string, matches: boolean][] = [
    ['^[a-z0-9]([-a-z0-9]*[a-z0-9])?$', 'web-1', true],
    ['(?i)^abc$', 'ABC', true],
    ['^[[:alpha:]]+$', 'abc', true],
    ['^(?P<n>a)$', 'a', true],
    [String.raw`^\d+\-\d+\z`, '1-2', true],
    ['^a{2}$', 'aa', true],
    ['^{a}$', '{a}', true],
    ['^[]a]$', ']', true],
    ['^(?i)(abort|warn)?$', 'WARN', true],
  ];
  for (const [pattern, text, matches] of cases) {
    assert.equal(compilePattern(pattern).matches(text), matches, pattern);
  }
});

test('compilePattern: a pattern that repeats repetitions costs no more than any other', () => {
  assert.equal(compilePattern('^(a+)+$').matches(`${'a'.repeat(5000)}b`), false);
});

test('compareVersions: stable before beta before alpha, others last', () => {
  const given = ['foo', 'v1alpha1', 'v2', 'v1beta2', 'v10', 'v1', 'bar', 'v1beta1'];
  assert.deepEqual(given.toSorted(compareVersions), [
    'v10',
    'v2',
    'v1',
    'v1beta2',
    'v1beta1',
    'v1alpha1',
    'bar',
    'foo',
  ]);
});
