import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Environment } from '../environment.ts';
import type { Variable } from '../environment.ts';
import { show } from '../expression.fixture.ts';
import type { Json } from '../json-of-value.ts';
import { kubernetesEnvironment } from '../kubernetes-environment.ts';
import { AUTHORIZER_TYPE, authorizerValue } from './authorizer.ts';
import { JSON_PATCH } from './format.ts';

/** Enough of a quantity's text for these tables. */
const SUFFIXES: Readonly<Record<string, bigint>> = {
  '': 1n,
  k: 1000n,
  M: 10n ** 6n,
  G: 10n ** 9n,
  Mi: 2n ** 20n,
};

const BASE = kubernetesEnvironment({
  parse(text) {
    const match = /^(-?\d+)(\.\d+)?(k|M|G|Mi)?$/.exec(text);
    if (match === null) {
      return { error: 'quantities must match the regular expression' };
    }
    const fraction = match[2]?.slice(1) ?? '';
    const scale = SUFFIXES[match[3] ?? ''] ?? 1n;
    return { units: BigInt(`${match[1] ?? ''}${fraction}`) * scale, scale: fraction.length };
  },
});

type Table = readonly (readonly [source: string, value: Json])[];

function check(
  table: Table,
  environment: Environment = BASE,
  activation: Readonly<Record<string, unknown>> = {},
): void {
  for (const [source, value] of table) {
    assert.deepEqual(show(source, environment, activation), value, source);
  }
}

test('strings: positions are those of characters', () => {
  check([
    ["'tacocat'.charAt(3)", 'o'],
    ["'tacocat'.charAt(7)", ''],
    ["'tacocat'.charAt(30)", 'error: index out of range: 30'],
    ["'©αT'.indexOf('T')", 2],
    ["'ta©o©αT'.lastIndexOf('©', 3)", 2],
    ["'tacocat'.indexOf('none')", -1],
    ["'🙂tacocat'.substring(1, 3)", 'ta'],
    ["'tacocat'.substring(5, 2)", 'error: invalid substring range. start: 5, end: 2'],
    ["'hello hello'.replace('he', 'we', 1)", 'wello hello'],
    ["'hello'.replace('', '_')", '_h_e_l_l_o_'],
    ["'a,b,c'.split(',', 2)", ['a', 'b,c']],
    ["'a,b'.split(',', 0)", []],
    ["['x', 'y'].join('-')", 'x-y'],
    ["'  \\t trim\\n '.trim()", 'trim'],
    ["'TacoCät'.lowerAscii() + 'tacoCät'.upperAscii()", 'tacocätTACOCäT'],
    [String.raw`strings.quote("a\"b\n")`, String.raw`"a\"b\n"`],
  ]);
});

test('strings: format fills in its clauses', () => {
  check([
    ["'%s has %d of %.2f at %e'.format([dyn('x'), 5, 2.0, 1500.0])", 'x has 5 of 2.00 at 1.500000×10⁰³'],
    ["'%s %d'.format(['x', 5])", 'x 5'],
    ["'%b %o %x %X %%'.format([dyn(5), 8, 'hi', 255])", '101 10 6869 FF %'],
    ["'%s %s'.format([dyn({'b': 2, 'a': 1}), null])", '{a: 1, b: 2} null'],
    ["'%s %s'.format([dyn(duration('1h')), type(1)])", '3600s int'],
    ["'%d'.format([])", 'error: index 0 out of range'],
    ["'%'.format([1])", 'error: unexpected end of string'],
    [
      "'%d'.format(['x'])",
      'error: error during formatting: decimal clause can only be used on integers, was given string',
    ],
  ]);
});

test('regex: find and matches', () => {
  check([
    ["'abc 123'.find('[0-9]+')", '123'],
    ["'123 abc 456'.findAll('[0-9]+')", ['123', '456']],
    ["'123 abc 456'.findAll('[0-9]+', 1)", ['123']],
    ["'abc'.matches('^[a-c]+$') && matches('x', '.')", true],
    ["'abc'.find('(' + '')", 'error: Illegal regex: error parsing regexp: missing closing ): `(`'],
  ]);
});

