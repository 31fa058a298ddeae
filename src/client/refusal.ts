import { StatusError, type StatusReason } from '#api/status-error.ts';
import { decodeJson, JsonDecodeError } from '#codec/json-decode.ts';

/** The reasons a server means by a status code when its answer carries none. */
const REASONS: Readonly<Record<number, StatusReason>> = {
  400: 'BadRequest',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  405: 'MethodNotAllowed',
  406: 'NotAcceptable',
  409: 'Conflict',
  410: 'Gone',
  413: 'RequestEntityTooLarge',
  415: 'UnsupportedMediaType',
  422: 'Invalid',
  429: 'TooManyRequests',
  500: 'InternalError',
  503: 'ServiceUnavailable',
  504: 'Timeout',
};

/** The error in an answer that is not a success, whether the API itself sent it or a proxy on the way. */
export function refusal(httpCode: number, text: string): StatusError {
  try {
    const status = decodeJson(text);
    if (typeof status === 'object' && status !== null && Reflect.get(status, 'kind') === 'Status') {
      return StatusError.fromStatus(status, httpCode);
    }
  } catch (error) {
    if (!(error instanceof JsonDecodeError)) {
      throw error;
    }
  }
  const message =
    text.trim() === '' ? `the server answered with status ${httpCode}` : text.trim().slice(0, 2048);
  return new StatusError({ code: httpCode, reason: REASONS[httpCode] ?? '', message });
}
