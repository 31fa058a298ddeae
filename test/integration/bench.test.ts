import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { drops, type Recorded } from '../../bench/baseline.ts';

const ROOT = join(import.meta.dirname, '../..');

test('bench: the workloads of the API server and the scheduler run at a small size', () => {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [
      '--disable-warning=ExperimentalWarning',
      join(ROOT, 'bench/run.ts'),
      '--small',
      '--no-etcd',
      '--json',
      '--only',
      'requests,collections,scheduling',
    ],
    { cwd: ROOT, encoding: 'utf8', timeout: 120_000 },
  );
  assert.equal(status, 0, stderr);
  const rows = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Recorded);
  assert.equal(rows.length, 15);
  assert.deepEqual(
    rows.filter(({ median }) => !(median > 0)).map(({ name }) => name),
    [],
    'every row has a number',
  );
});

const row = (part: Partial<Recorded>): Recorded => ({
  name: 'gets',
  unit: '/s',
  median: 100,
  worst: 90,
  rounds: 5,
  ...part,
});

const CASES: readonly { what: string; now: Partial<Recorded>; before: Partial<Recorded>; worse: number }[] = [
  { what: 'a tenth slower is let through', now: { median: 90 }, before: {}, worse: 0 },
  { what: 'more is not', now: { median: 80 }, before: {}, worse: 1 },
  {
    what: 'milliseconds are better when fewer',
    now: { unit: 'ms', median: 50 },
    before: { unit: 'ms' },
    worse: 0,
  },
  {
    what: 'a slower machine has a slower etcd too',
    now: { median: 50, anchorRatio: 2 },
    before: { anchorRatio: 2 },
    worse: 0,
  },
  {
    what: 'a new row has nothing to be compared with',
    now: { name: 'new', median: 1 },
    before: {},
    worse: 0,
  },
];

for (const { what, now, before, worse } of CASES) {
  test(`bench: ${what}`, () => {
    assert.equal(drops([row(now)], `${JSON.stringify(row(before))}\n`).length, worse);
  });
}
