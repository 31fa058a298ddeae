import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { PatternError } from './pattern.ts';
import { Regex } from './regex.ts';

test('regex: finds the leftmost match in the preferred way', () => {
  const table: readonly (readonly [pattern: string, text: string, match: string | undefined])[] = [
    ['a', 'bab', 'a'],
    ['a+', 'baaab', 'aaa'],
    ['a+?', 'baaab', 'a'],
    ['^a', 'ba', undefined],
    ['b$', 'ab', 'b'],
    ['(?m)^b$', 'a\nb\nc', 'b'],
    ['a|ab', 'ab', 'a'],
    ['(ab|a)(bc)?', 'abc', 'ab'],
    ['x*', 'aaa', ''],
    ['[a-c]{2,3}', 'xabcab', 'abc'],
    ['[^a-c]+', 'abxyzc', 'xyz'],
    ['[]a]+', 'x]a]', ']a]'],
    ['[a-]+', 'b-a-', '-a-'],
    [String.raw`\d{3}-\d{4}`, 'call 555-1234', '555-1234'],
    [String.raw`\bfoo\b`, 'a foo.', 'foo'],
    [String.raw`\Q.*\E`, 'a.*b', '.*'],
    ['(?i)hello', 'HeLLo', 'HeLLo'],
    ['(?i:h)ello', 'HELLO', undefined],
    ['a.c', 'a\nc', undefined],
    ['(?s)a.c', 'a\nc', 'a\nc'],
    [String.raw`\p{Greek}+`, 'abγδ', 'γδ'],
    [String.raw`\p{Lu}\P{Lu}`, 'aBc', 'Bc'],
    ['[[:alpha:]]+', '12ab3', 'ab'],
    ['^.$', '🙂', '🙂'],
    ['a{,2}', 'a{,2}', 'a{,2}'],
    ['(?P<year>[0-9]{4})', 'in 2026', '2026'],
    [String.raw`\x41\x{1F642}`, 'A🙂', 'A🙂'],
    ['(a*)*b', 'aaab', 'aaab'],
  ];
  for (const [pattern, text, match] of table) {
    const found = Regex.compile(pattern).find(text);
    assert.equal(
      found === undefined ? undefined : text.slice(found.start, found.end),
      match,
      `${pattern} on ${text}`,
    );
  }
});

test('regex: refuses what it cannot match in linear time, and what makes no sense', () => {
  const table: readonly (readonly [string, string])[] = [
    ['(a', 'error parsing regexp: missing closing ): `(a`'],
    ['a)', 'error parsing regexp: unexpected ): `a)`'],
    ['[a', 'error parsing regexp: missing closing ]: `[a`'],
    ['*a', 'error parsing regexp: missing argument to repetition operator: `*`'],
    ['a**', 'error parsing regexp: invalid nested repetition operator: `**`'],
    ['(?=a)', 'error parsing regexp: invalid or unsupported Perl syntax: `(?=`'],
    [String.raw`(a)\1`, 'error parsing regexp: invalid escape sequence: `\\1`'],
    ['a{1001}', 'error parsing regexp: invalid repeat count: `{1001}`'],
    ['((a{100}){100})', 'error parsing regexp: invalid repeat count: `{100,100}`'],
    ['[z-a]', 'error parsing regexp: invalid character class range: `z-a`'],
  ];
  for (const [pattern, message] of table) {
    assert.throws(
      () => Regex.compile(pattern),
      (error) => error instanceof PatternError && error.message === message,
      pattern,
    );
  }
});

test('regex: patterns that make others backtrack for ever are answered at once', () => {
  const text = `${'a'.repeat(20_000)}!`;
  for (const pattern of [
    '^(a+)+$',
    '^(a|a)*$',
    '^(a|aa)+$',
    '(.*)*x$',
    'a?'.repeat(30) + 'a'.repeat(30) + '$',
  ]) {
    assert.equal(Regex.compile(pattern).test(text), false, pattern);
  }
});

test('regex: agrees with the language own engine where both know the syntax', () => {
  const atom = fc.constantFrom('a', 'b', '.', '[ab]', '[^a]', '(a|b)', '(?:ab)', String.raw`\w`);
  const quantifier = fc.constantFrom('', '*', '+', '?', '{1,2}', '*?', '+?');
  const pattern = fc
    .array(fc.tuple(atom, quantifier), { minLength: 1, maxLength: 5 })
    .map((parts) => parts.map(([a, q]) => a + q).join(''));
  const text = fc.stringMatching(/^[abc]{0,8}$/);
  fc.assert(
    fc.property(pattern, text, (source, subject) => {
      const found = Regex.compile(source).find(subject);
      const expected = new RegExp(source).exec(subject);
      assert.deepEqual(
        found === undefined ? undefined : [found.start, subject.slice(found.start, found.end)],
        expected === null ? undefined : [expected.index, expected[0]],
      );
    }),
    { numRuns: 300 },
  );
});
