import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Job } from '../types/batch.v1.ts';
import { checkJobStatus } from './job-status-rules.ts';
import { Problems } from './problems.ts';

const EARLIER = '2026-01-01T00:00:00Z';
const LATER = '2026-01-01T00:01:00Z';

interface Case {
  readonly name: string;
  readonly before?: string;
  readonly next?: string;
  readonly suspend?: boolean;
  /** Of the condition Suspended, before and after. */
  readonly suspended?: readonly [string, string];
  readonly isRefused?: boolean;
}

const CASES: readonly Case[] = [
  { name: 'may be set', next: EARLIER },
  { name: 'may not change', before: EARLIER, next: LATER, isRefused: true },
  { name: 'may not be taken away', before: EARLIER, isRefused: true },
  { name: 'may be taken away from one that is suspended', before: EARLIER, suspend: true },
  { name: 'may change when it goes on', before: EARLIER, next: LATER, suspended: ['True', 'False'] },
  {
    name: 'may not change once it went on',
    before: EARLIER,
    next: LATER,
    suspended: ['False', 'False'],
    isRefused: true,
  },
];

for (const { name, before, next, suspend = false, suspended, isRefused = false } of CASES) {
  test(`jobs: the start ${name}`, () => {
    const jobWith = (startTime: string | undefined, status: string | undefined): Job =>
      ({
        spec: { suspend },
        status: {
          ...(startTime === undefined ? {} : { startTime }),
          conditions: status === undefined ? [] : [{ type: 'Suspended', status }],
        },
      }) as unknown as Job;
    const problems = new Problems();
    checkJobStatus(problems, jobWith(next, suspended?.[1]), jobWith(before, suspended?.[0]));
    assert.deepEqual(
      problems.found.map(({ path, reason, detail }) => [path, reason, detail]),
      isRefused
        ? [['status.startTime', 'FieldValueInvalid', 'field is immutable for unsuspended job once set']]
        : [],
    );
  });
}
