/**
 * `next` with every part that says the same as the part in that place of `live` replaced by it. What did not change is
 * then the same object: later comparisons end at once, and two revisions share memory. Neither argument is modified.
 */
export function shareEqual<T>(next: T, live: unknown): T;
export function shareEqual(next: unknown, live: unknown): unknown {
  if (
    next === live ||
    typeof next !== 'object' ||
    next === null ||
    typeof live !== 'object' ||
    live === null
  ) {
    return next;
  }
  if (Array.isArray(next)) {
    return Array.isArray(live) ? shareItems(next, live) : next;
  }
  return Array.isArray(live) ? next : shareEntries(next as Entries, live as Entries);
}

type Entries = Readonly<Record<string, unknown>>;

function shareItems(next: readonly unknown[], live: readonly unknown[]): readonly unknown[] {
  let shared: unknown[] | undefined;
  let isSame = next.length === live.length;
  for (const [index, item] of next.entries()) {
    const part = shareEqual(item, live[index]);
    if (part !== item) {
      shared ??= [...next];
      shared[index] = part;
    }
    isSame &&= part === live[index];
  }
  return isSame ? live : (shared ?? next);
}

function shareEntries(next: Entries, live: Entries): Entries {
  let shared: Record<string, unknown> | undefined;
  let isSame = true;
  let count = 0;
  for (const key in next) {
    const value = next[key];
    if (value === undefined) {
      continue;
    }
    count += 1;
    const old = Object.hasOwn(live, key) ? live[key] : undefined;
    const part = shareEqual(value, old);
    // Assigning to this name would change the prototype instead.
    if (part !== value && key !== '__proto__') {
      shared ??= { ...next };
      shared[key] = part;
    }
    isSame &&= part === old && key !== '__proto__';
  }
  return isSame && count === definedCount(live) ? live : (shared ?? next);
}

function definedCount(entries: Entries): number {
  let count = 0;
  for (const key in entries) {
    if (entries[key] !== undefined) {
      count += 1;
    }
  }
  return count;
}
