import { parseApiVersion } from '#api/resource-type.ts';
import { structOfKind, structType, type StructType } from '#api/schema/schema.ts';
import { decodeEnvelope, encodeEnvelope } from './envelope.ts';
import { decodeMessage } from './protobuf-decode.ts';
import { encodeMessage } from './protobuf-encode.ts';
import { ProtobufError } from '#base/protobuf-wire.ts';

interface Typed {
  readonly apiVersion: string;
  readonly kind: string;
}

/**
 * Reads a body in `application/vnd.kubernetes.protobuf` as the JSON value it stands for.
 *
 * @throws {ProtobufError} for damaged bytes and for kinds that have no message
 */
export function decodeProtobuf(bytes: Uint8Array): Record<string, unknown> {
  const { apiVersion, kind, raw } = decodeEnvelope(bytes);
  const struct = structOfTyped({ apiVersion, kind });
  if (struct === undefined) {
    throw new ProtobufError(
      `no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(apiVersion)}`,
    );
  }
  return { apiVersion, kind, ...decodeMessage(raw, struct) };
}

/** The object in its envelope; undefined for kinds that have no message. */
export function encodeProtobuf(object: object & Partial<Typed>): Uint8Array | undefined {
  const { apiVersion = '', kind = '' } = object;
  const struct = structOfTyped({ apiVersion, kind });
  return struct === undefined
    ? undefined
    : encodeEnvelope({ apiVersion, kind, raw: encodeMessage(object, struct) });
}

function structOfTyped({ apiVersion, kind }: Typed): StructType | undefined {
  const { group, version } = parseApiVersion(apiVersion);
  // Options and Status belong to every group version.
  return structOfKind(group, version, kind) ?? structType(`meta.v1.${kind}`);
}
