import { qualifiedNameProblems } from '#api/names.ts';
import { pemDecode } from '#base/x509/pem.ts';
import {
  ConfigFileError,
  ConfigProblems,
  fieldsOf,
  listOf,
  readConfigFile,
  textOf,
  type ConfigFields,
} from '../../config-file.ts';
import { IdentityExpression, type Subject } from './claim-expressions.ts';
import type { JwtConfiguration, Mapping, ValidationRule } from './jwt-configuration.ts';
import { TOKEN_ALGORITHMS } from './json-web-key-set.ts';

const API_VERSIONS = [
  'apiserver.config.k8s.io/v1',
  'apiserver.config.k8s.io/v1beta1',
  'apiserver.config.k8s.io/v1alpha1',
];
const ISSUERS_MAX = 64;

export interface AnonymousConfiguration {
  readonly isEnabled: boolean;
  /** The only paths it holds for; all of them when left out. */
  readonly paths: readonly string[] | undefined;
}

export interface AuthenticationConfiguration {
  readonly jwt: readonly JwtConfiguration[];
  /** Left out, what `--anonymous-auth` says. */
  readonly anonymous: AnonymousConfiguration | undefined;
}

/**
 * Reads an AuthenticationConfiguration.
 *
 * @param ownIssuers issuers of service account tokens, whose tokens nobody else may vouch for
 * @throws {ConfigFileError} with everything that is wrong with it
 */
export function parseAuthenticationConfiguration(
  text: string,
  ownIssuers: readonly string[],
): AuthenticationConfiguration {
  const document = readConfigFile(text, API_VERSIONS, 'AuthenticationConfiguration');
  const reader = new Reader(ownIssuers);
  const { problems } = reader;
  problems.onlyFields('', document, ['apiVersion', 'kind', 'jwt', 'anonymous']);
  const entries = listOf(document['jwt']);
  if (entries.length > ISSUERS_MAX) {
    problems.tooMany('jwt', entries.length, ISSUERS_MAX);
  }
  const jwt = entries.map((entry, index) => reader.authenticator(`jwt[${index}]`, fieldsOf(entry)));
  const anonymous = reader.anonymous(document['anonymous']);
  problems.refuse();
  return { jwt, anonymous };
}

/** Walks the document and gathers what is wrong. */
class Reader {
  readonly problems = new ConfigProblems();
  readonly #ownIssuers: readonly string[];
  readonly #issuers = new Set<string>();
  readonly #discoveryUrls = new Set<string>();

  constructor(ownIssuers: readonly string[]) {
    this.#ownIssuers = ownIssuers;
  }

  anonymous(value: unknown): AnonymousConfiguration | undefined {
    if (value === undefined) {
      return undefined;
    }
    const fields = fieldsOf(value);
    this.problems.onlyFields('anonymous', fields, ['enabled', 'conditions']);
    const conditions = listOf(fields['conditions']).map((each) => textOf(fieldsOf(each)['path']));
    const isEnabled = fields['enabled'] === true;
    if (!isEnabled && conditions.length > 0) {
      this.problems.invalid(
        'anonymous.conditions',
        fields['conditions'],
        'enabled should be set to true when conditions are defined',
      );
    }
    return { isEnabled, paths: conditions.length === 0 ? undefined : conditions };
  }

  authenticator(path: string, fields: ConfigFields): JwtConfiguration {
    this.problems.onlyFields(path, fields, [
      'issuer',
      'claimValidationRules',
      'claimMappings',
      'userValidationRules',
    ]);
    const issuer = this.#issuer(`${path}.issuer`, fieldsOf(fields['issuer']));
    const rules = this.#claimRules(`${path}.claimValidationRules`, listOf(fields['claimValidationRules']));
    const mappings = this.#mappings(`${path}.claimMappings`, fieldsOf(fields['claimMappings']));
    const userRules = this.#userRules(`${path}.userValidationRules`, listOf(fields['userValidationRules']));
    const configuration = {
      ...issuer,
      ...rules,
      ...mappings,
      userRules,
      algorithms: TOKEN_ALGORITHMS,
    };
    this.#checkEmail(`${path}.claimMappings.username.expression`, configuration);
    return configuration;
  }

