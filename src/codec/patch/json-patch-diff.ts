import { jsonEqual } from '#base/json-equal.ts';
import { isRecord } from '../own-property.ts';

export type JsonPatchOperation =
  | { readonly op: 'add' | 'replace'; readonly path: string; readonly value: unknown }
  | { readonly op: 'remove'; readonly path: string };

/**
 * The JSON patch (RFC 6902) that turns one document into another. Objects are compared field by field, lists as
 * a whole; a field that is undefined is taken for one that is not there.
 */
export function jsonPatchDiff(before: unknown, after: unknown, path = ''): readonly JsonPatchOperation[] {
  if (jsonEqual(before, after)) {
    return [];
  }
  if (!isRecord(before) || !isRecord(after)) {
    return [{ op: 'replace', path, value: after }];
  }
  const removed = Object.keys(before).filter((key) => before[key] !== undefined && after[key] === undefined);
  return [
    ...removed.map((key) => ({ op: 'remove', path: `${path}/${escaped(key)}` }) as const),
    ...Object.entries(after).flatMap(([key, value]): readonly JsonPatchOperation[] => {
      const inner = `${path}/${escaped(key)}`;
      if (value === undefined) {
        return [];
      }
      return before[key] === undefined
        ? [{ op: 'add', path: inner, value }]
        : jsonPatchDiff(before[key], value, inner);
    }),
  ];
}

function escaped(key: string): string {
  return key.replaceAll('~', '~0').replaceAll('/', '~1');
}
