import {
  DEFAULT_SCALAR_STYLE_RULES,
  DUMP_SCHEMA,
  FAILSAFE_SCHEMA,
  NOT_RESOLVED,
  SCALAR_STYLE,
  YAMLException,
  type ScalarLayout,
  defineScalarTag,
  dump,
  loadAll,
  mergeTag,
} from 'js-yaml';
import { utf8Decode } from '#base/bytes.ts';
import { decodeJson, duplicateFields, JsonDecodeError } from './json-decode.ts';

/** The text is not YAML that the API takes. The message is a sentence for the client. */
export class YamlDecodeError extends Error {
  override readonly name = 'YamlDecodeError';
  readonly code = 'YAML_SYNTAX';
}

export interface YamlOptions {
  /** Refuse a key that stands twice in one mapping; otherwise the last one counts. */
  readonly isStrict?: boolean;
}

/** Aliases make a small text a large value; beyond this many nodes it is taken for an attack. */
const NODES_MAX = 1_000_000;
const ALIASES_MAX = 10_000;
const DEPTH_MAX = 500;

/**
 * Every document in the text, as JSON would have it, by the rules of Go's reader, which are YAML 1.1's: `yes`, `on` and `y`
 * are true, `010` is eight, dates stay text. Empty documents are left out. Integers beyond 2^53 are `bigint`.
 *
 * @throws {YamlDecodeError}
 */
export function decodeYamlDocuments(
  body: Uint8Array | string,
  options: YamlOptions = {},
): readonly unknown[] {
  try {
    const text = typeof body === 'string' ? body : utf8Decode(body);
    const documents = loadAll(text, {
      schema: GO_SCHEMA,
      json: options.isStrict !== true,
      maxAliases: ALIASES_MAX,
      maxDepth: DEPTH_MAX,
    });
    countNodes(documents, { left: NODES_MAX });
    return documents.filter((document) => document !== null && document !== undefined);
  } catch (error) {
    throw new YamlDecodeError(errorText(error), { cause: error });
  }
}

/** The first document, as the server reads a body; null when there is none. */
export function decodeYaml(body: Uint8Array | string, options: YamlOptions = {}): unknown {
  if (options.isStrict !== true && beginsObject(body)) {
    try {
      return decodeJson(body);
    } catch (error) {
      // Braces begin YAML of the flow style too.
      if (!(error instanceof JsonDecodeError)) {
        throw error;
      }
    }
  }
  return decodeYamlDocuments(body, options)[0] ?? null;
}

/**
 * What Go's strict reader says of keys that stand twice in one mapping; undefined when there are none. Names the first
 * one alone.
 *
 * @param value the result of decoding the body
 */
export function yamlProblem(body: Uint8Array | string, value: unknown): string | undefined {
  if (beginsObject(body) && duplicateFields(body, value).length === 0) {
    return undefined;
  }
  try {
    decodeYamlDocuments(body, { isStrict: true });
  } catch (error) {
    const cause = error instanceof YamlDecodeError ? error.cause : undefined;
    if (cause instanceof YAMLException && cause.mark !== undefined) {
      return duplicateKeyText(cause.mark);
    }
    throw error;
  }
  return undefined;
}

