import { isAbsolute } from 'node:path';
import { dnsSubdomainProblems } from '#api/names.ts';
import { parseDurationMs } from '#api/time.ts';
import {
  ConfigProblems,
  fieldsOf,
  listOf,
  readConfigFile,
  textOf,
  type ConfigFields,
} from '../config-file.ts';
import { ReviewConditions } from './review-conditions.ts';

const API_VERSIONS = [
  'apiserver.config.k8s.io/v1',
  'apiserver.config.k8s.io/v1beta1',
  'apiserver.config.k8s.io/v1alpha1',
];
const PLAIN_TYPES = ['AlwaysAllow', 'AlwaysDeny', 'Node', 'RBAC'] as const;
const TYPES = [...PLAIN_TYPES, 'Webhook'].toSorted();
const TIMEOUT_MS_MAX = 30_000;
const CONDITIONS_MAX = 64;

export interface WebhookConfiguration {
  readonly kind: 'Webhook';
  readonly name: string;
  readonly kubeconfig: string;
  readonly timeoutMs: number;
  /** 0 when yeses are not kept. */
  readonly authorizedMs: number;
  readonly unauthorizedMs: number;
  readonly version: 'v1' | 'v1beta1';
  readonly onError: 'NoOpinion' | 'Deny';
  readonly conditions: ReviewConditions | undefined;
}

export type AuthorizerConfiguration =
  | { readonly kind: (typeof PLAIN_TYPES)[number]; readonly name: string }
  | WebhookConfiguration;

/**
 * Reads an AuthorizationConfiguration: who decides, in the order in which they are asked.
 *
 * @throws {ConfigFileError} with everything that is wrong with it
 */
export function parseAuthorizationConfiguration(text: string): readonly AuthorizerConfiguration[] {
  const document = readConfigFile(text, API_VERSIONS, 'AuthorizationConfiguration');
  const reader = new Reader();
  reader.problems.onlyFields('', document, ['apiVersion', 'kind', 'authorizers']);
  const entries = listOf(document['authorizers']);
  if (entries.length === 0) {
    reader.problems.required('authorizers', 'at least one authorization mode must be defined');
  }
  const authorizers = entries.flatMap(
    (entry, index) => reader.authorizer(`authorizers[${index}]`, fieldsOf(entry)) ?? [],
  );
  reader.problems.refuse();
  return authorizers;
}

/** Walks the document and gathers what is wrong. */
class Reader {
  readonly problems = new ConfigProblems();
  readonly #types = new Set<string>();
  readonly #names = new Set<string>();

  authorizer(path: string, fields: ConfigFields): AuthorizerConfiguration | undefined {
    this.problems.onlyFields(path, fields, ['type', 'name', 'webhook']);
    const type = textOf(fields['type']);
    if (type === '') {
      this.problems.required(`${path}.type`);
      return undefined;
    }
    if (!TYPES.includes(type)) {
      this.problems.oneOf(`${path}.type`, type, TYPES);
      return undefined;
    }
    if (this.#types.has(type) && type !== 'Webhook') {
      this.problems.duplicate(`${path}.type`, type);
      return undefined;
    }
    this.#types.add(type);
    const name = this.#name(`${path}.name`, textOf(fields['name']));
    const plain = PLAIN_TYPES.find((each) => each === type);
    if (plain === undefined) {
      return this.#webhook(path, name, fields['webhook']);
    }
    if (fields['webhook'] !== undefined) {
      this.problems.invalid(`${path}.webhook`, 'non-null', 'may only be specified when type=Webhook');
    }
    return { kind: plain, name };
  }

