import { BYTES, ProtobufError, VARINT, WireReader, WireWriter } from '#base/protobuf-wire.ts';
import { EMPTY_BYTES, utf8Decode } from '#base/bytes.ts';

/** How one field of a message is written and read. An absent field has the value of `initial`. */
export interface Field<T> {
  readonly number: number;
  initial(): T;
  /** Writes the field, or nothing when `value` is what an absent field stands for. */
  write(writer: WireWriter, value: T): void;
  /** The value after one more occurrence on the wire. */
  read(reader: WireReader, wireType: number, before: T): T;
}

type Entry<T extends object> = readonly [name: keyof T, field: Field<T[keyof T]>];

/** Turns messages of one type into bytes and back. Unknown fields are passed over. */
export class MessageType<T extends object> {
  readonly #fields: readonly Entry<T>[];
  readonly #byNumber: ReadonlyMap<number, Entry<T>>;

  constructor(fields: { readonly [K in keyof T]: Field<T[K]> }) {
    this.#fields = Object.entries(fields) as unknown as Entry<T>[];
    this.#byNumber = new Map(this.#fields.map((entry) => [entry[1].number, entry]));
  }

  /** A whole message; what is left out is as if absent. */
  of(given: Partial<T>): T {
    const message: Partial<T> = {};
    for (const [name, field] of this.#fields) {
      message[name] = given[name] ?? field.initial();
    }
    return message as T;
  }

  encode(message: Partial<T>): Buffer {
    const writer = new WireWriter();
    this.write(writer, message);
    const bytes = writer.finish();
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** @throws {ProtobufError} */
  decode(bytes: Uint8Array): T {
    const message = this.of({});
    const reader = new WireReader(bytes);
    while (!reader.isAtEnd) {
      const { number, type } = reader.tag();
      const known = this.#byNumber.get(number);
      if (known === undefined) {
        reader.skip(type);
      } else {
        const [name, field] = known;
        message[name] = field.read(reader, type, message[name]);
      }
    }
    return message;
  }

  write(writer: WireWriter, message: Partial<T>): void {
    for (const [name, field] of this.#fields) {
      const value = message[name];
      if (value !== undefined) {
        field.write(writer, value);
      }
    }
  }
}

/** The type of a message, from its table. */
export type MessageOf<M> = M extends MessageType<infer T> ? T : never;

/** int64 and enumerations. Beyond 2^53 the last digits are lost; only leases that other programs named are so large. */
export function int(number: number): Field<number> {
  return {
    number,
    initial: () => 0,
    write: (writer, value) => {
      if (value !== 0) {
        writer.tag(number, VARINT);
        writer.int(value);
      }
    },
    read: (reader, type) => {
      expectWireType(type, VARINT);
      return Number(reader.int());
    },
  };
}

/** uint64, exactly. */
export function uint64(number: number): Field<bigint> {
  return {
    number,
    initial: () => 0n,
    write: (writer, value) => {
      if (value !== 0n) {
        writer.tag(number, VARINT);
        writer.int(value);
      }
    },
    read: (reader, type) => {
      expectWireType(type, VARINT);
      return reader.varint();
    },
  };
}

export function bool(number: number): Field<boolean> {
  return {
    number,
    initial: () => false,
    write: (writer, value) => {
      if (value) {
        writer.tag(number, VARINT);
        writer.uint(1);
      }
    },
    read: (reader, type) => {
      expectWireType(type, VARINT);
      return reader.varint() !== 0n;
    },
  };
}

/** Shares memory with the message it was read from. */
export function bytes(number: number): Field<Uint8Array> {
  return {
    number,
    initial: () => EMPTY_BYTES,
    write: (writer, value) => {
      if (value.length > 0) {
        writer.tag(number, BYTES);
        writer.bytes(value);
      }
    },
    read: (reader, type) => {
      expectWireType(type, BYTES);
      return reader.bytes();
    },
  };
}

export function string(number: number): Field<string> {
  return {
    number,
    initial: () => '',
    write: (writer, value) => {
      if (value !== '') {
        writer.tag(number, BYTES);
        writer.string(value);
      }
    },
    read: (reader, type) => {
      expectWireType(type, BYTES);
      return textOf(reader.bytes());
    },
  };
}

/** @throws {ProtobufError} */
export function textOf(utf8: Uint8Array): string {
  try {
    return utf8Decode(utf8);
  } catch (error) {
    throw new ProtobufError('text is not valid UTF-8', { cause: error });
  }
}

/** A message inside the message, or undefined. An empty one is written too: that it is there says something. */
export function message<T extends object>(number: number, type: MessageType<T>): Field<T | undefined> {
  return {
    number,
    initial: () => undefined,
    write: (writer, value) => {
      if (value !== undefined) {
        writer.tag(number, BYTES);
        writer.message(() => type.write(writer, value));
      }
    },
    read: (reader, wireType) => {
      expectWireType(wireType, BYTES);
      return type.decode(reader.bytes());
    },
  };
}

export function messages<T extends object>(number: number, type: MessageType<T>): Field<readonly T[]> {
  return {
    number,
    initial: () => [],
    write: (writer, values) => {
      for (const value of values) {
        writer.tag(number, BYTES);
        writer.message(() => type.write(writer, value));
      }
    },
    read: (reader, wireType, before) => {
      expectWireType(wireType, BYTES);
      return appended(before, type.decode(reader.bytes()));
    },
  };
}

export function strings(number: number): Field<readonly string[]> {
  return {
    number,
    initial: () => [],
    write: (writer, values) => {
      for (const value of values) {
        writer.tag(number, BYTES);
        writer.string(value);
      }
    },
    read: (reader, type, before) => {
      expectWireType(type, BYTES);
      return appended(before, textOf(reader.bytes()));
    },
  };
}

export function manyBytes(number: number): Field<readonly Uint8Array[]> {
  return {
    number,
    initial: () => [],
    write: (writer, values) => {
      for (const value of values) {
        writer.tag(number, BYTES);
        writer.bytes(value);
      }
    },
    read: (reader, type, before) => {
      expectWireType(type, BYTES);
      return appended(before, reader.bytes());
    },
  };
}

/** Repeated enumerations; read packed and unpacked, written unpacked, which every reader takes. */
export function ints(number: number): Field<readonly number[]> {
  return {
    number,
    initial: () => [],
    write: (writer, values) => {
      for (const value of values) {
        writer.tag(number, VARINT);
        writer.int(value);
      }
    },
    read: (reader, type, before) => {
      if (type === VARINT) {
        return appended(before, Number(reader.int()));
      }
      expectWireType(type, BYTES);
      let values = before;
      for (const packed = new WireReader(reader.bytes()); !packed.isAtEnd;) {
        values = appended(values, Number(packed.int()));
      }
      return values;
    },
  };
}

/** Every message starts with arrays of its own, so that a long list is not copied for each of its entries. */
function appended<T>(before: readonly T[], value: T): readonly T[] {
  (before as T[]).push(value);
  return before;
}

function expectWireType(type: number, expected: number): void {
  if (type !== expected) {
    throw new ProtobufError(`wire type ${type} where ${expected} was expected`);
  }
}
