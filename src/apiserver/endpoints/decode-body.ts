import type { ApiObject } from '#api/object.ts';
import type { ResourceInfo } from '#api/resource-table.ts';
import { apiVersionOf } from '#api/resource-type.ts';
import { badRequest, StatusError } from '#api/status-error.ts';
import type { DeleteOptions } from '#api/types/meta.v1.ts';
import { knownStruct } from '#api/schema/schema.ts';
import { decodeJson, duplicatesIn, JsonDecodeError } from '#codec/json-decode.ts';
import { decodeObject, normalizeObject, type TextProblems } from '#codec/typed-decode.ts';
import { decodeProtobuf } from '#codec/protobuf/kubernetes-protobuf.ts';
import { ProtobufError } from '#base/protobuf-wire.ts';
import { decodeYaml, YamlDecodeError, yamlProblem } from '#codec/yaml.ts';
import type { RequestContext } from '../registry/request-context.ts';
import type { DraftObject } from '../registry/strategy.ts';
import { PROTOBUF_TYPE } from '../http/negotiation.ts';
import type { ApiCall, CallBody, Served } from './api-call.ts';

/** The JSON value in a body, whatever its encoding. @throws {StatusError} BadRequest, UnsupportedMediaType */
export function decodeValue(body: CallBody | undefined): unknown {
  if (body === undefined) {
    throw badRequest('the request has no body');
  }
  if (body.kind === 'object') {
    return body.object;
  }
  const type = body.contentType.split(';')[0]?.trim() ?? '';
  if (type === PROTOBUF_TYPE) {
    return parsed(() => decodeProtobuf(body.bytes));
  }
  if (type.endsWith('yaml')) {
    return parsed(() => decodeYaml(body.bytes));
  }
  if (type === '' || type.endsWith('json')) {
    return parsed(() => decodeJson(body.bytes));
  }
  throw new StatusError({
    code: 415,
    reason: 'UnsupportedMediaType',
    message:
      'the body of the request was in an unknown format - accepted media types include: application/json, application/yaml, application/vnd.kubernetes.protobuf',
  });
}

/** Text that is no JSON or YAML is the client's mistake. */
function parsed(parse: () => unknown): unknown {
  try {
    return parse();
  } catch (error) {
    if (
      error instanceof JsonDecodeError ||
      error instanceof YamlDecodeError ||
      error instanceof ProtobufError
    ) {
      throw badRequest(error.message);
    }
    throw error;
  }
}

/** The object of a create or update: decoded, of the right kind, unknown fields reported or refused; in the stored version. */
export function decodeBody(served: Served, body: CallBody | undefined, context: RequestContext): DraftObject {
  const value = decodeValue(body);
  const source = context.fieldValidation === 'Ignore' ? undefined : problemsIn(body, value);
  return typedObject(served, value, context, { source });
}

/**
 * Checks a JSON value against the kind's table and returns it pruned, in the table's order, in the stored version.
 *
 * @param like the stored object that the value was made from; its parts are not looked at again
 */
export function typedObject(
  { storage, view }: Served,
  value: unknown,
  context: RequestContext,
  { source, like }: { readonly source?: TextProblems | undefined; readonly like?: ApiObject } = {},
): DraftObject {
  const { info, struct, custom } = view ?? storage.strategy;
  const named = withType(info, value);
  const { fieldValidation } = context;
  const options = { fieldValidation, source, like };
  const { object, warnings } =
    custom === undefined ? decodeObject(named, struct, options) : custom.decode(named, options);
  context.warnings.push(...warnings);
  if (view === undefined) {
    return object as DraftObject;
  }
  if (custom !== undefined) {
    return view.toStorage(object);
  }
  // What conversion made is brought into the order of the stored version's table.
  return normalizeObject(view.toStorage(object), storage.strategy.struct) as DraftObject;
}

/** What strict reading finds in a body that its value does not show: keys that stand twice. */
export function problemsIn(body: CallBody | undefined, value: unknown): TextProblems | undefined {
  if (body?.kind !== 'bytes' || body.contentType.includes('protobuf')) {
    return undefined;
  }
  if (!body.contentType.includes('yaml')) {
    return duplicatesIn(body.bytes, value);
  }
  const problem = yamlProblem(body.bytes, value);
  return problem === undefined ? undefined : { kind: 'yaml', problem };
}

/** The value with the kind of its path, which a client may leave out. @throws {StatusError} BadRequest for another kind */
function withType(info: ResourceInfo, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return value;
  }
  const { apiVersion = '', kind = '' }: { readonly apiVersion?: unknown; readonly kind?: unknown } = value;
  const expected = apiVersionOf(info);
  if ((kind !== '' && kind !== info.kind) || (apiVersion !== '' && apiVersion !== expected)) {
    throw badRequest(
      `the API version in the data (${String(apiVersion)}) does not match the expected API version (${expected})`,
    );
  }
  return apiVersion === '' || kind === '' ? { ...value, apiVersion: expected, kind: info.kind } : value;
}

/** DeleteOptions come in the body, or as query parameters when there is none. */
export function decodeDeleteOptions({ body, query }: ApiCall): Partial<DeleteOptions> {
  const hasBody = body !== undefined && (body.kind === 'object' || body.bytes.length > 0);
  if (hasBody) {
    const value = decodeValue(body);
    if (value === null || value === undefined) {
      return {};
    }
    const { object } = decodeObject({ ...value }, knownStruct('meta.v1.DeleteOptions'), {
      fieldValidation: 'Ignore',
    });
    return object as Partial<DeleteOptions>;
  }
  const grace = query.get('gracePeriodSeconds');
  const policy = query.get('propagationPolicy');
  const orphan = query.get('orphanDependents');
  return {
    ...(grace === null || grace === '' ? {} : { gracePeriodSeconds: readSeconds(grace) }),
    ...(policy === null || policy === '' ? {} : { propagationPolicy: policy }),
    ...(orphan === null || orphan === '' ? {} : { orphanDependents: orphan === 'true' }),
  };
}

function readSeconds(text: string): number {
  if (!/^-?\d{1,15}$/.test(text)) {
    throw badRequest(
      `unable to parse the query parameter gracePeriodSeconds: ${JSON.stringify(text)} is not a whole number`,
    );
  }
  return Number(text);
}
