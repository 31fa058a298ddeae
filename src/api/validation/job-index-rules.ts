/** Lists of indexes such as `1,3-5,7`. */

/** What is wrong with a list of indexes below a number; undefined when nothing is. */
export function indexProblems(text: string, below: number): string | undefined {
  let last = -1;
  for (const interval of text === '' ? [] : text.split(',')) {
    const limits = interval.split('-');
    if (limits.length > 2) {
      return `the fragment ${JSON.stringify(interval)} violates the requirement that an index interval can have at most two parts separated by '-'`;
    }
    for (const limit of limits) {
      if (!/^\d+$/.test(limit)) {
        return `cannot convert string to integer for index: ${JSON.stringify(limit)}`;
      }
      const index = Number(limit);
      if (index >= below) {
        return `too large index: ${JSON.stringify(limit)}`;
      }
      if (index <= last) {
        return `non-increasing order, previous: ${last}, current: ${index}`;
      }
      last = index;
    }
  }
  return undefined;
}

/** The lowest index that stands in both lists. */
export function overlapOf(left: string, right: string): number | undefined {
  const others = intervalsOf(right);
  for (const [first, last] of intervalsOf(left)) {
    const other = others.find(([start, end]) => start <= last && end >= first);
    if (other !== undefined) {
      return Math.max(first, other[0]);
    }
  }
  return undefined;
}

function intervalsOf(text: string): readonly (readonly [first: number, last: number])[] {
  return (text === '' ? [] : text.split(',')).map((interval) => {
    const [first = '', last = first] = interval.split('-');
    return [Number(first), Number(last)];
  });
}
