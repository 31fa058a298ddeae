import { utf8Decode, utf8Encode } from '#base/bytes.ts';

/** What the store told a writer before it was killed. */
export interface AcknowledgedWrite {
  readonly revision: number;
  readonly key: string;
  /** Says which value was written; undefined for a deletion. */
  readonly tag: string | undefined;
}

export interface WriterNotes {
  readonly isReady: boolean;
  readonly writes: readonly AcknowledgedWrite[];
  /** The newest revision that compaction was reported done for; 0 when there was none. */
  readonly compacted: number;
}

/** Reads the notes of a writer that may have been killed in the middle of a line. */
export function readNotes(text: string): WriterNotes {
  const lines = text.split('\n').slice(0, -1);
  const writes: AcknowledgedWrite[] = [];
  let compacted = 0;
  for (const line of lines) {
    const [what, revision = '', key = '', tag] = line.split(' ');
    if (what === 'wrote') {
      writes.push({ revision: Number(revision), key, tag: tag === '-' ? undefined : tag });
    } else if (what === 'compacted') {
      compacted = Number(revision);
    }
  }
  return { isReady: lines[0] === 'ready', writes, compacted };
}

/** A value of about `size` bytes that says which one it is at both ends, so that a torn one shows. */
export function valueOf(tag: string, size: number): Uint8Array {
  return utf8Encode(`${tag}.${'x'.repeat(size)}.${tag}`);
}

/** The tag of a whole value; undefined for a torn one. */
export function tagOf(value: Uint8Array): string | undefined {
  const [head, , tail] = utf8Decode(value).split('.');
  return head === tail ? head : undefined;
}
