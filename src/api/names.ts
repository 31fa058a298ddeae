/** What is wrong with a name, one sentence each; empty when it is valid. */
export type NameProblems = readonly string[];

const VALID: NameProblems = [];

export const DNS_LABEL_MAX = 63;
export const DNS_SUBDOMAIN_MAX = 253;
const LABEL_VALUE_MAX = 63;
const PORT_NAME_MAX = 15;

const LABEL = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const SUBDOMAIN = `${LABEL}(\\.${LABEL})*`;
const WILDCARD = `\\*\\.${SUBDOMAIN}`;
const LABEL_1035 = '[a-z]([-a-z0-9]*[a-z0-9])?';
const QUALIFIED = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]';
const LABEL_VALUE = `(${QUALIFIED})?`;
const CONFIG_KEY = '[-._a-zA-Z0-9]+';
const HEADER = '[-A-Za-z0-9]+';
const PERCENT = '[0-9]+%';
const C_IDENTIFIER = '[A-Za-z_][A-Za-z0-9_]*';

const whole = (pattern: string): RegExp => new RegExp(`^(?:${pattern})$`);

const LABEL_REGEXP = whole(LABEL);
const SUBDOMAIN_REGEXP = whole(SUBDOMAIN);
const WILDCARD_REGEXP = whole(WILDCARD);
const LABEL_1035_REGEXP = whole(LABEL_1035);
const QUALIFIED_REGEXP = whole(QUALIFIED);
const LABEL_VALUE_REGEXP = whole(LABEL_VALUE);
const CONFIG_KEY_REGEXP = whole(CONFIG_KEY);
const HEADER_REGEXP = whole(HEADER);
const PERCENT_REGEXP = whole(PERCENT);
const C_IDENTIFIER_REGEXP = whole(C_IDENTIFIER);

/** `must be no more than 63 bytes`. */
export function tooLongText(limit: number): string {
  return `must be no more than ${limit} bytes`;
}

/** `must be between 1 and 65535, inclusive`. */
export function rangeText(low: number, high: number): string {
  return `must be between ${low} and ${high}, inclusive`;
}

function patternText(rule: string, pattern: string, ...examples: readonly string[]): string {
  // Two spaces before "or": clients have matched on this text for years.
  const list = examples.map((example) => `'${example}', `).join(' or ');
  return `${rule} (${examples.length === 0 ? '' : `e.g. ${list}`}regex used for validation is '${pattern}')`;
}

/** A DNS label: the name of a namespace, a container, a volume. */
export function dnsLabelProblems(value: string): NameProblems {
  const isShort = value.length <= DNS_LABEL_MAX;
  if (isShort && LABEL_REGEXP.test(value)) {
    return VALID;
  }
  const problems = isShort ? [] : [tooLongText(DNS_LABEL_MAX)];
  if (!LABEL_REGEXP.test(value)) {
    problems.push(
      SUBDOMAIN_REGEXP.test(value)
        ? 'must not contain dots'
        : patternText(
            "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character",
            LABEL,
            'my-name',
            '123-abc',
          ),
    );
  }
  return problems;
}

/** A DNS subdomain: the name of most objects. */
export function dnsSubdomainProblems(value: string): NameProblems {
  return problemsOf(value, DNS_SUBDOMAIN_MAX, SUBDOMAIN_REGEXP, () =>
    patternText(
      "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character",
      SUBDOMAIN,
      'example.com',
    ),
  );
}

/** `*.example.com`. */
export function wildcardSubdomainProblems(value: string): NameProblems {
  return problemsOf(value, DNS_SUBDOMAIN_MAX, WILDCARD_REGEXP, () =>
    patternText(
      "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character",
      WILDCARD,
      '*.example.com',
    ),
  );
}

/** The stricter label of RFC 1035, which may not start with a digit: the name of a Service. */
export function dns1035LabelProblems(value: string): NameProblems {
  return problemsOf(value, DNS_LABEL_MAX, LABEL_1035_REGEXP, () =>
    patternText(
      "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character",
      LABEL_1035,
      'my-name',
      'abc-123',
    ),
  );
}

