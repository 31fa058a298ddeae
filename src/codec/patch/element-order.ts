import { isRecord } from '../own-property.ts';

/** The value of an item's merge key as text, or undefined when it has none. */
export function mergeKeyOf(item: unknown, name: string): string | undefined {
  return isRecord(item) && Object.hasOwn(item, name) ? JSON.stringify(item[name]) : undefined;
}

/**
 * Puts the items that `wanted` names in its order, leaves the others in the order of `server`, and
 * weaves the two together so that an item of the server stays before what it stood before.
 */
export function orderLike(
  items: readonly unknown[],
  wanted: readonly unknown[],
  server: readonly unknown[],
  mergeKey: string | undefined,
): readonly unknown[] {
  const identity = (item: unknown): string =>
    mergeKey === undefined ? JSON.stringify(item) : (mergeKeyOf(item, mergeKey) ?? JSON.stringify(item));
  const wantedIndex = new Map(wanted.map((item, index) => [identity(item), index]));
  const serverIndex = new Map(server.map((item, index) => [identity(item), index]));
  const rank = (ranks: ReadonlyMap<string, number>) => (left: unknown, right: unknown) =>
    (ranks.get(identity(left)) ?? ranks.size) - (ranks.get(identity(right)) ?? ranks.size);
  const patched = items.filter((item) => wantedIndex.has(identity(item))).sort(rank(wantedIndex));
  const kept = items.filter((item) => !wantedIndex.has(identity(item))).sort(rank(serverIndex));

  const woven: unknown[] = [];
  let next = 0;
  for (const item of patched) {
    const place = serverIndex.get(identity(item)) ?? -1;
    while (next < kept.length && (serverIndex.get(identity(kept[next])) ?? Infinity) < place) {
      woven.push(kept[next]);
      next += 1;
    }
    woven.push(item);
  }
  return [...woven, ...kept.slice(next)];
}