  #name(path: string, name: string): string {
    const wrong = dnsSubdomainProblems(name);
    if (name === '') {
      this.problems.required(path);
    } else if (this.#names.has(name)) {
      this.problems.duplicate(path, name);
    } else if (wrong.length > 0) {
      this.problems.invalid(path, name, `authorizer name is invalid: ${wrong.join(', ')}`);
    }
    this.#names.add(name);
    return name;
  }

  #webhook(path: string, name: string, value: unknown): WebhookConfiguration | undefined {
    if (value === undefined) {
      this.problems.required(`${path}.webhook`, 'required when type=Webhook');
      return undefined;
    }
    const fields = fieldsOf(value);
    this.problems.onlyFields(`${path}.webhook`, fields, [
      'authorizedTTL',
      'cacheAuthorizedRequests',
      'unauthorizedTTL',
      'cacheUnauthorizedRequests',
      'timeout',
      'subjectAccessReviewVersion',
      'matchConditionSubjectAccessReviewVersion',
      'failurePolicy',
      'connectionInfo',
      'matchConditions',
    ]);
    const timeoutMs = this.#duration(`${path}.timeout`, fields['timeout'], TIMEOUT_MS_MAX);
    const authorizedMs = this.#duration(`${path}.authorizedTTL`, fields['authorizedTTL']);
    const unauthorizedMs = this.#duration(`${path}.unauthorizedTTL`, fields['unauthorizedTTL']);
    const versions = ['v1', 'v1beta1'] as const;
    const policies = ['NoOpinion', 'Deny'] as const;
    return {
      kind: 'Webhook',
      name,
      timeoutMs,
      authorizedMs: fields['cacheAuthorizedRequests'] === false ? 0 : authorizedMs,
      unauthorizedMs: fields['cacheUnauthorizedRequests'] === false ? 0 : unauthorizedMs,
      version: this.#choice(
        `${path}.subjectAccessReviewVersion`,
        fields['subjectAccessReviewVersion'],
        versions,
      ),
      ...this.#conditions(path, fields),
      onError: this.#choice(`${path}.failurePolicy`, fields['failurePolicy'], policies),
      kubeconfig: this.#connection(`${path}.connectionInfo`, fieldsOf(fields['connectionInfo'])),
    };
  }

  #duration(path: string, value: unknown, maxMs?: number): number {
    const ms = parseDurationMs(textOf(value)) ?? 0;
    if (ms === 0) {
      this.problems.required(path);
    } else if (ms < 0 || (maxMs !== undefined && ms > maxMs)) {
      this.problems.invalid(path, value, maxMs === undefined ? 'must be > 0s' : 'must be > 0s and <= 30s');
    }
    return ms;
  }

  #choice<T extends string>(path: string, value: unknown, choices: readonly [T, ...T[]]): T {
    const text = textOf(value);
    this.problems.requiredOneOf(path, text, choices);
    return choices.find((each) => each === text) ?? choices[0];
  }

  #connection(path: string, fields: ConfigFields): string {
    this.problems.onlyFields(path, fields, ['type', 'kubeConfigFile']);
    const file = textOf(fields['kubeConfigFile']);
    // A server that is not a pod has no credentials of one.
    this.problems.requiredOneOf(`${path}.type`, textOf(fields['type']), ['KubeConfigFile']);
    if (file === '') {
      this.problems.required(`${path}.kubeConfigFile`);
    } else if (!isAbsolute(file)) {
      this.problems.invalid(`${path}.kubeConfigFile`, file, 'must be an absolute path');
    }
    return file;
  }

  #conditions(path: string, fields: ConfigFields): Pick<WebhookConfiguration, 'conditions'> {
    const sources = listOf(fields['matchConditions']).map((each) => textOf(fieldsOf(each)['expression']));
    const version = textOf(fields['matchConditionSubjectAccessReviewVersion']);
    if (version === '' && sources.length > 0) {
      this.problems.required(
        `${path}.matchConditionSubjectAccessReviewVersion`,
        'required if match conditions are specified',
      );
    } else if (version !== '') {
      this.problems.oneOf(`${path}.matchConditionSubjectAccessReviewVersion`, version, ['v1']);
    }
    if (sources.length > CONDITIONS_MAX) {
      this.problems.tooMany(`${path}.matchConditions`, sources.length, CONDITIONS_MAX);
    }
    if (sources.length === 0) {
      return { conditions: undefined };
    }
    return { conditions: this.#compiled(`${path}.matchConditions`, sources) };
  }

  #compiled(path: string, sources: readonly string[]): ReviewConditions | undefined {
    for (const [index, source] of sources.entries()) {
      if (source.trim() === '') {
        this.problems.required(`${path}[${index}].expression`);
      } else if (sources.indexOf(source) < index) {
        this.problems.duplicate(`${path}[${index}].expression`, source);
      }
    }
    const compiled = ReviewConditions.compile(sources);
    if (compiled instanceof ReviewConditions) {
      return compiled;
    }
    for (const [index, problem] of compiled) {
      if (sources[index]?.trim() !== '') {
        this.problems.invalid(`${path}[${index}].expression`, sources[index], problem);
      }
    }
    return undefined;
  }
}
