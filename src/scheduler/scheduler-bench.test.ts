import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SystemClock } from '#base/clock.ts';
import { measure, measureWhole, WORKLOADS } from './scheduler.bench.ts';

const SMALL = { nodes: 20, pods: 40 };

for (const workload of WORKLOADS) {
  test(`scheduler bench: ${workload.name} places every pod`, async () => {
    assert.equal(measure(workload, SMALL, new SystemClock()).placed, SMALL.pods);
    assert.equal((await measureWhole(workload, SMALL, new SystemClock())).placed, SMALL.pods);
  });
}
