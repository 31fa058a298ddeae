import type { Field, Scalar, StructType, ValueType } from '#api/schema/schema.ts';
import { formatDurationNanos } from '#api/time.ts';
import { utf8Decode } from '#base/bytes.ts';
import { decodeJson } from '../json-decode.ts';
import { decodeEnvelope, isEnvelope } from './envelope.ts';
import { messagePlan, type MessagePlan } from './message-plan.ts';
import { ProtobufError, WireReader } from '#base/protobuf-wire.ts';

type Output = Record<string, unknown>;

/** Nesting allowed; a CRD's schema is the deepest thing there is. */
const DEPTH_MAX = 200;

/**
 * Reads a message as the JSON value it stands for. Unknown fields are skipped; the typed decoder then
 * checks and normalises the value like any other.
 *
 * @throws {ProtobufError} for bytes that are no such message
 */
export function decodeMessage(bytes: Uint8Array, struct: StructType): Output {
  const output: Output = {};
  readInto(output, bytes, messagePlan(struct), 0);
  return output;
}

function readInto(output: Output, bytes: Uint8Array, plan: MessagePlan, depth: number): void {
  if (depth > DEPTH_MAX) {
    throw new ProtobufError('the message is nested too deeply');
  }
  const reader = new WireReader(bytes);
  while (!reader.isAtEnd) {
    const { number, type } = reader.tag();
    const inner = plan.inlined.get(number);
    const field = plan.fields.get(number);
    if (inner !== undefined) {
      readInto(output, reader.bytes(), inner, depth + 1);
    } else if (field !== undefined) {
      readField(output, reader, field, depth);
    } else {
      reader.skip(type);
    }
  }
}

function readField(output: Output, reader: WireReader, { name, type }: Field, depth: number): void {
  switch (type.kind) {
    case 'list': {
      if (type.isNamed === true) {
        output[name] = readValue(reader, type, depth);
        return;
      }
      const list = (output[name] ??= []) as unknown[];
      list.push(readValue(reader, type.item, depth));
      return;
    }
    case 'map': {
      const map = (output[name] ??= {}) as Output;
      const [key, value] = readEntry(reader.bytes(), type.value, depth + 1);
      // A key named __proto__ is data like any other.
      Object.defineProperty(map, key, { value, enumerable: true, configurable: true, writable: true });
      return;
    }
    default:
      output[name] = readValue(reader, type, depth);
  }
}

function readEntry(bytes: Uint8Array, type: ValueType, depth: number): readonly [string, unknown] {
  const reader = new WireReader(bytes);
  let key = '';
  let value: unknown;
  while (!reader.isAtEnd) {
    const { number, type: wire } = reader.tag();
    if (number === 1) {
      key = text(reader.bytes());
    } else if (number === 2) {
      value = readValue(reader, type, depth);
    } else {
      reader.skip(wire);
    }
  }
  return [key, value ?? emptyValue(type)];
}

/** A map value that was left out is its type's zero. */
function emptyValue(type: ValueType): unknown {
  return type.kind === 'scalar' &&
    (type.scalar === 'string' || type.scalar === 'bytes' || type.scalar === 'quantity')
    ? ''
    : {};
}

function readValue(reader: WireReader, type: ValueType, depth: number): unknown {
  switch (type.kind) {
    case 'struct': {
      const value: Output = {};
      readInto(value, reader.bytes(), messagePlan(type.struct), depth + 1);
      return value;
    }
    case 'list':
      // A named list, here or in a map: a message of its own whose one field repeats.
      return readItems(reader.bytes(), type.item, depth + 1);
    case 'map':
      throw new ProtobufError('a map cannot be an element');
    case 'scalar':
      return readScalar(reader, type.scalar);
  }
}

function readItems(bytes: Uint8Array, item: ValueType, depth: number): unknown[] {
  const reader = new WireReader(bytes);
  const items: unknown[] = [];
  while (!reader.isAtEnd) {
    const { number, type } = reader.tag();
    if (number === 1) {
      items.push(readValue(reader, item, depth));
    } else {
      reader.skip(type);
    }
  }
  return items;
}

