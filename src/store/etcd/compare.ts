import { rangeOfWire } from './etcd-entries.ts';
import { COMPARE_RESULT, COMPARE_TARGET } from './messages.ts';
import { invalid } from './server-status.ts';
import type { KeyValue } from '../store.ts';
import type { StoreTransaction } from '../transactional-store.ts';
import type { Compare } from './messages.ts';

/** Whether a condition of a transaction holds, for every key of its range if it has one. */
export function holds(condition: Compare, txn: StoreTransaction): boolean {
  if (condition.key.length === 0) {
    throw invalid('key is not provided');
  }
  const range = rangeOfWire(condition.key, condition.rangeEnd);
  if (condition.rangeEnd.length === 0) {
    return holdsFor(condition, txn.get(range.from));
  }
  const entries = txn.range(range);
  return entries.length === 0
    ? holdsFor(condition, undefined)
    : entries.every((entry) => holdsFor(condition, entry));
}

/** A key that is not there has version and revisions 0, and no value to compare with. */
function holdsFor(condition: Compare, entry: KeyValue | undefined): boolean {
  if (entry === undefined && condition.target === COMPARE_TARGET.VALUE) {
    return false;
  }
  const order = orderOf(condition, entry);
  switch (condition.result) {
    case COMPARE_RESULT.EQUAL:
      return order === 0;
    case COMPARE_RESULT.GREATER:
      return order > 0;
    case COMPARE_RESULT.LESS:
      return order < 0;
    case COMPARE_RESULT.NOT_EQUAL:
      return order !== 0;
    default:
      throw invalid(`unknown comparison ${condition.result}`);
  }
}

function orderOf(condition: Compare, entry: KeyValue | undefined): number {
  switch (condition.target) {
    case COMPARE_TARGET.VERSION:
      return (entry?.version ?? 0) - condition.version;
    case COMPARE_TARGET.CREATE:
      return (entry?.createRevision ?? 0) - condition.createRevision;
    case COMPARE_TARGET.MOD:
      return (entry?.modRevision ?? 0) - condition.modRevision;
    case COMPARE_TARGET.LEASE:
      return (entry?.lease ?? 0) - condition.lease;
    case COMPARE_TARGET.VALUE:
      return entry === undefined ? 0 : Buffer.compare(entry.value, condition.value);
    default:
      throw invalid(`unknown comparison target ${condition.target}`);
  }
}
