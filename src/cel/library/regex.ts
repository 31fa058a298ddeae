import { declare, method } from '../declarations.ts';
import type { Library } from '../declarations.ts';
import { PatternError } from '../regex/pattern.ts';
import { Regex } from '../regex/regex.ts';
import { EvaluationError, ListValue } from '../value.ts';
import type { Value } from '../value.ts';

/** Compiled patterns kept at hand; expressions mostly use constant ones. */
const CACHE_MAX = 256;

const CACHE = new Map<string, Regex>();

/** A compiled pattern, from the cache when it was used of late. */
function regexOf(pattern: string): Regex | PatternError {
  const known = CACHE.get(pattern);
  if (known !== undefined) {
    return known;
  }
  try {
    const regex = Regex.compile(pattern);
    if (CACHE.size >= CACHE_MAX) {
      // The first key is the oldest.
      CACHE.delete(CACHE.keys().next().value ?? '');
    }
    CACHE.set(pattern, regex);
    return regex;
  } catch (error) {
    if (error instanceof PatternError) {
      return error;
    }
    throw error;
  }
}

function matches(text: string, pattern: string): Value {
  const regex = regexOf(pattern);
  return regex instanceof PatternError ? new EvaluationError(regex.message) : regex.test(text);
}

function find(text: string, pattern: string): Value {
  const regex = regexOf(pattern);
  if (regex instanceof PatternError) {
    return new EvaluationError(`Illegal regex: ${regex.message}`);
  }
  const found = regex.find(text);
  return found === undefined ? '' : text.slice(found.start, found.end);
}

/** `limit` below zero is none. An empty match right after another is no match of its own. */
function findAll(text: string, pattern: string, limit: number | bigint = -1): Value {
  const regex = regexOf(pattern);
  if (regex instanceof PatternError) {
    return new EvaluationError(`Illegal regex: ${regex.message}`);
  }
  const found: string[] = [];
  const countMax = limit < 0 ? Infinity : Number(limit);
  let previousEnd = -1;
  for (let at = 0; at <= text.length && found.length < countMax;) {
    const match = regex.find(text, at);
    if (match === undefined) {
      break;
    }
    if (match.start < match.end || match.start !== previousEnd) {
      found.push(text.slice(match.start, match.end));
    }
    previousEnd = match.end;
    const next = text.codePointAt(match.end) ?? 0;
    at = match.end > match.start ? match.end : match.end + (next > 0xffff ? 2 : 1);
  }
  return ListValue.of(found);
}

/** `matches` of the standard library. */
export const MATCHES: Library = {
  overloads: [
    declare('matches', 'matches(string, string): bool', matches),
    method('matches_string', 'matches(string, string): bool', matches),
  ],
};

/** `find` and `findAll`, which Kubernetes adds. */
export const REGEX: Library = {
  overloads: [
    method('string_find_string', 'find(string, string): string', find),
    method('string_find_all_string', 'findAll(string, string): list(string)', findAll),
    method('string_find_all_string_int', 'findAll(string, string, int): list(string)', findAll),
  ],
};
