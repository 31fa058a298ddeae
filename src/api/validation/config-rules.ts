import { configKeyProblems, dnsLabelProblems, qualifiedNameProblems } from '../names.ts';
import type { ConfigMap, Namespace, Secret } from '../types/core.v1.ts';
import type { KindRules } from './kind-rules.ts';
import { checkFinalizerOwner } from './object-meta.ts';
import type { Problems } from './problems.ts';

/** All values of one ConfigMap or Secret together. */
const DATA_BYTES_MAX = 1024 * 1024;
const FROZEN = 'field is immutable when `immutable` is set';

export const CONFIG_MAP_RULES: KindRules<ConfigMap> = {
  check(problems, { data, binaryData }) {
    let bytes = 0;
    for (const key in data) {
      problems.names(`data[${key}]`, key, configKeyProblems(key));
      if (binaryData !== undefined && Object.hasOwn(binaryData, key)) {
        problems.invalid(`data[${key}]`, key, 'duplicate of key present in binaryData');
      }
      bytes += Buffer.byteLength(data[key] ?? '');
    }
    for (const key in binaryData) {
      problems.names(`binaryData[${key}]`, key, configKeyProblems(key));
      bytes += decodedLength(binaryData[key] ?? '');
    }
    if (bytes > DATA_BYTES_MAX) {
      problems.tooLong('[]', DATA_BYTES_MAX);
    }
  },
  onUpdate(problems, next, previous) {
    checkFrozen(problems, next, previous, ['data', 'binaryData']);
  },
};

/** What a Secret of a type cannot do without. */
const REQUIRED_KEYS: Readonly<Record<string, readonly string[]>> = {
  'kubernetes.io/dockercfg': ['.dockercfg'],
  'kubernetes.io/dockerconfigjson': ['.dockerconfigjson'],
  'kubernetes.io/ssh-auth': ['ssh-privatekey'],
  'kubernetes.io/tls': ['tls.crt', 'tls.key'],
};
const BASIC_AUTH_KEYS = ['username', 'password'];
const ACCOUNT_NAME = 'kubernetes.io/service-account.name';

export const SECRET_RULES: KindRules<Secret> = {
  check(problems, { metadata, data, type = '' }) {
    let bytes = 0;
    for (const key in data) {
      problems.names(`data[${key}]`, key, configKeyProblems(key));
      bytes += decodedLength(data[key] ?? '');
    }
    if (bytes > DATA_BYTES_MAX) {
      problems.tooLong('data', DATA_BYTES_MAX);
    }
    for (const key of REQUIRED_KEYS[type] ?? []) {
      const value = data?.[key];
      if (value === undefined || (value === '' && type === 'kubernetes.io/ssh-auth')) {
        problems.required(`data[${key}]`);
      } else if (key.startsWith('.docker')) {
        checkJson(problems, `data[${key}]`, value);
      }
    }
    if (type === 'kubernetes.io/basic-auth' && !BASIC_AUTH_KEYS.some((key) => data?.[key] !== undefined)) {
      for (const key of BASIC_AUTH_KEYS) {
        problems.required(`data[${key}]`);
      }
    }
    if (
      type === 'kubernetes.io/service-account-token' &&
      (metadata.annotations?.[ACCOUNT_NAME] ?? '') === ''
    ) {
      problems.required(`metadata.annotations[${ACCOUNT_NAME}]`);
    }
  },
  onUpdate(problems, next, previous) {
    problems.immutable('type', next.type, previous.type);
    checkFrozen(problems, next, previous, ['data']);
  },
};

/** A JSON object; the value itself is never shown. */
function checkJson(problems: Problems, path: string, base64: string): void {
  const redacted = '<secret contents redacted>';
  const text = Buffer.from(base64, 'base64').toString();
  try {
    const value: unknown = JSON.parse(text);
    if (value !== null && (typeof value !== 'object' || Array.isArray(value))) {
      const what = Array.isArray(value) ? 'array' : typeof value === 'boolean' ? 'bool' : typeof value;
      problems.invalid(
        path,
        redacted,
        `json: cannot unmarshal ${what} into Go value of type map[string]interface {}`,
      );
    }
  } catch (error) {
    if (!(error instanceof SyntaxError)) {
      throw error;
    }
    problems.invalid(path, redacted, jsonSyntaxText(text));
  }
}

/** What upstream's parser says of the first character that is out of place, as far as it is simple to tell. */
function jsonSyntaxText(text: string): string {
  const trimmed = text.trimStart();
  if (trimmed === '') {
    return 'unexpected end of JSON input';
  }
  const first = trimmed[0] ?? '';
  return '{["-0123456789tfn'.includes(first)
    ? 'unexpected end of JSON input'
    : `invalid character '${first}' looking for beginning of value`;
}

type Frozen = Partial<Pick<ConfigMap, 'immutable' | 'data' | 'binaryData'>>;

function checkFrozen(
  problems: Problems,
  next: Frozen,
  previous: Frozen,
  fields: readonly ('data' | 'binaryData')[],
): void {
  if (previous.immutable !== true) {
    return;
  }
  if (next.immutable !== true) {
    problems.forbidden('immutable', FROZEN);
  }
  for (const field of fields) {
    const [after, before] = [next[field] ?? {}, previous[field] ?? {}];
    const keys = new Set([...Object.keys(after), ...Object.keys(before)]);
    if ([...keys].some((key) => after[key] !== before[key])) {
      problems.forbidden(field, FROZEN);
    }
  }
}

function decodedLength(base64: string): number {
  return Buffer.byteLength(base64, 'base64');
}

export const NAMESPACE_RULES: KindRules<Namespace> = {
  nameRule: dnsLabelProblems,
  check(problems, { spec }) {
    for (const finalizer of spec.finalizers ?? []) {
      problems.names('spec.finalizers', finalizer, qualifiedNameProblems(finalizer));
      checkFinalizerOwner(problems, 'spec.finalizers', finalizer);
    }
  },
  onStatusUpdate(problems, next) {
    const isDeleted = next.metadata.deletionTimestamp !== undefined;
    const { phase } = next.status;
    if (isDeleted && phase !== 'Terminating') {
      problems.invalid(
        'status.Phase',
        phase,
        "may only be 'Terminating' if `deletionTimestamp` is not empty",
      );
    }
    if (!isDeleted && phase !== 'Active') {
      problems.invalid('status.Phase', phase, "may only be 'Active' if `deletionTimestamp` is empty");
    }
  },
};
