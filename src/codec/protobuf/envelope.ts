import { concatBytes, utf8Decode } from '#base/bytes.ts';
import { BYTES, ProtobufError, WireReader, WireWriter } from '#base/protobuf-wire.ts';

/** Every Kubernetes protobuf body starts with these bytes; the rest is a `runtime.Unknown`. */
const MAGIC = Uint8Array.of(0x6b, 0x38, 0x73, 0x00);

/** A message with the name of its type. */
export interface Envelope {
  readonly apiVersion: string;
  readonly kind: string;
  readonly raw: Uint8Array;
}

export function isEnvelope(bytes: Uint8Array): boolean {
  return MAGIC.every((byte, index) => bytes[index] === byte);
}

/** @throws {ProtobufError} for bytes that are no envelope */
export function decodeEnvelope(bytes: Uint8Array): Envelope {
  if (!isEnvelope(bytes)) {
    throw new ProtobufError(
      'provided data does not appear to be a protobuf message, expected prefix 6b 38 73 00',
    );
  }
  const reader = new WireReader(bytes.subarray(MAGIC.length));
  let type = { apiVersion: '', kind: '' };
  let raw: Uint8Array = new Uint8Array(0);
  while (!reader.isAtEnd) {
    const { number, type: wire } = reader.tag();
    if (number === 1) {
      type = decodeTypeMeta(reader.bytes());
    } else if (number === 2) {
      raw = reader.bytes();
    } else {
      reader.skip(wire);
    }
  }
  return { ...type, raw };
}

function decodeTypeMeta(bytes: Uint8Array): { apiVersion: string; kind: string } {
  const reader = new WireReader(bytes);
  const type = { apiVersion: '', kind: '' };
  while (!reader.isAtEnd) {
    const { number, type: wire } = reader.tag();
    if (number === 1) {
      type.apiVersion = utf8Decode(reader.bytes());
    } else if (number === 2) {
      type.kind = utf8Decode(reader.bytes());
    } else {
      reader.skip(wire);
    }
  }
  return type;
}

export function encodeEnvelope({ apiVersion, kind, raw }: Envelope): Uint8Array {
  const writer = new WireWriter();
  writer.tag(1, BYTES);
  writer.message(() => {
    writer.tag(1, BYTES);
    writer.string(apiVersion);
    writer.tag(2, BYTES);
    writer.string(kind);
  });
  writer.tag(2, BYTES);
  writer.bytes(raw);
  writer.tag(3, BYTES);
  writer.string('');
  writer.tag(4, BYTES);
  writer.string('');
  return concatBytes([MAGIC, writer.finish()]);
}
