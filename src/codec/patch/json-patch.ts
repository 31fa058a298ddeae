import { StatusError, badRequest } from '#api/status-error.ts';
import { encodeJson } from '../canonical.ts';
import { jsonEqual } from '#base/json-equal.ts';
import { type MutableRecord, isRecord, setOwn } from '../own-property.ts';

/** More operations than this are refused; each could copy the whole document. */
const OPERATIONS_MAX = 10_000;
/** Copies let a small patch make a large document, so all of them together have a bound. */
const COPIED_BYTES_MAX = 3 * 1024 * 1024;

type Path = readonly string[];

type Operation =
  | { readonly op: 'add' | 'replace' | 'test'; readonly path: Path; readonly value: unknown }
  | { readonly op: 'remove'; readonly path: Path }
  | { readonly op: 'move' | 'copy'; readonly path: Path; readonly from: Path };

/**
 * A JSON patch (RFC 6902). All operations hold, or none. Pure; unchanged parts of `current` are shared.
 *
 * @throws {StatusError} BadRequest for a patch that is none, 413 for one too large, Invalid when an
 *   operation does not fit the object or a test fails
 */
export function applyJsonPatch(current: unknown, patch: unknown): unknown {
  if (!Array.isArray(patch)) {
    throw badRequest(
      'error decoding patch: json: cannot unmarshal object into Go value of type jsonpatch.Patch',
    );
  }
  if (patch.length > OPERATIONS_MAX) {
    throw tooLarge(
      `The allowed maximum operations in a JSON patch is ${OPERATIONS_MAX}, got ${patch.length}`,
    );
  }
  const operations = patch.map(parseOperation);
  let document = current;
  let copiedBytes = 0;
  for (const operation of operations) {
    if (operation.op === 'copy') {
      copiedBytes += encodeJson(read(document, operation.from)).length;
      if (copiedBytes > COPIED_BYTES_MAX) {
        throw tooLarge(
          `Unable to complete the copy, the accumulated size increase of copy is ${copiedBytes}`,
        );
      }
    }
    document = applyOperation(document, operation);
  }
  return document;
}

function parseOperation(value: unknown): Operation {
  if (!isRecord(value)) {
    throw badRequest('error decoding patch: an operation is not an object');
  }
  const { op, path, from } = value;
  if (typeof path !== 'string') {
    throw badRequest('error decoding patch: an operation has no path');
  }
  const target = parsePointer(path);
  switch (op) {
    case 'add':
    case 'replace':
    case 'test':
      return { op, path: target, value: Object.hasOwn(value, 'value') ? value['value'] : null };
    case 'remove':
      return { op, path: target };
    case 'move':
    case 'copy':
      if (typeof from !== 'string') {
        throw badRequest(`error decoding patch: operation ${op} has no from`);
      }
      return { op, path: target, from: parsePointer(from) };
    default:
      throw unfit(`Unexpected kind: ${String(op)}`);
  }
}

