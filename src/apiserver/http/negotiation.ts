import { StatusError } from '#api/status-error.ts';
import { OPENAPI_V2_PROTOBUF } from '../openapi/document-protobuf.ts';

/** What form of answer a client asked for. */
export interface AcceptedForm {
  readonly encoding: 'json' | 'yaml' | 'protobuf';
  /** `Table`, `PartialObjectMetadata` or `PartialObjectMetadataList` instead of the object itself. */
  readonly as: string | undefined;
  /** The object itself would do as well. */
  readonly takesPlain: boolean;
  readonly isPretty: boolean;
  /** The parameters of the chosen media type; discovery reads `g` and `v` from them. */
  readonly parameters: ReadonlyMap<string, string>;
}

export const PROTOBUF_TYPE = 'application/vnd.kubernetes.protobuf';

const NO_PARAMETERS: ReadonlyMap<string, string> = new Map();
const JSON_FORM: AcceptedForm = {
  encoding: 'json',
  as: undefined,
  takesPlain: true,
  isPretty: false,
  parameters: NO_PARAMETERS,
};

/** The group and versions in which the transformed forms exist. */
const TRANSFORM_GROUP = 'meta.k8s.io';
const TRANSFORMS: ReadonlySet<string> = new Set([
  'Table',
  'PartialObjectMetadata',
  'PartialObjectMetadataList',
]);

const cache = new Map<string, AcceptedForm | undefined>();
/** Different Accept headers remembered; clients send a handful. */
const CACHE_MAX = 1000;

/**
 * Chooses among what the client accepts, in the client's order.
 *
 * @throws {StatusError} NotAcceptable when nothing fits
 */
export function negotiate(accept: string | undefined): AcceptedForm {
  if (accept === undefined || accept === '' || accept === '*/*' || accept === 'application/json') {
    return JSON_FORM;
  }
  let form = cache.get(accept);
  if (form === undefined && !cache.has(accept)) {
    form = choose(accept);
    if (cache.size < CACHE_MAX) {
      cache.set(accept, form);
    }
  }
  if (form === undefined) {
    throw notAcceptable();
  }
  return form;
}

export function notAcceptable(): StatusError {
  return new StatusError({
    code: 406,
    reason: 'NotAcceptable',
    message:
      'only the following media types are accepted: application/json, application/yaml, application/vnd.kubernetes.protobuf',
  });
}

function choose(accept: string): AcceptedForm | undefined {
  const forms = accept.split(',').flatMap((range) => formOf(range) ?? []);
  const [first] = forms;
  return first && { ...first, takesPlain: forms.some(({ as }) => as === undefined) };
}

function formOf(range: string): AcceptedForm | undefined {
  const [type = '', ...rest] = range.split(';').map((part) => part.trim());
  const parameters = new Map(rest.map((part) => splitParameter(part)));
  const encoding = encodingOf(type);
  if (encoding === undefined) {
    return undefined;
  }
  const as = parameters.get('as');
  const isDiscovery = parameters.get('g') === 'apidiscovery.k8s.io';
  const isTransform =
    as !== undefined &&
    TRANSFORMS.has(as) &&
    parameters.get('g') === TRANSFORM_GROUP &&
    parameters.get('v') === 'v1';
  // A form this server does not have is passed over for the client's next choice.
  // Tables and partial metadata are written in JSON only.
  if (as !== undefined && ((!isTransform && !isDiscovery) || encoding === 'protobuf')) {
    return undefined;
  }
  return {
    encoding,
    as: isTransform ? as : undefined,
    takesPlain: !isTransform,
    isPretty: parameters.get('pretty') === '1',
    parameters,
  };
}

function encodingOf(type: string): AcceptedForm['encoding'] | undefined {
  switch (type) {
    case 'application/json':
    case 'application/*':
    case '*/*':
    // One document is asked for in this form, and whoever answers it writes it.
    case OPENAPI_V2_PROTOBUF:
      return 'json';
    case 'application/yaml':
      return 'yaml';
    case PROTOBUF_TYPE:
      return 'protobuf';
    default:
      return undefined;
  }
}

function splitParameter(part: string): readonly [string, string] {
  const equals = part.indexOf('=');
  return equals < 0 ? [part, ''] : [part.slice(0, equals), part.slice(equals + 1)];
}