/** A label or annotation key, a finalizer, a resource name: `name` or `example.com/name`. */
export function qualifiedNameProblems(value: string): NameProblems {
  const parts = value.split('/');
  const name = parts.at(-1) ?? '';
  if (parts.length === 1 && name.length <= DNS_LABEL_MAX && QUALIFIED_REGEXP.test(name)) {
    return VALID;
  }
  const rule = () =>
    patternText(
      "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
      QUALIFIED,
      'MyName',
      'my.name',
      '123-abc',
    );
  if (parts.length > 2) {
    return [
      `a qualified name ${rule()} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`,
    ];
  }
  const problems: string[] = [];
  if (parts.length === 2) {
    const prefix = parts[0] ?? '';
    const prefixProblems = prefix === '' ? ['must be non-empty'] : dnsSubdomainProblems(prefix);
    problems.push(...prefixProblems.map((problem) => `prefix part ${problem}`));
  }
  if (name === '') {
    problems.push('name part must be non-empty');
  } else if (name.length > DNS_LABEL_MAX) {
    problems.push(`name part ${tooLongText(DNS_LABEL_MAX)}`);
  }
  if (!QUALIFIED_REGEXP.test(name)) {
    problems.push(`name part ${rule()}`);
  }
  return problems;
}

/** What keeps a text from being the value of a label; empty when nothing does. */
export function labelValueProblems(value: string): NameProblems {
  return problemsOf(value, LABEL_VALUE_MAX, LABEL_VALUE_REGEXP, () =>
    patternText(
      "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
      LABEL_VALUE,
      'MyValue',
      'my_value',
      '12345',
    ),
  );
}

/** A key in the data of a ConfigMap or Secret; it becomes a file name. */
export function configKeyProblems(value: string): NameProblems {
  const problems = problemsOf(value, DNS_SUBDOMAIN_MAX, CONFIG_KEY_REGEXP, () =>
    patternText(
      "a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
      CONFIG_KEY,
      'key.name',
      'KEY_NAME',
      'key-name',
    ),
  );
  if (value === '.' || value === '..') {
    return [...problems, `must not be '${value}'`];
  }
  return value.startsWith('..') ? [...problems, "must not start with '..'"] : problems;
}

/** An environment variable: printable ASCII without `=`. */
export function envNameProblems(value: string): NameProblems {
  if (value === '') {
    return ['environment variable name must be non-empty'];
  }
  return /^[ -<>-~]+$/.test(value)
    ? VALID
    : ["a valid environment variable name must consist only of printable ASCII characters other than '='"];
}

/** The name of a container's or Service's port. */
export function portNameProblems(value: string): NameProblems {
  const problems: string[] = [];
  if (value.length > PORT_NAME_MAX) {
    problems.push(tooLongText(PORT_NAME_MAX));
  }
  if (!/^[-a-z0-9]+$/.test(value)) {
    problems.push('must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)');
  }
  if (!/[a-z]/.test(value)) {
    problems.push('must contain at least one letter (a-z)');
  }
  if (value.includes('--')) {
    problems.push('must not contain consecutive hyphens');
  }
  if (value.startsWith('-') || value.endsWith('-')) {
    problems.push('must not begin or end with a hyphen');
  }
  return problems;
}

export function portNumberProblems(value: number): NameProblems {
  return Number.isInteger(value) && value >= 1 && value <= 65_535 ? VALID : [rangeText(1, 65_535)];
}

export function headerNameProblems(value: string): NameProblems {
  return HEADER_REGEXP.test(value)
    ? VALID
    : [
        patternText(
          "a valid HTTP header must consist of alphanumeric characters or '-'",
          HEADER,
          'X-Header-Name',
        ),
      ];
}

export function percentProblems(value: string): NameProblems {
  return PERCENT_REGEXP.test(value)
    ? VALID
    : [
        patternText(
          "a valid percent string must be a numeric string followed by an ending '%'",
          PERCENT,
          '1%',
          '93%',
        ),
      ];
}

export function cIdentifierProblems(value: string): NameProblems {
  return C_IDENTIFIER_REGEXP.test(value)
    ? VALID
    : [
        patternText(
          "a valid C identifier must start with alphabetic character or '_', followed by a string of alphanumeric characters or '_'",
          C_IDENTIFIER,
          'my_name',
          'MY_NAME',
          'MyName',
        ),
      ];
}

/** A name that stands in a URL as one path segment and has no other rule: roles, bindings. */
export function pathSegmentProblems(value: string): NameProblems {
  if (value === '.' || value === '..') {
    return [`may not be '${value}'`];
  }
  const illegal = ['/', '%'].filter((character) => value.includes(character));
  return illegal.map((character) => `may not contain '${character}'`);
}

function problemsOf(value: string, limit: number, pattern: RegExp, text: () => string): NameProblems {
  const isShort = value.length <= limit;
  const isMatch = pattern.test(value);
  if (isShort && isMatch) {
    return VALID;
  }
  return [...(isShort ? [] : [tooLongText(limit)]), ...(isMatch ? [] : [text()])];
}
