import assert from 'node:assert/strict';
import { test } from 'node:test';
import { coversToleration, mergeTolerations } from './merge-tolerations.ts';

test('tolerations: of two that say the same only the wider one is kept', () => {
  const all = { operator: 'Exists' } as const;
  const any = { key: 'a', operator: 'Exists' } as const;
  const one = { key: 'a', operator: 'Equal', value: '1', effect: 'NoSchedule' } as const;
  const other = { key: 'b', operator: 'Equal', value: '1' } as const;
  assert.deepEqual(mergeTolerations([one, other], [any, other]), [other, any]);
  assert.deepEqual(mergeTolerations([one], [all]), [all]);
  assert.deepEqual(mergeTolerations([one], []), [one]);
});

test('tolerations: a limited time covers shorter ones only', () => {
  const forSeconds = (tolerationSeconds?: number) => ({
    key: 'a',
    operator: 'Exists' as const,
    effect: 'NoExecute' as const,
    ...(tolerationSeconds === undefined ? {} : { tolerationSeconds }),
  });
  assert.deepEqual(
    [
      coversToleration(forSeconds(10), forSeconds(5)),
      coversToleration(forSeconds(10), forSeconds(20)),
      coversToleration(forSeconds(10), forSeconds()),
      coversToleration(forSeconds(), forSeconds(20)),
    ],
    [true, false, false, true],
  );
});
