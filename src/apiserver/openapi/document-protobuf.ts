import { BYTES, FIXED64, VARINT, WireWriter } from '#base/protobuf-wire.ts';
import { isRecord, type JsonRecord } from '#codec/own-property.ts';

/** The media type by which clients ask for OpenAPI v2 as a message. */
export const OPENAPI_V2_PROTOBUF = 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf';
/** What such an answer is called. */
export const OPENAPI_V2_PROTOBUF_ANSWER = 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf';

type Write = (writer: WireWriter, number: number, value: unknown) => void;
type Message = Readonly<Record<string, readonly [number: number, write: Write]>>;

/** The field of a message that keeps what OpenAPI has no word for (`x-…`). */
interface MessagePlan {
  readonly fields: Message;
  readonly extensions: number;
}

/**
 * Encodes an OpenAPI v2 document as the message `openapi.v2.Document` that kubectl reads: its information and its
 * definitions. Paths are left out.
 */
export function encodeOpenApiV2(document: JsonRecord): Uint8Array {
  const writer = new WireWriter();
  writeFields(writer, DOCUMENT, document);
  return writer.finish();
}

function writeFields(writer: WireWriter, { fields, extensions }: MessagePlan, value: unknown): void {
  if (!isRecord(value)) {
    return;
  }
  for (const [name, item] of Object.entries(value)) {
    const field = Object.hasOwn(fields, name) ? fields[name] : undefined;
    if (field !== undefined) {
      field[1](writer, field[0], item);
    } else if (name.startsWith('x-')) {
      named(any)(writer, extensions, [name, item]);
    }
  }
}

function nested(writer: WireWriter, number: number, write: () => void): void {
  writer.tag(number, BYTES);
  writer.message(write);
}

const string: Write = (writer, number, value) => {
  writer.tag(number, BYTES);
  writer.string(String(value));
};

const bool: Write = (writer, number, value) => {
  writer.tag(number, VARINT);
  writer.uint(value === true ? 1 : 0);
};

const integer: Write = (writer, number, value) => {
  writer.tag(number, VARINT);
  writer.int(Number(value));
};

const double: Write = (writer, number, value) => {
  writer.tag(number, FIXED64);
  writer.double(Number(value));
};

/** Any value, as YAML; JSON is that too. */
const any: Write = (writer, number, value) =>
  nested(writer, number, () => string(writer, 2, `${JSON.stringify(value)}\n`));

function repeated(write: Write): Write {
  return (writer, number, value) => {
    for (const item of Array.isArray(value) ? (value as readonly unknown[]) : [value]) {
      write(writer, number, item);
    }
  };
}

/** A pair of a name and a value, as maps consist of. */
function named(write: Write): Write {
  return (writer, number, pair) => {
    const [name, value] = pair as readonly [string, unknown];
    nested(writer, number, () => {
      string(writer, 1, name);
      write(writer, 2, value);
    });
  };
}

/** A message that holds a map of others. */
const schemaMap: Write = (writer, number, value) =>
  nested(writer, number, () => {
    for (const entry of isRecord(value) ? Object.entries(value) : []) {
      named(schema)(writer, 1, entry);
    }
  });

const schema: Write = (writer, number, value) =>
  nested(writer, number, () => writeFields(writer, SCHEMA, value));

const schemaOrBoolean: Write = (writer, number, value) =>
  nested(writer, number, () =>
    typeof value === 'boolean' ? bool(writer, 2, value) : schema(writer, 1, value),
  );

/** A message that holds a list. */
function listed(write: Write): Write {
  return (writer, number, value) => nested(writer, number, () => repeated(write)(writer, 1, value));
}

/** By the numbers of gnostic's `OpenAPIv2.proto`, which upstream answers with. */
const SCHEMA: MessagePlan = {
  extensions: 31,
  fields: {
    $ref: [1, string],
    format: [2, string],
    title: [3, string],
    description: [4, string],
    default: [5, any],
    multipleOf: [6, double],
    maximum: [7, double],
    exclusiveMaximum: [8, bool],
    minimum: [9, double],
    exclusiveMinimum: [10, bool],
    maxLength: [11, integer],
    minLength: [12, integer],
    pattern: [13, string],
    maxItems: [14, integer],
    minItems: [15, integer],
    uniqueItems: [16, bool],
    maxProperties: [17, integer],
    minProperties: [18, integer],
    required: [19, repeated(string)],
    enum: [20, repeated(any)],
    additionalProperties: [21, schemaOrBoolean],
    type: [22, listed(string)],
    items: [23, listed(schema)],
    allOf: [24, repeated(schema)],
    properties: [25, schemaMap],
    readOnly: [27, bool],
    example: [30, any],
  },
};

const INFO: MessagePlan = {
  extensions: 7,
  fields: { title: [1, string], version: [2, string], description: [3, string] },
};

const DOCUMENT: MessagePlan = {
  extensions: 16,
  fields: {
    swagger: [1, string],
    info: [2, (writer, number, value) => nested(writer, number, () => writeFields(writer, INFO, value))],
    // Clients look for the message of paths before they read on.
    paths: [8, (writer, number) => nested(writer, number, () => undefined)],
    definitions: [9, schemaMap],
  },
};
