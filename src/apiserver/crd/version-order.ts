const VERSION = /^v(\d+)(?:(alpha|beta)(\d+))?$/;

/** Which of two versions clients prefer: stable before beta before alpha, high numbers first, other names last. */
export function compareVersions(left: string, right: string): number {
  const [one, two] = [rank(left), rank(right)];
  if (one === undefined || two === undefined) {
    return one === two ? (left < right ? -1 : left > right ? 1 : 0) : one === undefined ? 1 : -1;
  }
  return two.stability - one.stability || two.major - one.major || two.minor - one.minor;
}

function rank(version: string): { stability: number; major: number; minor: number } | undefined {
  const match = VERSION.exec(version);
  if (match === null) {
    return undefined;
  }
  const stability = match[2] === 'alpha' ? 0 : match[2] === 'beta' ? 1 : 2;
  return { stability, major: Number(match[1]), minor: Number(match[3] ?? 0) };
}