  #issuer(
    path: string,
    fields: ConfigFields,
  ): Pick<JwtConfiguration, 'issuer' | 'discoveryUrl' | 'authorityPem' | 'audiences'> {
    this.problems.onlyFields(path, fields, [
      'url',
      'discoveryURL',
      'certificateAuthority',
      'audiences',
      'audienceMatchPolicy',
    ]);
    const issuer = textOf(fields['url']);
    const discoveryUrl = textOf(fields['discoveryURL']);
    if (issuer === '') {
      this.problems.required(`${path}.url`);
    } else {
      this.#url(`${path}.url`, issuer, this.#ownIssuers);
    }
    if (discoveryUrl !== '') {
      if (withoutSlash(issuer) === withoutSlash(discoveryUrl)) {
        this.problems.invalid(
          `${path}.discoveryURL`,
          discoveryUrl,
          'discoveryURL must be different from URL',
        );
      }
      this.#url(`${path}.discoveryURL`, discoveryUrl, []);
    }
    const audiences = this.#audiences(path, fields);
    const authorityPem = textOf(fields['certificateAuthority']);
    if (authorityPem !== '' && pemDecode(authorityPem).length === 0) {
      this.problems.invalid(
        `${path}.certificateAuthority`,
        '<omitted>',
        'data does not contain any valid RSA or ECDSA certificates',
      );
    }
    this.#once(`${path}.url`, issuer, this.#issuers);
    this.#once(`${path}.discoveryURL`, discoveryUrl, this.#discoveryUrls);
    return {
      issuer,
      discoveryUrl: discoveryUrl === '' ? undefined : discoveryUrl,
      authorityPem: authorityPem === '' ? undefined : authorityPem,
      audiences,
    };
  }

  #once(path: string, value: string, seen: Set<string>): void {
    if (value !== '' && seen.has(value)) {
      this.problems.duplicate(path, value);
    }
    seen.add(value);
  }

  #url(path: string, text: string, disallowed: readonly string[]): void {
    if (disallowed.includes(text)) {
      this.problems.invalid(
        path,
        text,
        `URL must not overlap with disallowed issuers: [${disallowed.toSorted().join(' ')}]`,
      );
    }
    const url = URL.parse(text);
    if (url?.protocol !== 'https:') {
      this.problems.invalid(path, text, 'URL scheme must be https');
      return;
    }
    const parts = [
      [`${url.username}${url.password}`, 'a username or password'],
      [url.search, 'a query'],
      [url.hash, 'a fragment'],
    ] as const;
    for (const [part, what] of parts) {
      if (part !== '') {
        this.problems.invalid(path, text, `URL must not contain ${what}`);
      }
    }
  }

  #audiences(path: string, fields: ConfigFields): readonly string[] {
    const audiences = listOf(fields['audiences']).map(textOf);
    if (audiences.length === 0) {
      this.problems.required(`${path}.audiences`, `at least one ${path}.audiences is required`);
      return audiences;
    }
    for (const [index, audience] of audiences.entries()) {
      if (audience === '') {
        this.problems.required(`${path}.audiences[${index}]`);
      }
      if (audiences.indexOf(audience) < index) {
        this.problems.duplicate(`${path}.audiences[${index}]`, audience);
      }
    }
    const policy = textOf(fields['audienceMatchPolicy']);
    if (audiences.length > 1 && policy !== 'MatchAny') {
      this.problems.invalid(
        `${path}.audienceMatchPolicy`,
        policy,
        'audienceMatchPolicy must be MatchAny for multiple audiences',
      );
    }
    if (audiences.length === 1 && policy !== '' && policy !== 'MatchAny') {
      this.problems.invalid(
        `${path}.audienceMatchPolicy`,
        policy,
        'audienceMatchPolicy must be empty or MatchAny for single audience',
      );
    }
    return audiences;
  }

  #claimRules(
    path: string,
    rules: readonly unknown[],
  ): Pick<JwtConfiguration, 'requiredClaims' | 'claimRules'> {
    const requiredClaims = new Map<string, string>();
    const claimRules: ValidationRule[] = [];
    for (const [index, rule] of rules.entries()) {
      const at = `${path}[${index}]`;
      const fields = fieldsOf(rule);
      this.problems.onlyFields(at, fields, ['claim', 'requiredValue', 'expression', 'message']);
      const { claim, requiredValue, expression, message } = texts(fields);
      if (claim !== '' && expression !== '') {
        this.problems.invalid(at, claim, "claim and expression can't both be set");
      } else if (claim === '' && expression === '') {
        this.problems.required(at, 'claim or expression is required');
      } else if (claim !== '') {
        this.#notWith(`${at}.message`, message, 'claim');
        if (requiredClaims.has(claim)) {
          this.problems.duplicate(`${at}.claim`, claim);
        }
        requiredClaims.set(claim, requiredValue);
      } else {
        this.#notWith(`${at}.requiredValue`, requiredValue, 'expression');
        this.#rule(at, { expression, message, subject: 'claims' }, claimRules);
      }
    }
    return { requiredClaims, claimRules };
  }

  #userRules(path: string, rules: readonly unknown[]): readonly ValidationRule[] {
    const found: ValidationRule[] = [];
    for (const [index, rule] of rules.entries()) {
      const at = `${path}[${index}]`;
      const fields = fieldsOf(rule);
      this.problems.onlyFields(at, fields, ['expression', 'message']);
      const { expression, message } = texts(fields);
      if (expression === '') {
        this.problems.required(`${at}.expression`);
      } else {
        this.#rule(at, { expression, message, subject: 'user' }, found);
      }
    }
    return found;
  }

  #rule(
    at: string,
    { expression, message, subject }: { expression: string; message: string; subject: Subject },
    found: ValidationRule[],
  ): void {
    if (found.some((other) => other.expression.source === expression)) {
      this.problems.duplicate(`${at}.expression`, expression);
      return;
    }
    const compiled = this.#expression(`${at}.expression`, expression, subject, true);
    if (compiled !== undefined) {
      found.push({ expression: compiled, message });
    }
  }

  #notWith(path: string, value: string, other: string): void {
    if (value !== '') {
      this.problems.invalid(path, value, `may not be specified when ${other} is set`);
    }
  }

  #mappings(
    path: string,
    fields: ConfigFields,
  ): Pick<JwtConfiguration, 'username' | 'groups' | 'uid' | 'extra'> {
    this.problems.onlyFields(path, fields, ['username', 'groups', 'uid', 'extra']);
    const username = this.#prefixed(`${path}.username`, fieldsOf(fields['username']));
    if (username === undefined && fieldsOf(fields['username'])['expression'] === undefined) {
      this.problems.required(`${path}.username`, 'claim or expression is required');
    }
    return {
      username: username ?? { kind: 'claim', claim: '', prefix: '' },
      groups: this.#prefixed(`${path}.groups`, fieldsOf(fields['groups'])),
      uid: this.#uid(`${path}.uid`, fieldsOf(fields['uid'])),
      extra: this.#extra(`${path}.extra`, listOf(fields['extra'])),
    };
  }

  #prefixed(path: string, fields: ConfigFields): Mapping | undefined {
    this.problems.onlyFields(path, fields, ['claim', 'prefix', 'expression']);
    const { claim, expression, prefix } = texts(fields);
    if (claim !== '' && expression !== '') {
      this.problems.invalid(path, '', "claim and expression can't both be set");
      return { kind: 'claim', claim, prefix };
    }
    if (expression !== '') {
      if (fields['prefix'] !== undefined) {
        this.problems.invalid(`${path}.prefix`, prefix, 'may not be specified when expression is set');
      }
      return this.#mapped(`${path}.expression`, expression);
    }
    if (claim === '') {
      return undefined;
    }
    if (fields['prefix'] === undefined) {
      this.problems.required(
        `${path}.prefix`,
        'prefix is required when claim is set. It can be set to an empty string to disable prefixing',
      );
    }
    return { kind: 'claim', claim, prefix };
  }

  #uid(path: string, fields: ConfigFields): Mapping | undefined {
    this.problems.onlyFields(path, fields, ['claim', 'expression']);
    const { claim, expression } = texts(fields);
    if (claim !== '' && expression !== '') {
      this.problems.invalid(path, '', "claim and expression can't both be set");
    }
    if (claim !== '') {
      return { kind: 'claim', claim, prefix: '' };
    }
    return expression === '' ? undefined : this.#mapped(`${path}.expression`, expression);
  }

  #mapped(path: string, source: string): Mapping | undefined {
    const expression = this.#expression(path, source, 'claims', false);
    return expression === undefined ? undefined : { kind: 'expression', expression };
  }

  #extra(path: string, entries: readonly unknown[]): JwtConfiguration['extra'] {
    const seen = new Set<string>();
    return entries.flatMap((entry, index) => {
      const at = `${path}[${index}]`;
      const fields = fieldsOf(entry);
      this.problems.onlyFields(at, fields, ['key', 'valueExpression']);
      const { key, valueExpression } = texts(fields);
      this.#extraKey(`${at}.key`, key, seen);
      if (valueExpression === '') {
        this.problems.required(`${at}.valueExpression`);
        return [];
      }
      const expression = this.#expression(`${at}.valueExpression`, valueExpression, 'claims', false);
      return expression === undefined ? [] : [{ key, expression }];
    });
  }

  #extraKey(path: string, key: string, seen: Set<string>): void {
    if (key === '') {
      this.problems.required(path);
    } else if (!key.includes('/')) {
      this.problems.invalid(path, key, 'must be a domain-prefixed path (such as "acme.io/foo")');
    } else {
      this.problems.names(path, key, qualifiedNameProblems(key));
    }
    if (key !== key.toLowerCase()) {
      this.problems.invalid(path, key, 'must be lowercase');
    }
    if (/^(?:[^/]*\.)?(?:kubernetes\.io|k8s\.io)\//.test(key)) {
      this.problems.invalid(
        path,
        key,
        'k8s.io, kubernetes.io and their subdomains are reserved for Kubernetes use',
      );
    }
    this.#once(path, key, seen);
  }

  #expression(
    path: string,
    source: string,
    subject: Subject,
    isRule: boolean,
  ): IdentityExpression | undefined {
    const compiled = IdentityExpression.compile(source, subject, isRule);
    if (typeof compiled === 'string') {
      this.problems.invalid(path, source, compiled);
      return undefined;
    }
    return compiled;
  }

  /** An address that nobody has verified must not become a name. */
  #checkEmail(path: string, { username, extra, claimRules }: JwtConfiguration): void {
    if (username.kind !== 'expression' || !username.expression.reads('email')) {
      return;
    }
    const all = [username, ...extra, ...claimRules].map(({ expression }) => expression);
    if (!all.some((expression) => expression.reads('email_verified'))) {
      this.problems.invalid(
        path,
        username.expression.source,
        'claims.email_verified must be used in claimMappings.username.expression or claimMappings.extra[*].valueExpression or claimValidationRules[*].expression when claims.email is used in claimMappings.username.expression',
      );
    }
  }
}

