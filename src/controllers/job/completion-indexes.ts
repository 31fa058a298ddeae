/** `0-2,5`: the indexes in ascending order, runs joined. */
export function formatIndexes(indexes: ReadonlySet<number>): string {
  const runs: [first: number, last: number][] = [];
  for (const index of [...indexes].sort((left, right) => left - right)) {
    const run = runs.at(-1);
    if (run !== undefined && run[1] + 1 === index) {
      run[1] = index;
    } else {
      runs.push([index, index]);
    }
  }
  return runs
    .map(([first, last]) =>
      first === last ? `${first}` : last === first + 1 ? `${first},${last}` : `${first}-${last}`,
    )
    .join(',');
}

/** Reads {@link formatIndexes} back; indexes from `limit` on are left out. */
export function parseIndexes(text: string | undefined, limit: number): Set<number> {
  const indexes = new Set<number>();
  for (const part of (text ?? '').split(',').filter((run) => run !== '')) {
    const [first = 0, last = first] = part.split('-').map(Number);
    for (let index = first; index <= last && index < limit; index++) {
      indexes.add(index);
    }
  }
  return indexes;
}