function readScalar(reader: WireReader, scalar: Scalar): unknown {
  switch (scalar) {
    case 'string':
      return text(reader.bytes());
    case 'bool':
      return reader.varint() !== 0n;
    case 'int32':
      return Number(BigInt.asIntN(32, reader.varint()));
    case 'int64':
      return reader.int();
    case 'float64':
      return reader.double();
    case 'bytes':
      return Buffer.from(reader.bytes()).toString('base64');
    case 'time':
    case 'microTime':
      return readTime(reader.bytes(), scalar === 'microTime');
    case 'duration':
      return formatDurationNanos(BigInt(single(reader.bytes(), 1)));
    case 'quantity':
      return text(fieldBytes(reader.bytes(), 1));
    case 'intOrString':
      return readIntOrString(reader.bytes());
    case 'rawExtension':
      return readRaw(fieldBytes(reader.bytes(), 1));
    case 'fieldsV1':
    case 'json': {
      const raw = fieldBytes(reader.bytes(), 1);
      return raw.length === 0 ? null : decodeJson(raw);
    }
  }
}

/** An embedded object is JSON, or again a message in its envelope; the latter cannot be read without its type. */
function readRaw(raw: Uint8Array): unknown {
  if (raw.length === 0) {
    return null;
  }
  if (isEnvelope(raw)) {
    const { apiVersion, kind } = decodeEnvelope(raw);
    throw new ProtobufError(`an embedded ${kind} (${apiVersion}) must be JSON`);
  }
  return decodeJson(raw);
}

function readTime(bytes: Uint8Array, isMicro: boolean): string | null {
  const reader = new WireReader(bytes);
  let seconds = 0;
  let nanos = 0;
  let isEmpty = true;
  while (!reader.isAtEnd) {
    const { number, type } = reader.tag();
    isEmpty = false;
    if (number === 1) {
      seconds = Number(reader.int());
    } else if (number === 2) {
      nanos = Number(reader.int());
    } else {
      reader.skip(type);
    }
  }
  // A zero time has no fields; it is "no time" in the API.
  if (isEmpty) {
    return null;
  }
  const whole = new Date(seconds * 1000);
  if (Number.isNaN(whole.getTime())) {
    throw new ProtobufError('a time is out of range');
  }
  const base = whole.toISOString().slice(0, 19);
  return isMicro ? `${base}.${String(Math.floor(nanos / 1000)).padStart(6, '0')}Z` : `${base}Z`;
}

function readIntOrString(bytes: Uint8Array): number | string {
  const reader = new WireReader(bytes);
  let isString = false;
  let int = 0;
  let string = '';
  while (!reader.isAtEnd) {
    const { number, type } = reader.tag();
    if (number === 1) {
      isString = reader.varint() !== 0n;
    } else if (number === 2) {
      int = Number(BigInt.asIntN(32, reader.varint()));
    } else if (number === 3) {
      string = text(reader.bytes());
    } else {
      reader.skip(type);
    }
  }
  return isString ? string : int;
}

function single(bytes: Uint8Array, wanted: number): number | bigint {
  const reader = new WireReader(bytes);
  let value: number | bigint = 0;
  while (!reader.isAtEnd) {
    const { number, type } = reader.tag();
    if (number === wanted) {
      value = reader.int();
    } else {
      reader.skip(type);
    }
  }
  return value;
}

function fieldBytes(bytes: Uint8Array, wanted: number): Uint8Array {
  const reader = new WireReader(bytes);
  let value = new Uint8Array(0);
  while (!reader.isAtEnd) {
    const { number, type } = reader.tag();
    if (number === wanted) {
      value = Uint8Array.from(reader.bytes());
    } else {
      reader.skip(type);
    }
  }
  return value;
}

function text(bytes: Uint8Array): string {
  try {
    return utf8Decode(bytes);
  } catch (error) {
    if (error instanceof TypeError) {
      throw new ProtobufError('a string is not valid UTF-8');
    }
    throw error;
  }
}