test('lists and sets: look at all elements', () => {
  check([
    ['[1, 2, 2].isSorted() && !["b", "a"].isSorted()', true],
    ['[1, 3].sum() + [1, 3].max() + [1, 3].min()', 8],
    ['[duration("1m"), duration("1s")].sum() == duration("61s")', true],
    ['[1].filter(x, false).max()', 'error: max called on empty list'],
    ['["a", "b", "a"].indexOf("a") + ["a", "b", "a"].lastIndexOf("a")', 2],
    ['[1, 2].includes(2)', true],
    ['[1, 2, 3].slice(1, 3) + [[4]].flatten()', [2, 3, 4]],
    ['[3, 1, 2].sort() == lists.range(4).slice(1, 4)', true],
    ['["bb", "a"].sortBy(x, x.size())', ['a', 'bb']],
    ['[1, 1, 2].distinct().reverse()', [2, 1]],
    ['sets.contains([1, 2], [2]) && sets.equivalent([1, 2, 2], [2, 1]) && !sets.intersects([1], [2])', true],
  ]);
});

test('time: parts of a timestamp in a zone', () => {
  check([
    ["timestamp('2026-03-01T23:30:00.5Z').getDayOfYear()", 59],
    ["timestamp('2026-03-01T23:30:00.5Z').getMilliseconds()", 500],
    ["timestamp('2026-03-01T23:30:00Z').getDate('Europe/Berlin')", 2],
    ["timestamp('2026-03-01T23:30:00Z').getHours('-02:30')", 21],
    ["timestamp('2026-03-01T23:30:00Z').getHours('Nowhere')", 'error: unknown time zone Nowhere'],
  ]);
});

test('kubernetes types: parse, compare and tell their parts', () => {
  check([
    ["quantity('1.5k').add(quantity('500')) == quantity('2k')", true],
    ["quantity('50Mi').compareTo(quantity('50M'))", 1],
    ["quantity('50k').sub(20000).asInteger() + sign(quantity('-1'))", 29999],
    ["quantity('0.5').isInteger() || isQuantity('x')", false],
    ["quantity('x')", 'error: quantities must match the regular expression'],
    [
      "semver('1.2.3').isLessThan(semver('1.10.0')) && semver('1.0.0-rc.1').isLessThan(semver('1.0.0'))",
      true,
    ],
    ["semver('v1.02', true).minor()", 2],
    ["isSemver('1.2') || isSemver('01.2.3')", false],
    ["url('https://user@Example.com:80/a b?x=1&x=2').getHost()", 'Example.com:80'],
    ["url('https://example.com:80/path?x=1&x=2').getQuery()", { x: ['1', '2'] }],
    ["url('https://[::1]:80/').getHostname() + url('https://a:80/').getPort()", '::180'],
    ["isURL('../rel') || isURL('http://a:port/')", false],
    ["ip('10.0.0.1').family() == 4 && ip('::1').isLoopback() && ip('8.8.8.8').isGlobalUnicast()", true],
    ["ip.isCanonical('2001:DB8::1')", false],
    ["isIP('::ffff:1.2.3.4') || isIP('fe80::1%eth0') || isIP('1.2.3')", false],
    [
      "cidr('10.0.0.7/8').masked() == cidr('10.0.0.0/8') && string(cidr('10.0.0.7/8').ip()) == '10.0.0.7'",
      true,
    ],
    ["cidr('10.0.0.0/8').containsIP('10.9.9.9') && cidr('10.0.0.0/8').containsCIDR('10.1.0.0/16')", true],
    ["format.dns1123Label().validate('a-b').hasValue()", false],
    ["format.named('uuid').value().validate('nope').value()", ['does not match the UUID format']],
    ["format.named('nope').hasValue()", false],
    ['type(ip("1.2.3.4")) == net.IP', true],
  ]);
});

test('jsonpatch: escapes keys', () => {
  check([["jsonpatch.escapeKey('a/b~c')", 'a~1b~0c']], Environment.of([JSON_PATCH]));
});

test('authorizer: asks the port what was built up', () => {
  const variable: Variable = { name: 'authorizer', type: AUTHORIZER_TYPE };
  const environment = BASE.extend([variable]);
  const asked: unknown[] = [];
  const authorizer = authorizerValue((question) => {
    asked.push([
      question.serviceAccount?.name,
      question.group,
      question.resource,
      question.namespace,
      question.verb,
      question.path,
    ]);
    return { isAllowed: question.verb === 'get', reason: 'because', error: undefined };
  });
  check(
    [
      [
        "authorizer.serviceAccount('ns', 'sa').group('apps').resource('deployments').namespace('x').check('get').allowed()",
        true,
      ],
      ["authorizer.path('/healthz').check('post').reason()", 'because'],
      ["authorizer.path('').check('get').allowed()", 'error: path must not be empty'],
    ],
    environment,
    { authorizer },
  );
  assert.deepEqual(asked, [
    ['sa', 'apps', 'deployments', 'x', 'get', undefined],
    [undefined, '', '', '', 'post', '/healthz'],
  ]);
});
