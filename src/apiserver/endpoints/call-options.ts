import { badRequest, invalid } from '#api/status-error.ts';
import type { ListOptions } from '../registry/list.ts';
import type { RequestContext, WriteOptions } from '../registry/request-context.ts';
import type { VersionView } from '../registry/versions/version-view.ts';
import type { WatchOptions } from '../registry/watch.ts';
import { isTrue } from '../request-info.ts';
import type { ApiCall } from './api-call.ts';

/** Longest name of a field manager, as the API documents it. */
const FIELD_MANAGER_LENGTH_MAX = 128;

/**
 * @param view the version that the client speaks, when it is not the stored one
 * @throws {StatusError} for values that are not allowed
 */
export function contextOf(
  call: ApiCall,
  verb: 'create' | 'update' | 'patch' | 'delete',
  view?: VersionView,
): RequestContext {
  return {
    user: call.user,
    isDryRun: readDryRun(call.query.getAll('dryRun'), verb),
    fieldManager: readFieldManager(call),
    fieldValidation: readFieldValidation(call.query.get('fieldValidation') ?? '', verb),
    group: call.info.group,
    warnings: call.warnings,
    options: writeOptions(call.query),
    view,
    annotate: call.audit?.annotate,
  };
}

const NO_OPTIONS: WriteOptions = {};

/** As the client gave them; the server's own defaults are none of its options. */
function writeOptions(query: URLSearchParams): WriteOptions {
  const fieldManager = query.get('fieldManager') ?? '';
  const fieldValidation = query.get('fieldValidation') ?? '';
  return fieldManager === '' && fieldValidation === ''
    ? NO_OPTIONS
    : {
        ...(fieldManager === '' ? {} : { fieldManager }),
        ...(fieldValidation === '' ? {} : { fieldValidation }),
      };
}

function readDryRun(values: readonly string[], verb: string): boolean {
  const given = values.filter((value) => value !== '');
  const wrong = given.filter((value) => value !== 'All');
  if (wrong.length > 0) {
    throw invalid({ group: 'meta.k8s.io', kind: optionsKind(verb) }, '', [
      {
        path: 'dryRun',
        reason: 'FieldValueNotSupported',
        badValue: given,
        detail: 'supported values: "All"',
      },
    ]);
  }
  return given.length > 0;
}

function optionsKind(verb: string): string {
  return `${verb.charAt(0).toUpperCase()}${verb.slice(1)}Options`;
}

function readFieldValidation(value: string, verb: string): RequestContext['fieldValidation'] {
  switch (value) {
    case '':
    case 'Warn':
      return 'Warn';
    case 'Strict':
    case 'Ignore':
      return value;
    default:
      throw invalid({ group: 'meta.k8s.io', kind: optionsKind(verb) }, '', [
        {
          path: 'fieldValidation',
          reason: 'FieldValueNotSupported',
          badValue: value,
          detail: 'supported values: "", "Ignore", "Strict", "Warn"',
        },
      ]);
  }
}

function readFieldManager({ query, userAgent }: ApiCall): string {
  const given = query.get('fieldManager') ?? '';
  if (given.length > FIELD_MANAGER_LENGTH_MAX) {
    throw invalid({ group: 'meta.k8s.io', kind: 'UpdateOptions' }, '', [
      {
        path: 'fieldManager',
        reason: 'FieldValueTooLong',
        detail: `may not be more than ${FIELD_MANAGER_LENGTH_MAX} bytes`,
      },
    ]);
  }
  // Without a name, the program's own is taken from the start of its user agent.
  return given === ''
    ? (userAgent.split('/')[0] ?? '').slice(0, FIELD_MANAGER_LENGTH_MAX) || 'unknown'
    : given;
}

export function listOptionsOf(query: URLSearchParams): ListOptions {
  return {
    limit: readCount(query.get('limit'), 'limit'),
    continue: query.get('continue') ?? '',
    resourceVersion: query.get('resourceVersion') ?? '',
    resourceVersionMatch: query.get('resourceVersionMatch') ?? '',
  };
}

export function watchOptionsOf(query: URLSearchParams): WatchOptions {
  const sendInitialEvents = query.get('sendInitialEvents');
  return {
    resourceVersion: query.get('resourceVersion') ?? '',
    resourceVersionMatch: query.get('resourceVersionMatch') ?? '',
    sendInitialEvents: sendInitialEvents === null ? undefined : isTrue(sendInitialEvents),
    allowBookmarks: isTrue(query.get('allowWatchBookmarks')),
  };
}

/** Reads a whole number of at least 0 from a query; 0 when it is left out. */
export function readCount(text: string | null, name: string): number {
  if (text === null || text === '') {
    return 0;
  }
  if (!/^-?\d{1,15}$/.test(text)) {
    throw badRequest(
      `unable to parse the query parameter ${name}: ${JSON.stringify(text)} is not a whole number`,
    );
  }
  return Math.max(Number(text), 0);
}
