import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VirtualClock } from '#base/virtual-clock.ts';
import type { Probe } from '#api/types/core.v1.ts';
import { runProbeLoop, type ProbeLoopOptions } from './probe-loop.ts';

interface Run {
  /** Seconds since the start, of each attempt. */
  readonly attempts: readonly number[];
  /** `+3` became good at 3 s, `-8` bad at 8 s. */
  readonly verdicts: readonly string[];
  readonly bad: number;
}

/** @param outcomes one letter per attempt: `S`uccess, `F`ailure, `E`rror; the last one goes on for ever */
async function play(
  outcomes: string,
  options: Partial<ProbeLoopOptions> & { readonly probe: Probe },
  seconds: number,
): Promise<Run> {
  const clock = new VirtualClock();
  const attempts: number[] = [];
  const verdicts: string[] = [];
  let bad = 0;
  const closing = new AbortController();
  const second = (): number => clock.monotonicMs() / 1000;
  const loop = runProbeLoop(
    {
      clock,
      carryOut: async () => {
        const letter = outcomes[Math.min(attempts.length, outcomes.length - 1)];
        attempts.push(second());
        return { result: letter === 'S' ? 'success' : letter === 'F' ? 'failure' : 'error', output: '' };
      },
      onBadOutcome: () => {
        bad += 1;
      },
      onVerdict: (isGood) => {
        verdicts.push(`${isGood ? '+' : '-'}${second()}`);
        return true;
      },
    },
    { startedAtMs: clock.nowMs(), initialVerdict: false, ...options },
    closing.signal,
  );
  await clock.advance(seconds * 1000);
  closing.abort();
  await loop.catch((error: unknown) => assert.ok(error instanceof DOMException));
  return { attempts, verdicts, bad };
}

test('probe loop: attempts come every period from the initial delay on', async () => {
  const probe = { initialDelaySeconds: 3, periodSeconds: 5 };
  assert.deepEqual((await play('S', { probe }, 14)).attempts, [3, 8, 13]);
});

test('probe loop: the verdict turns after as many equal outcomes as the thresholds say', async () => {
  const probe = { periodSeconds: 1, failureThreshold: 3, successThreshold: 2 };
  assert.deepEqual((await play('SSFFSFFFS', { probe }, 10)).verdicts, ['+1', '-7', '+9']);
});

test('probe loop: what could not be carried out is tried three times at once, and then counts as failed', async () => {
  const probe = { periodSeconds: 10, failureThreshold: 1 };
  const { attempts, verdicts, bad } = await play('EEESS', { probe, initialVerdict: true }, 12);
  assert.deepEqual(attempts, [0, 0, 0, 10]);
  assert.deepEqual(verdicts, ['-0', '+10']);
  assert.equal(bad, 1);
});

test('probe loop: an eager one asks sooner until its first success, and complains no more often', async () => {
  const probe = { periodSeconds: 1 };
  const { attempts, verdicts, bad } = await play('FFFSFS', { probe, isEager: true }, 3);
  assert.deepEqual(attempts, [0, 0.1, 0.3, 0.7, 1.7, 2.7]);
  assert.deepEqual(verdicts, ['+0.7']);
  assert.equal(bad, 2);
});
