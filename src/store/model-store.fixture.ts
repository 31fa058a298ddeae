import type { CreateOutcome, DeleteOutcome, KeyValue, Revision, StoreEvent, UpdateOutcome } from './store.ts';

/** What a store has to do, in the most obvious and slowest way: every answer replays the whole log. */
export class ModelStore {
  readonly log: StoreEvent[] = [];
  compacted: Revision = 0;

  get revision(): Revision {
    return this.log.length + 1;
  }

  /** Every key that existed at `revision`, in key order. */
  stateAt(revision: Revision): KeyValue[] {
    const state = new Map<string, KeyValue>();
    for (const event of this.log) {
      if (event.revision <= revision) {
        if (event.type === 'put') {
          state.set(event.key, event.kv);
        } else {
          state.delete(event.key);
        }
      }
    }
    return [...state.values()].toSorted((left, right) =>
      Buffer.compare(Buffer.from(left.key), Buffer.from(right.key)),
    );
  }

  get(key: string, revision = this.revision): KeyValue | undefined {
    return this.stateAt(revision).find((kv) => kv.key === key);
  }

  list(prefix: string, after: string | undefined, limit: number, revision: Revision): [KeyValue[], number] {
    const found = this.stateAt(revision).filter(
      ({ key }) =>
        key.startsWith(prefix) &&
        (after === undefined || Buffer.compare(Buffer.from(key), Buffer.from(after)) > 0),
    );
    return [found.slice(0, limit), Math.max(found.length - limit, 0)];
  }

  create(key: string, value: Uint8Array): CreateOutcome {
    const current = this.get(key);
    return current === undefined
      ? { kind: 'created', revision: this.#put(key, value, undefined) }
      : { kind: 'exists', current };
  }

  update(key: string, value: Uint8Array, expected: Revision | undefined): UpdateOutcome {
    const current = this.get(key);
    if (current === undefined) {
      return { kind: 'missing' };
    }
    return expected !== undefined && current.modRevision !== expected
      ? { kind: 'conflict', current }
      : { kind: 'updated', revision: this.#put(key, value, current) };
  }

  delete(key: string, expected: Revision | undefined): DeleteOutcome {
    const current = this.get(key);
    if (current === undefined) {
      return { kind: 'missing' };
    }
    if (expected !== undefined && current.modRevision !== expected) {
      return { kind: 'conflict', current };
    }
    const revision = this.revision + 1;
    this.log.push({ type: 'delete', key, previous: current, revision });
    return { kind: 'deleted', revision, previous: current };
  }

  #put(key: string, value: Uint8Array, previous: KeyValue | undefined): Revision {
    const revision = this.revision + 1;
    const kv: KeyValue = {
      key,
      value,
      createRevision: previous?.createRevision ?? revision,
      modRevision: revision,
      version: (previous?.version ?? 0) + 1,
      lease: 0,
    };
    this.log.push({ type: 'put', key, kv, previous, revision });
    return revision;
  }
}
