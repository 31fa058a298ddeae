import type { Field, Scalar, StructType, ValueType } from '#api/schema/schema.ts';
import { parseDurationNanos } from '#api/time.ts';
import { encodeJson } from '../canonical.ts';
import { messagePlan, type MessagePlan } from './message-plan.ts';
import { BYTES, FIXED64, VARINT, WireWriter } from '#base/protobuf-wire.ts';

/** Encodes an object of the API as its message: what upstream would write, fields in the order of their numbers. */
export function encodeMessage(object: object, struct: StructType): Uint8Array {
  const writer = new WireWriter();
  writeFields(writer, object, messagePlan(struct));
  return writer.finish();
}

function writeFields(writer: WireWriter, object: object, plan: MessagePlan): void {
  for (const number of plan.order) {
    const inner = plan.inlined.get(number);
    if (inner !== undefined) {
      writer.tag(number, BYTES);
      writer.message(() => writeFields(writer, object, inner));
      continue;
    }
    const field = plan.fields.get(number);
    if (field !== undefined) {
      writeField(writer, number, field, Reflect.get(object, field.name));
    }
  }
}

function writeField(writer: WireWriter, number: number, { type, isPointer }: Field, value: unknown): void {
  switch (type.kind) {
    case 'list':
      if (Array.isArray(value) && type.isNamed === true) {
        writeValue(writer, number, type, value);
      } else if (Array.isArray(value)) {
        value.forEach((item: unknown) => writeValue(writer, number, type.item, item));
      }
      return;
    case 'map':
      writeMap(writer, number, type.value, value);
      return;
    default:
      if (value !== undefined && value !== null) {
        writeValue(writer, number, type, value);
      } else if (!isPointer) {
        writeZero(writer, number, type);
      }
  }
}

function writeMap(writer: WireWriter, number: number, type: ValueType, value: unknown): void {
  if (typeof value !== 'object' || value === null) {
    return;
  }
  for (const [key, item] of Object.entries(value).toSorted(([left], [right]) => (left < right ? -1 : 1))) {
    writer.tag(number, BYTES);
    writer.message(() => {
      writer.tag(1, BYTES);
      writer.string(key);
      writeValue(writer, 2, type, item);
    });
  }
}

/** Fields that are not pointers are written even when they are empty. */
function writeZero(writer: WireWriter, number: number, type: ValueType): void {
  if (type.kind !== 'scalar') {
    writer.tag(number, BYTES);
    writer.uint(0);
    return;
  }
  switch (type.scalar) {
    case 'bool':
    case 'int32':
    case 'int64':
      writer.tag(number, VARINT);
      writer.uint(0);
      return;
    case 'float64':
      writer.tag(number, FIXED64);
      writer.double(0);
      return;
    case 'bytes':
      // An absent byte slice is written as nothing at all.
      return;
    default:
      writer.tag(number, BYTES);
      writer.uint(0);
  }
}

function writeValue(writer: WireWriter, number: number, type: ValueType, value: unknown): void {
  switch (type.kind) {
    case 'struct':
      writer.tag(number, BYTES);
      writer.message(() => writeFields(writer, asObject(value), messagePlan(type.struct)));
      return;
    case 'list':
      // A named list, here or in a map: a message of its own whose one field repeats.
      writer.tag(number, BYTES);
      writer.message(() =>
        (value as readonly unknown[]).forEach((item) => writeValue(writer, 1, type.item, item)),
      );
      return;
    case 'map':
      return;
    case 'scalar':
      writeScalar(writer, number, type.scalar, value);
  }
}

function asObject(value: unknown): object {
  return typeof value === 'object' && value !== null ? value : {};
}

function writeScalar(writer: WireWriter, number: number, scalar: Scalar, value: unknown): void {
  switch (scalar) {
    case 'bool':
      writer.tag(number, VARINT);
      writer.uint(value === true ? 1 : 0);
      return;
    case 'int32':
    case 'int64':
      writer.tag(number, VARINT);
      writer.int(typeof value === 'bigint' ? value : Number(value));
      return;
    case 'float64':
      writer.tag(number, FIXED64);
      writer.double(Number(value));
      return;
    case 'string':
      writer.tag(number, BYTES);
      writer.string(String(value));
      return;
    case 'bytes':
      writer.tag(number, BYTES);
      writer.bytes(Buffer.from(String(value), 'base64'));
      return;
    default:
      writer.tag(number, BYTES);
      writer.message(() => writeMessageScalar(writer, scalar, value));
  }
}

function writeMessageScalar(writer: WireWriter, scalar: Scalar, value: unknown): void {
  switch (scalar) {
    case 'time':
    case 'microTime':
      writeTime(writer, String(value));
      return;
    case 'duration':
      writer.tag(1, VARINT);
      writer.int(parseDurationNanos(String(value)) ?? 0n);
      return;
    case 'quantity':
      writer.tag(1, BYTES);
      writer.string(String(value));
      return;
    case 'intOrString':
      writer.tag(1, VARINT);
      writer.uint(typeof value === 'string' ? 1 : 0);
      writer.tag(2, VARINT);
      writer.int(typeof value === 'number' ? value : 0);
      writer.tag(3, BYTES);
      writer.string(typeof value === 'string' ? value : '');
      return;
    default:
      writer.tag(1, BYTES);
      writer.string(encodeJson(value));
  }
}

function writeTime(writer: WireWriter, text: string): void {
  const ms = Date.parse(text);
  const seconds = Math.floor(ms / 1000);
  const fraction = /\.(\d+)/.exec(text)?.[1] ?? '';
  writer.tag(1, VARINT);
  writer.int(seconds);
  writer.tag(2, VARINT);
  writer.uint(Number(fraction.padEnd(9, '0').slice(0, 9)) || 0);
}
