import type { Overload } from './declarations.ts';
import { ListValue, MapValue, OptionalValue, SizedValue, StructValue } from './value.ts';
import type { Value } from './value.ts';

/** What a call costs once its arguments are known; most cost the same whatever they are. */
export type CallCost = number | ((args: readonly Value[], result: Value) => number);

/** Cost of walking over one character. */
export const TRAVERSAL_FACTOR = 0.1;
/** Cost of one character of a pattern, for each unit that walking over the text costs. */
export const REGEX_FACTOR = 0.25;
/** An authorization check; two of them are about what one expression may do. */
export const CHECK_COST = 350_000;

/** `size()` of a value; 1 for those without a size. */
export function actualSize(value: Value | undefined): number {
  if (typeof value === 'string') {
    return codePointLength(value);
  }
  if (value instanceof Uint8Array) {
    return value.length;
  }
  if (value instanceof ListValue || value instanceof MapValue || value instanceof SizedValue) {
    return value.size;
  }
  return value instanceof OptionalValue && value.value !== undefined ? actualSize(value.value) : 1;
}

export function codePointLength(text: string): number {
  let length = text.length;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    if (unit >= 0xd800 && unit <= 0xdbff && index + 1 < text.length) {
      length--;
      index++;
    }
  }
  return length;
}

export function traversal(size: number, factor = TRAVERSAL_FACTOR): number {
  return Math.ceil(size * factor);
}

function traverseFirst(factor = TRAVERSAL_FACTOR): CallCost {
  return ([first]) => traversal(actualSize(first), factor);
}

function matching(text: number, pattern: number): number {
  return traversal(1 + text) * traversal(pattern, REGEX_FACTOR);
}

const MATCHES: CallCost = ([text, pattern]) => matching(actualSize(text), actualSize(pattern));

const SMALLER: CallCost = ([left, right]) => traversal(Math.min(actualSize(left), actualSize(right)));

/** What comparing every element, down to the characters, comes to. */
function deepTraversal(value: Value | undefined): number {
  if (typeof value === 'string') {
    return Math.floor(Buffer.byteLength(value) * TRAVERSAL_FACTOR);
  }
  if (value instanceof Uint8Array) {
    return Math.floor(value.length * TRAVERSAL_FACTOR);
  }
  if (value instanceof ListValue) {
    return value.toArray().reduce<number>((sum, element) => sum + deepTraversal(element), 0);
  }
  if (value instanceof MapValue) {
    return value
      .keys()
      .reduce<number>((sum, key) => sum + deepTraversal(key) + deepTraversal(value.get(key)), 0);
  }
  if (value instanceof StructValue) {
    return value.fieldNames
      .filter((name) => value.has(name))
      .reduce((sum, name) => sum + deepTraversal(name) + deepTraversal(value.get(name)), 0);
  }
  return 1;
}

const DEEP: CallCost = ([list]) => deepTraversal(list);

/** A selector of a string: reading it, and a struct and a list for each requirement, which has two characters or more. */
function selectorCost(length: number): number {
  return 10 + traversal(length) + Math.ceil(Math.ceil(length * 0.5) * 50);
}

const SELECTOR: CallCost = ([, selector]) => selectorCost(actualSize(selector));

function containsAddress(isRange: boolean, isText: boolean): CallCost {
  return ([cidr, other]) => {
    const bytes = actualSize(cidr);
    const compared = traversal(bytes * 2) + (isRange ? traversal(bytes) + 1 : 0);
    return compared + (isText ? traversal(actualSize(other)) : 0);
  };
}

const LIST_COST = 10;

/** A list made of `size` elements, some of which are looked at several times. */
function makingList(size: number, factor: number): number {
  return 1 + LIST_COST + Math.floor(size * factor);
}

const RESULT_LIST: CallCost = (_args, result) => makingList(actualSize(result), 1);

/** Every element against every other, and their characters. */
function selfComparing(list: Value | undefined): number {
  const size = actualSize(list);
  const first = list instanceof ListValue && size > 0 ? list.at(0) : null;
  const isText = typeof first === 'string' || first instanceof Uint8Array;
  return makingList(size * size, isText ? 2 + TRAVERSAL_FACTOR : 2);
}

function comparingLists(factor: number): CallCost {
  return ([left, right]) => 1 + Math.floor(actualSize(left) * actualSize(right) * factor);
}

const BY_FUNCTION: ReadonlyMap<string, CallCost> = new Map<string, CallCost>([
  ['check', CHECK_COST],
  ['fieldSelector', SELECTOR],
  ['labelSelector', SELECTOR],
  ...['isSorted', 'sum', 'max', 'min', 'indexOf', 'lastIndexOf', 'includes'].map(
    (name) => [name, DEEP] as const,
  ),
  ...[
    'url',
    'lowerAscii',
    'upperAscii',
    'substring',
    'trim',
    'jsonpatch.escapeKey',
    'cidr',
    'isIP',
    'isCIDR',
  ].map((name) => [name, traverseFirst()] as const),
  ...['quantity', 'isQuantity', 'semver', 'isSemver'].map((name) => [name, traverseFirst()] as const),
  ...['replace', 'split', 'ip.isCanonical'].map(
    (name) => [name, traverseFirst(2 * TRAVERSAL_FACTOR)] as const,
  ),
  ['join', (_args, result) => traversal(actualSize(result), 2 * TRAVERSAL_FACTOR)],
  ['slice', RESULT_LIST],
  ['reverse', RESULT_LIST],
  ['lists.range', RESULT_LIST],
  ['flatten', ([list, depth]) => makingList(actualSize(list), depth === undefined ? 1 : Number(depth))],
  ['distinct', ([list]) => selfComparing(list)],
  ['sort', ([list]) => selfComparing(list)],
  ['@sortByAssociatedKeys', ([, keys]) => selfComparing(keys)],
  ['sets.contains', comparingLists(1)],
  ['sets.intersects', comparingLists(1)],
  ['sets.equivalent', comparingLists(2)],
  ['find', MATCHES],
  ['findAll', MATCHES],
  ['validate', ([format, text]) => matching(actualSize(text), actualSize(format))],
]);

const BY_OVERLOAD: ReadonlyMap<string, CallCost> = new Map<string, CallCost>([
  ...[
    'starts_with_string',
    'ends_with_string',
    'string_to_bytes',
    'bytes_to_string',
    'strings_quote',
    'string_format',
  ].map((id) => [id, traverseFirst()] as const),
  ['in_list', ([, list]) => actualSize(list)],
  ...['less', 'less_equals', 'greater', 'greater_equals'].flatMap((name) => [
    [`${name}_string`, SMALLER] as const,
    [`${name}_bytes`, SMALLER] as const,
  ]),
  ['equals', SMALLER],
  ['not_equals', SMALLER],
  ...['add_string', 'add_bytes'].map(
    (id) =>
      [id, ([left, right]) => traversal(actualSize(left) + actualSize(right))] as readonly [string, CallCost],
  ),
  ['matches', MATCHES],
  ['matches_string', MATCHES],
  ['contains_string', ([text, part]) => traversal(actualSize(text)) * traversal(actualSize(part))],
  ['string_to_ip', traverseFirst()],
  ['cidr_contains_ip_string', containsAddress(false, true)],
  ['cidr_contains_ip_ip', containsAddress(false, false)],
  ['cidr_contains_cidr_string', containsAddress(true, true)],
  ['cidr_contains_cidr', containsAddress(true, false)],
]);

export function callCostOf(overload: Overload): CallCost {
  return BY_FUNCTION.get(overload.functionName) ?? BY_OVERLOAD.get(overload.id) ?? 1;
}
