import { declare, method } from '../declarations.ts';
import type { Library } from '../declarations.ts';
import { TimestampText } from '../time-text.ts';
import { structType } from '../types.ts';
import { EvaluationError, ListValue, OptionalValue, SizedValue } from '../value.ts';
import type { OpaqueValue, Value } from '../value.ts';
import { parseUrl } from './url.ts';

export const FORMAT_TYPE = structType('kubernetes.NamedFormat');

/** What is wrong with a text; nothing when it has the format. */
type Validate = (text: string) => readonly string[];

class FormatValue extends SizedValue {
  readonly type = FORMAT_TYPE;
  readonly name: string;
  readonly validate: Validate;
  /** Length of the pattern upstream takes the format to have, which is what validating is charged by. */
  readonly size: number;

  constructor(name: string, size: number, validate: Validate) {
    super();
    this.name = name;
    this.size = size;
    this.validate = validate;
  }

  equals(other: OpaqueValue): boolean {
    return other instanceof FormatValue && other.name === this.name;
  }
}

interface NameRule {
  readonly pattern: RegExp;
  readonly lengthMax: number;
  readonly message: string;
}

const LABEL: NameRule = {
  pattern: /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/,
  lengthMax: 63,
  message:
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')",
};

const SUBDOMAIN: NameRule = {
  pattern: /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/,
  lengthMax: 253,
  message:
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
};

const LABEL_1035: NameRule = {
  pattern: /^[a-z]([-a-z0-9]*[a-z0-9])?$/,
  lengthMax: 63,
  message:
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')",
};

const LABEL_VALUE: NameRule = {
  pattern: /^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/,
  lengthMax: 63,
  message:
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')",
};

const QUALIFIED_NAME: NameRule = {
  pattern: /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/,
  lengthMax: 63,
  message:
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')",
};

/** A dash at the end of a prefix is what a generated name goes on after. */
function named(rule: NameRule, isPrefix = false): Validate {
  return (text) => {
    const whole = isPrefix && text.endsWith('-') ? `${text.slice(0, -1)}a` : text;
    const problems: string[] = [];
    if (whole.length > rule.lengthMax) {
      problems.push(`must be no more than ${rule.lengthMax} bytes`);
    }
    // A name past the longest is not worth matching, however the pattern fares on it.
    if (!rule.pattern.test(whole.slice(0, rule.lengthMax + 1)) && whole.length <= rule.lengthMax) {
      problems.push(rule.message);
    }
    return problems;
  };
}

function qualifiedName(text: string): readonly string[] {
  const parts = text.split('/');
  const [prefix = '', name = ''] = parts.length === 1 ? ['', text] : parts;
  if (parts.length > 2) {
    return [
      `a qualified name ${QUALIFIED_NAME.message} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`,
    ];
  }
  const problems: string[] = [];
  if (parts.length === 2) {
    const found = prefix === '' ? ['must be non-empty'] : named(SUBDOMAIN)(prefix);
    problems.push(...found.map((problem) => `prefix part ${problem}`));
  }
  const found = name === '' ? ['must be non-empty'] : named(QUALIFIED_NAME)(name);
  return [...problems, ...found.map((problem) => `name part ${problem}`)];
}

function when(isValid: (text: string) => boolean, problem: string): Validate {
  return (text) => (isValid(text) ? [] : [problem]);
}

function uri(text: string): readonly string[] {
  const parsed = parseUrl(text);
  return 'error' in parsed ? [parsed.error] : [];
}

const UUID = /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

function isDateTime(text: string): boolean {
  return !(TimestampText.parse(text) instanceof EvaluationError);
}

function isDate(text: string): boolean {
  return /^\d{4}-\d\d-\d\d$/.test(text) && !(TimestampText.parseDate(text) instanceof EvaluationError);
}

const FORMATS: ReadonlyMap<string, FormatValue> = new Map(
  (
    [
      ['dns1123Label', 'DNS1123Label', 30, named(LABEL)],
      ['dns1123Subdomain', 'DNS1123Subdomain', 60, named(SUBDOMAIN)],
      ['dns1035Label', 'DNS1035Label', 30, named(LABEL_1035)],
      ['qualifiedName', 'QualifiedName', 60, qualifiedName],
      ['dns1123LabelPrefix', 'DNS1123LabelPrefix', 30, named(LABEL, true)],
      ['dns1123SubdomainPrefix', 'DNS1123SubdomainPrefix', 60, named(SUBDOMAIN, true)],
      ['dns1035LabelPrefix', 'DNS1035LabelPrefix', 30, named(LABEL_1035, true)],
      ['labelValue', 'LabelValue', 40, named(LABEL_VALUE)],
      ['uri', 'URI', 1000, uri],
      ['uuid', 'uuid', 99, when((text) => UUID.test(text), 'does not match the UUID format')],
      ['byte', 'byte', 84, when((text) => BASE64.test(text), 'invalid base64')],
      ['date', 'date', 104, when(isDate, 'invalid date')],
      ['datetime', 'datetime', 104, when(isDateTime, 'invalid datetime')],
    ] as const
  ).map(([key, name, size, validate]) => [key, new FormatValue(name, size, validate)]),
);

function find(name: string): Value {
  const format = FORMATS.get(name);
  return format === undefined ? OptionalValue.NONE : new OptionalValue(format);
}

function validate(format: FormatValue, text: string): Value {
  const problems = format.validate(text);
  return problems.length === 0 ? OptionalValue.NONE : new OptionalValue(ListValue.of(problems));
}

/** `format.dns1123Label().validate(name)`: what is wrong with a name, or none. */
export const FORMAT: Library = {
  types: [FORMAT_TYPE],
  overloads: [
    declare('format-named', `format.named(string): optional(${FORMAT_TYPE.name})`, find),
    method('format-validate', `validate(${FORMAT_TYPE.name}, string): optional(list(string))`, validate),
    ...Array.from(FORMATS, ([name, format]) =>
      declare(`format.${name}`, `format.${name}(): ${FORMAT_TYPE.name}`, () => format),
    ),
  ],
};

/** `jsonpatch.escapeKey('a/b')`, for keys within the path of a patch. */
export const JSON_PATCH: Library = {
  overloads: [
    declare('string_jsonpatch_escapeKey_string', 'jsonpatch.escapeKey(string): string', (key: string) =>
      key.replaceAll('~', '~0').replaceAll('/', '~1'),
    ),
  ],
};
