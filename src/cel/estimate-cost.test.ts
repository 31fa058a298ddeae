import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UNBOUNDED } from './cost-range.ts';
import { schemaVariable } from './environment.ts';
import { estimateCost } from './estimate-cost.ts';
import { evaluate } from './expression.fixture.ts';
import { PER_CALL_COST_MAX, kubernetesEnvironment } from './kubernetes-environment.ts';
import { compile } from './program.ts';
import type { Range } from './cost-range.ts';

const ENVIRONMENT = kubernetesEnvironment({ parse: () => ({ units: 1n, scale: 0 }) }).extend([
  schemaVariable('self', {
    kind: 'object',
    name: 'Widget',
    fields: {
      name: { schema: { kind: 'string', maxLength: 5 } },
      text: { schema: { kind: 'string' } },
      ports: { schema: { kind: 'list', items: { kind: 'int' }, maxItems: 10 } },
      names: { schema: { kind: 'list', items: { kind: 'string', maxLength: 5 }, maxItems: 10 } },
      flags: { schema: { kind: 'list', items: { kind: 'bool' } } },
      replicas: { schema: { kind: 'int' } },
    },
  }),
]);

function estimate(source: string): Range {
  const compiled = compile(source, ENVIRONMENT);
  assert.ok(compiled.ok, source);
  return estimateCost(compiled.program.checked, ENVIRONMENT);
}

/** Columns: source, least estimate, most estimate, cost of one evaluation where the source is closed. Literals are free to run. */
const COSTS: readonly (readonly [source: string, min: number, max: number, actual: number | undefined])[] = [
  ['[1, 2, 3, 4, 5].isSorted()', 15, 15, 5],
  ['[uint(1), uint(2), uint(3), uint(4), uint(5)].isSorted()', 20, 20, 5],
  ['[1, 2, 3, 4, 5].indexOf(3)', 15, 15, 5],
  ["'abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwx'.indexOf('123')", 5, 5, 5],
  ["url('https:://kubernetes.io/').getScheme()", 4, 4, 4],
  ["ip('192.168.0.1').family()", 3, 3, 3],
  ["ip.isCanonical('2001:db8:3333:4444:5555:6666:7777:8888')", 8, 8, 8],
  ["'abc'.matches('[a-z]+')", 2, 2, 2],
  ['1 + 2 == 3', 2, 2, 2],
  ["'b' in ['a', 'b']", 12, 12, 0],
  ['[1, 2].filter(x, x > 1).size() == 1', 29, 53, 20],
  ['int("5") + 1 == 6', 3, 3, 2],
  ['true || false', 0, 0, 0],
  ['self.replicas > 0', 3, 3, undefined],
  ['has(self.name)', 1, 1, undefined],
  ["self.name.startsWith('x')", 3, 3, undefined],
  ["self.name == 'abcdefghijklmnopqrstuvwxyz'", 3, 4, undefined],
  ['self.ports.all(x, x > 0)', 3, 53, undefined],
  ["self.names.all(x, x.contains('ab'))", 3, 63, undefined],
];

test('estimateCost: bounds what an expression can cost by its schema', () => {
  for (const [source, min, max, actual] of COSTS) {
    assert.deepEqual(estimate(source), { min, max }, source);
    if (actual !== undefined) {
      assert.equal(evaluate(source, ENVIRONMENT).cost, actual, source);
    }
  }
});

test('estimateCost: lists without a bound are as long as a request has room for', () => {
  assert.equal(estimate('self.flags.all(x, x)').max > 629_145 * 3, true);
  assert.equal(estimate('lists.range(self.replicas)').max, UNBOUNDED);
});

test('estimateCost: what runs never costs more than was estimated', () => {
  const self = {
    name: 'abcde',
    ports: [1, 2, 3],
    names: ['a', 'abcde'],
    flags: [true],
    replicas: 1,
    text: 'x',
  };
  for (const source of [
    'self.ports.map(x, x + 1).filter(x, x > 2).size() > 0',
    'self.names.exists(n, n.matches("a.*e"))',
    'self.names.join(",").split(",").size() == self.names.size()',
    'self.ports.all(p, self.names.exists(n, n.size() > p))',
    'cel.bind(n, self.names, n.all(x, x in n))',
    '{"a": self.name}.transformMap(k, v, v + k).size() == 1',
  ]) {
    const { cost } = evaluate(source, ENVIRONMENT, { self });
    const { max } = estimate(source);
    assert.ok(cost <= max, `${source}: ${cost} > ${max}`);
  }
});

test('evaluate: stops at its budget, and no operator absorbs that', () => {
  const numbers = Array.from({ length: 100_000 }, (_, index) => index);
  const compiled = compile('true || self.ports.all(x, self.ports.all(y, x + y >= 0)) || true', ENVIRONMENT);
  const nested = compile('self.ports.all(x, self.ports.all(y, x + y >= 0)) || true', ENVIRONMENT);
  const distinct = compile('self.ports.distinct().size() > 0', ENVIRONMENT);
  assert.ok(compiled.ok && nested.ok && distinct.ok);
  assert.equal(compiled.program.evaluate({ self: { ports: numbers } }, { costBudget: 10 }).ok, true);
  for (const { program } of [nested, distinct]) {
    const outcome = program.evaluate({ self: { ports: numbers } }, { costBudget: PER_CALL_COST_MAX });
    assert.ok(!outcome.ok && outcome.isOverBudget);
    assert.equal(outcome.error, 'operation cancelled: actual cost limit exceeded');
  }
});
