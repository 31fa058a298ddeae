import { dnsLabelProblems } from '../names.ts';
import type { DeviceRequest } from '../types/resource.v1.ts';
import { checkItems, checkUnique } from './device-rules.ts';
import type { Problems } from './problems.ts';

export const REQUESTS_MAX = 32;
const NO_SUCH_REQUEST =
  "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'";

/** All names by which a claim's requests can be meant: alone, and with an alternative. */
export function requestNames(requests: readonly DeviceRequest[] | null | undefined): ReadonlySet<string> {
  return new Set(
    (requests ?? []).flatMap(({ name, firstAvailable = [] }) => [
      name,
      ...firstAvailable.map((alternative) => `${name}/${alternative.name}`),
    ]),
  );
}

export function checkRequestName(problems: Problems, path: string, name: string): void {
  problems.names(path, name, dnsLabelProblems(name));
}

export function checkRequestRef(
  problems: Problems,
  path: string,
  name: string,
  names: ReadonlySet<string>,
): void {
  const segments = name.split('/');
  if (segments.length <= 2) {
    for (const segment of segments) {
      checkRequestName(problems, path, segment);
    }
  }
  if (!names.has(name)) {
    problems.invalid(path, name, NO_SUCH_REQUEST);
  }
}

export function checkRequestRefs(
  problems: Problems,
  path: string,
  refs: readonly string[] | undefined,
  names: ReadonlySet<string>,
): void {
  checkItems(problems, path, refs, REQUESTS_MAX, (name, at) => checkRequestRef(problems, at, name, names));
  checkUnique(problems, path, refs, { max: REQUESTS_MAX, keyOf: (name) => name });
}