function parsePointer(pointer: string): Path {
  if (pointer === '') {
    return [];
  }
  if (!pointer.startsWith('/')) {
    throw unfit(`invalid path: ${pointer}`);
  }
  return pointer
    .slice(1)
    .split('/')
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function applyOperation(document: unknown, operation: Operation): unknown {
  const { path } = operation;
  switch (operation.op) {
    case 'add':
      return write(document, path, { kind: 'add', at: pointerText(path), value: operation.value });
    case 'replace':
      return write(document, path, { kind: 'replace', at: pointerText(path), value: operation.value });
    case 'remove':
      return write(document, path, { kind: 'remove', at: pointerText(path) });
    case 'copy':
      return write(document, path, {
        kind: 'add',
        at: pointerText(path),
        value: read(document, operation.from),
      });
    case 'move': {
      if (
        path.length > operation.from.length &&
        operation.from.every((part, index) => part === path[index])
      ) {
        throw unfit('a value cannot be moved into itself');
      }
      const moved = read(document, operation.from);
      const left = write(document, operation.from, { kind: 'remove', at: pointerText(operation.from) });
      return write(left, path, { kind: 'add', at: pointerText(path), value: moved });
    }
    default:
      checkTest(document, path, operation.value);
      return document;
  }
}

function checkTest(document: unknown, path: Path, value: unknown): void {
  const found = readOrUndefined(document, path) ?? null;
  if (!jsonEqual(found, value)) {
    throw unfit(`testing value ${pointerText(path)}${TEST_FAILED}`);
  }
}

function read(document: unknown, path: Path): unknown {
  const found = readOrUndefined(document, path);
  if (found === undefined) {
    throw unfit(`${pointerText(path)} does not exist: missing value`);
  }
  return found;
}

function readOrUndefined(document: unknown, path: Path): unknown {
  let current = document;
  for (const part of path) {
    if (Array.isArray(current)) {
      current = /^\d+$/.test(part) ? current[Number(part)] : undefined;
    } else {
      current = isRecord(current) && Object.hasOwn(current, part) ? current[part] : undefined;
    }
  }
  return current;
}

/** `at` is where the operation points, for messages. */
type Change =
  | { readonly kind: 'add' | 'replace'; readonly at: string; readonly value: unknown }
  | { readonly kind: 'remove'; readonly at: string };

/** In the words of the library that upstream applies patches with. */
function missing({ kind, at }: Change, key: string | undefined): StatusError {
  if (key === undefined) {
    return unfit(`${kind} operation does not apply: doc is missing path: "${at}": missing value`);
  }
  return kind === 'remove'
    ? unfit(`error in remove for path: '${at}': unable to remove nonexistent key: ${key}: missing value`)
    : unfit(`replace operation does not apply: doc is missing key: ${at}: missing value`);
}

/** The document with one place changed; only the containers on the way are copied. */
function write(document: unknown, path: Path, change: Change): unknown {
  const [part, ...rest] = path;
  if (part === undefined) {
    if (change.kind === 'remove') {
      throw unfit('the whole document cannot be removed');
    }
    return change.value;
  }
  if (Array.isArray(document)) {
    return writeItem(document, part, rest, change);
  }
  if (!isRecord(document)) {
    throw missing(change, undefined);
  }
  const isThere = Object.hasOwn(document, part);
  if (!isThere && (rest.length > 0 || change.kind !== 'add')) {
    throw missing(change, rest.length > 0 ? undefined : part);
  }
  const copy: MutableRecord = { ...document };
  if (rest.length === 0 && change.kind === 'remove') {
    delete copy[part];
  } else {
    setOwn(copy, part, rest.length > 0 ? write(document[part], rest, change) : valueOf(change));
  }
  return copy;
}

function writeItem(list: readonly unknown[], part: string, rest: Path, change: Change): unknown {
  const isInsert = rest.length === 0 && change.kind === 'add';
  const index = isInsert && part === '-' ? list.length : Number(/^\d+$/.test(part) ? part : Number.NaN);
  const last = isInsert ? list.length : list.length - 1;
  if (!(index <= last)) {
    throw rest.length > 0
      ? missing(change, undefined)
      : change.kind === 'replace'
        ? missing(change, part)
        : unfit(
            `error in ${change.kind} for path: '${change.at}': Unable to access invalid index: ${part}: invalid index referenced`,
          );
  }
  if (rest.length > 0) {
    return list.with(index, write(list[index], rest, change));
  }
  switch (change.kind) {
    case 'add':
      return list.toSpliced(index, 0, change.value);
    case 'replace':
      return list.with(index, change.value);
    default:
      return list.toSpliced(index, 1);
  }
}

function valueOf(change: Change): unknown {
  return change.kind === 'remove' ? undefined : change.value;
}

function pointerText(path: Path): string {
  return `/${path.join('/')}`;
}

/** Upstream keeps the reason to itself; here it is in the cause. */
/** Why an operation did not fit, without the sentence that clients get for it. */
export function patchProblem({ message, cause }: StatusError): string {
  return cause instanceof Error ? cause.message : message;
}

/** True when a `test` of the patch did not hold, and nothing is wrong with it otherwise. */
export function isFailedTest(error: StatusError): boolean {
  return error.cause instanceof Error && error.cause.message.endsWith(TEST_FAILED);
}

const TEST_FAILED = ' failed: test failed';

function unfit(why: string): StatusError {
  return new StatusError(
    {
      code: 422,
      reason: 'Invalid',
      message: 'the server rejected our request due to an error in our request',
      details: {},
    },
    new Error(why),
  );
}

function tooLarge(message: string): StatusError {
  return new StatusError({ code: 413, reason: 'RequestEntityTooLarge', message });
}