function texts(
  fields: ConfigFields,
): Readonly<
  Record<'claim' | 'requiredValue' | 'expression' | 'message' | 'prefix' | 'key' | 'valueExpression', string>
> {
  return {
    claim: textOf(fields['claim']),
    requiredValue: textOf(fields['requiredValue']),
    expression: textOf(fields['expression']),
    message: textOf(fields['message']),
    prefix: textOf(fields['prefix']),
    key: textOf(fields['key']),
    valueExpression: textOf(fields['valueExpression']),
  };
}

function withoutSlash(url: string): string {
  return url.replace(/\/+$/, '');
}

/** What the flags that begin with `--oidc-` say. */
export interface OidcFlags {
  readonly issuerUrl: string;
  readonly clientId: string;
  readonly authorityPem?: string | undefined;
  /** `sub` when left out. */
  readonly usernameClaim?: string | undefined;
  /** The issuer and `#` when left out; `-` for none. */
  readonly usernamePrefix?: string | undefined;
  readonly groupsClaim?: string | undefined;
  readonly groupsPrefix?: string | undefined;
  /** RS256 when left out. */
  readonly signingAlgorithms?: readonly string[] | undefined;
  /** `claim=value` */
  readonly requiredClaims?: readonly string[] | undefined;
}

/** The same as a configuration. @throws {ConfigFileError} */
export function configurationOfFlags(flags: OidcFlags): JwtConfiguration {
  const { issuerUrl, clientId, usernameClaim = 'sub', groupsClaim = '', requiredClaims = [] } = flags;
  if (issuerUrl === '' || clientId === '') {
    throw new ConfigFileError(
      'oidc-issuer-url and oidc-client-id must be specified together when any oidc-* flags are set',
    );
  }
  if (URL.parse(issuerUrl)?.protocol !== 'https:') {
    throw new ConfigFileError(
      `jwt[0].issuer.url: Invalid value: ${JSON.stringify(issuerUrl)}: URL scheme must be https`,
    );
  }
  const wanted = flags.signingAlgorithms ?? ['RS256'];
  const unknown = wanted.find((each) => !TOKEN_ALGORITHMS.some((known) => known === each));
  if (unknown !== undefined) {
    throw new ConfigFileError(`oidc: unsupported signing alg: ${JSON.stringify(unknown)}`);
  }
  return {
    issuer: issuerUrl,
    discoveryUrl: undefined,
    authorityPem: flags.authorityPem,
    audiences: [clientId],
    algorithms: TOKEN_ALGORITHMS.filter((each) => wanted.includes(each)),
    username: { kind: 'claim', claim: usernameClaim, prefix: usernamePrefixOf(flags, usernameClaim) },
    groups:
      groupsClaim === ''
        ? undefined
        : { kind: 'claim', claim: groupsClaim, prefix: flags.groupsPrefix ?? '' },
    uid: undefined,
    extra: [],
    requiredClaims: new Map(requiredClaims.map(pairOf)),
    claimRules: [],
    userRules: [],
  };
}

/** Names of different issuers must not meet, except where they are addresses. */
function usernamePrefixOf({ usernamePrefix, issuerUrl }: OidcFlags, claim: string): string {
  if (usernamePrefix === undefined || usernamePrefix === '') {
    return claim === 'email' ? '' : `${issuerUrl}#`;
  }
  return usernamePrefix === '-' ? '' : usernamePrefix;
}

function pairOf(text: string): [string, string] {
  const equals = text.indexOf('=');
  if (equals < 1) {
    throw new ConfigFileError(`--oidc-required-claim takes claim=value, not ${JSON.stringify(text)}`);
  }
  return [text.slice(0, equals), text.slice(equals + 1)];
}
