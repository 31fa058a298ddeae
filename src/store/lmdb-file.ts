import { readSync } from 'node:fs';

/** Where LMDB's two meta pages keep what is read here: offsets from the start of the page, little-endian. */
const META = { magicAt: 24, pageSizeAt: 48, lastPageAt: 144, transactionAt: 152, bytes: 168 } as const;
const MAGIC = 0xbe_ef_c0_de;

/**
 * How far into its file LMDB has got, by the newer of its two meta pages; undefined when they are not
 * LMDB's. Reads a few hundred bytes from the page cache. Pages that a transaction took and gave back are counted, so the file may be a little shorter.
 */
export function usedBytes(file: number): number | undefined {
  const first = readMeta(file, 0);
  const second = first === undefined ? undefined : readMeta(file, first.pageSize);
  if (first === undefined || second === undefined) {
    return undefined;
  }
  const newer = first.transaction > second.transaction ? first : second;
  return (newer.lastPage + 1) * first.pageSize;
}

interface MetaPage {
  readonly pageSize: number;
  readonly lastPage: number;
  readonly transaction: number;
}

function readMeta(file: number, position: number): MetaPage | undefined {
  const bytes = Buffer.allocUnsafe(META.bytes);
  if (
    readSync(file, bytes, 0, META.bytes, position) < META.bytes ||
    bytes.readUInt32LE(META.magicAt) !== MAGIC
  ) {
    return undefined;
  }
  return {
    pageSize: bytes.readUInt32LE(META.pageSizeAt),
    lastPage: Number(bytes.readBigUInt64LE(META.lastPageAt)),
    transaction: Number(bytes.readBigUInt64LE(META.transactionAt)),
  };
}
