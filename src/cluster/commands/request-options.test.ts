import assert from 'node:assert/strict';
import { test } from 'node:test';
import { API_SERVER_FLAGS } from './api-server-flags.ts';
import { chooseAudit, chooseAuditByFlags } from './audit-options.ts';
import { UsageError } from './command-line.ts';
import { GoFlags } from './go-flags.ts';
import { chooseLimits, chooseLimitsByFlags } from './limit-options.ts';

test('limits: upstream’s defaults, and what is given in their place', () => {
  assert.deepEqual(chooseLimits({}), {
    priorityAndFairness: true,
    inFlight: { reading: 400, mutating: 200 },
  });
  const flags = new GoFlags(
    ['--enable-priority-and-fairness=false', '--max-requests-inflight=0', '--request-timeout', '1m30s'],
    API_SERVER_FLAGS,
  );
  assert.deepEqual(chooseLimitsByFlags(flags), {
    priorityAndFairness: false,
    inFlight: { reading: 0, mutating: 200 },
    requestTimeoutMs: 90_000,
  });
});

const WRONG: readonly [options: Parameters<typeof chooseLimits>[0], message: RegExp][] = [
  [{ 'max-requests-inflight': '-1' }, /--max-requests-inflight takes a whole number, not "-1"/],
  [{ 'enable-priority-and-fairness': 'maybe' }, /takes true or false, not "maybe"/],
  [{ 'request-timeout': 'soon' }, /--request-timeout takes a duration as 1m30s, not "soon"/],
  [{ 'max-requests-inflight': '0', 'max-mutating-requests-inflight': '0' }, /must be more than 0/],
];

test('limits: what cannot be is refused', () => {
  for (const [options, message] of WRONG) {
    assert.throws(() => chooseLimits(options), { name: UsageError.name, message });
  }
});

test('audit: nothing by default, upstream’s defaults for what is chosen', () => {
  assert.deepEqual(chooseAudit({}), { policyFile: undefined, log: undefined, webhook: undefined });
  const flags = new GoFlags(
    [
      '--audit-policy-file=/p',
      '--audit-log-path=-',
      '--audit-webhook-config-file=/w',
      '--audit-webhook-batch-max-wait=5s',
    ],
    API_SERVER_FLAGS,
  );
  assert.deepEqual(chooseAuditByFlags(flags), {
    policyFile: '/p',
    log: { path: '-', ageDaysMax: 366, backupsMax: 100, sizeMegabytesMax: 100 },
    webhook: { configFile: '/w', batches: { waitMs: 5_000 } },
  });
  assert.throws(() => chooseAudit({ 'audit-log-path': '-', 'audit-log-maxage': 'old' }), UsageError);
});