function duplicateKeyText({ buffer, position, line }: NonNullable<YAMLException['mark']>): string {
  const text = buffer.slice(position);
  const quote = buffer[position - 1] ?? '';
  const [key = ''] = /["']/.test(quote) ? text.split(quote) : text.split(/\s*[:\n]/);
  return `error converting YAML to JSON: yaml: unmarshal errors:\n  line ${line + 1}: key ${JSON.stringify(key)} already set in map`;
}

/** JSON is YAML, and programs send it under YAML's name: its own reader takes a tenth of the time. */
function beginsObject(body: Uint8Array | string): boolean {
  return typeof body === 'string' ? body.startsWith('{') : body[0] === 0x7b;
}

/** Block style with sorted keys, the way `kubectl -o yaml` prints. Undefined values are left out. */
export function encodeYaml(value: unknown): string {
  return dump(sortedKeys(value), {
    schema: DUMP_SCHEMA,
    noRefs: true,
    skipInvalid: true,
    seqNoIndent: true,
    lineWidth: -1,
    scalarStyleRules: [quoteAmbiguous, ...Object.values(DEFAULT_SCALAR_STYLE_RULES)],
  });
}

function errorText(error: unknown): string {
  const message = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
  return `error converting YAML to JSON: yaml: ${message}`;
}

class ExpansionError extends Error {
  override readonly name = 'ExpansionError';
}

function countNodes(value: unknown, budget: { left: number }): void {
  budget.left -= 1;
  if (budget.left < 0) {
    throw new ExpansionError('document contains excessive aliasing');
  }
  if (typeof value === 'object' && value !== null) {
    for (const item of Object.values(value)) {
      countNodes(item, budget);
    }
  }
}

const TRUE = /^(?:y|Y|yes|Yes|YES|true|True|TRUE|on|On|ON)$/;
const FALSE = /^(?:n|N|no|No|NO|false|False|FALSE|off|Off|OFF)$/;
const NULL = /^(?:~|null|Null|NULL|)$/;
const INTEGER = /^[-+]?(?:0[bB][01]+|0[xX][0-9a-fA-F]+|0[oO]?[0-7]+|0|[1-9][0-9]*)$/;
const FLOAT = /^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/;

/** What a plain scalar means, or undefined when it is text. */
function plainValue(source: string): boolean | number | bigint | null | undefined {
  if (NULL.test(source)) {
    return null;
  }
  if (TRUE.test(source)) {
    return true;
  }
  if (FALSE.test(source)) {
    return false;
  }
  const digits = source.replaceAll('_', '');
  if (/^[-+]?[0-9]/.test(source) && INTEGER.test(digits)) {
    return integerValue(digits);
  }
  return /^[-+.0-9]/.test(source) && FLOAT.test(digits) ? Number(digits) : undefined;
}

function integerValue(digits: string): number | bigint {
  const isNegative = digits.startsWith('-');
  const magnitude = digits.replace(/^[-+]/, '');
  const exact = BigInt(/^0[0-7]+$/.test(magnitude) ? `0o${magnitude.slice(1)}` : magnitude);
  const value = isNegative ? -exact : exact;
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

function implicitTag(name: string, accepts: (value: unknown) => boolean) {
  return defineScalarTag(`tag:yaml.org,2002:${name}`, {
    implicit: true,
    resolve: (source) => {
      const value = plainValue(source);
      return value !== undefined && accepts(value) ? value : NOT_RESOLVED;
    },
    identify: () => false,
  });
}

const GO_SCHEMA = FAILSAFE_SCHEMA.withTags(
  implicitTag('null', (value) => value === null),
  implicitTag('bool', (value) => typeof value === 'boolean'),
  implicitTag('int', (value) => typeof value === 'bigint' || Number.isInteger(value)),
  implicitTag('float', (value) => typeof value === 'number'),
  mergeTag,
);

/** Text that would be read back as something else is put in double quotes, as Go's writer does. */
function quoteAmbiguous(layout: ScalarLayout): void {
  const isText = layout.node.tag === 'tag:yaml.org,2002:str';
  if (isText && layout.style === SCALAR_STYLE.PLAIN) {
    const { value } = layout.node;
    if (plainValue(value) !== undefined || /^\d{4}-\d\d?-\d\d?(?:$|[Tt\s])/.test(value)) {
      layout.style = SCALAR_STYLE.DOUBLE_QUOTED;
    }
  }
}

function sortedKeys(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map(sortedKeys);
  }
  if (typeof value === 'bigint') {
    return Number(value);
  }
  if (typeof value !== 'object' || value === null) {
    return value;
  }
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  entries.sort(([left], [right]) => (left < right ? -1 : 1));
  return Object.fromEntries(entries.map(([key, item]) => [key, sortedKeys(item)]));
}
