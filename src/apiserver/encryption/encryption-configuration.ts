import { parseDurationMs } from '#api/time.ts';
import {
  ConfigFileError,
  ConfigProblems,
  fieldsOf,
  listOf,
  readConfigFile,
  textOf,
  type ConfigFields,
} from '../config-file.ts';

const API_VERSION = 'apiserver.config.k8s.io/v1';

export interface NamedKey {
  readonly name: string;
  readonly secret: Uint8Array;
}

export type ProviderConfiguration =
  | { readonly kind: 'identity' }
  | { readonly kind: 'aescbc' | 'aesgcm' | 'secretbox'; readonly keys: readonly NamedKey[] }
  | { readonly kind: 'kms'; readonly name: string; readonly endpoint: string; readonly timeoutMs: number };

export interface ResourceConfiguration {
  /** `secrets`, `deployments.apps`, `*.apps`, `*.` or `*.*`. */
  readonly resources: readonly string[];
  /** The first one writes; all read. */
  readonly providers: readonly ProviderConfiguration[];
}

const AES_KEY_BYTES = [16, 24, 32];
const SECRETBOX_KEY_BYTES = [32];
const PROVIDER_KINDS = ['aesgcm', 'aescbc', 'secretbox', 'identity', 'kms'] as const;
const KMS_TIMEOUT_MS = 3000;
/** Stored by the server for itself; no client sees them. */
const NOT_SERVED: ReadonlySet<string> = new Set([
  'apiserveripinfo',
  'serviceipallocations',
  'servicenodeportallocations',
]);

/**
 * Reads an EncryptionConfiguration.
 *
 * @throws {ConfigFileError} with everything that is wrong with it
 */
export function parseEncryptionConfiguration(text: string): readonly ResourceConfiguration[] {
  const document = readConfigFile(text, [API_VERSION], 'EncryptionConfiguration');
  const reader = new Reader();
  reader.problems.onlyFields('', document, ['apiVersion', 'kind', 'metadata', 'resources']);
  const entries = listOf(document['resources']);
  if (entries.length === 0) {
    reader.problems.required('resources', 'at least one resources is required');
  }
  const configurations = entries.map((entry, index) =>
    reader.resource(`resources[${index}]`, fieldsOf(entry)),
  );
  reader.problems.refuse();
  checkMasks(configurations);
  return configurations;
}

/** Walks the document and gathers what is wrong. */
class Reader {
  readonly problems = new ConfigProblems();
  readonly #kmsNames = new Set<string>();

  resource(path: string, fields: ConfigFields): ResourceConfiguration {
    this.problems.onlyFields(path, fields, ['resources', 'providers']);
    const resources = listOf(fields['resources']).map(textOf);
    const providers = listOf(fields['providers']);
    if (resources.length === 0) {
      this.problems.required(`${path}.resources`, `at least one ${path}.resources is required`);
    }
    this.#overlap(`${path}.resources`, resources);
    resources.forEach((name, index) => this.#name(`${path}.resources[${index}]`, name));
    if (providers.length === 0) {
      this.problems.required(`${path}.providers`, `at least one ${path}.providers is required`);
    }
    return {
      resources,
      providers: providers.flatMap(
        (provider, index) => this.#provider(`${path}.providers[${index}]`, fieldsOf(provider)) ?? [],
      ),
    };
  }

  #overlap(path: string, names: readonly string[]): void {
    if (new Set(names).size < names.length) {
      this.problems.invalid(path, names, 'the same resource cannot be specified multiple times');
    }
    const different = [...new Set(names)].map(groupResource);
    const isMasked = different.some(
      ({ group, resource }) =>
        resource === '*' &&
        (group === '*'
          ? different.length > 1
          : different.filter((other) => other.group === group).length > 1),
    );
    if (isMasked) {
      this.problems.invalid(
        path,
        names,
        "using overlapping resources such as 'secrets' and '*.' in the same resource list is not allowed as they will be masked",
      );
    }
  }

  #name(path: string, name: string): void {
    const problem = nameProblem(name);
    if (problem !== undefined) {
      this.problems.invalid(path, name, problem);
    }
  }

  #provider(path: string, fields: ConfigFields): ProviderConfiguration | undefined {
    this.problems.onlyFields(path, fields, PROVIDER_KINDS);
    const kinds = PROVIDER_KINDS.filter((kind) => Object.hasOwn(fields, kind));
    const [kind] = kinds;
    if (kind === undefined) {
      this.problems.invalid(
        path,
        fields,
        'provider does not contain any of the expected providers: KMS, AESGCM, AESCBC, Secretbox, Identity',
      );
      return undefined;
    }
    if (kinds.length > 1) {
      this.problems.invalid(
        path,
        'REDACTED',
        'more than one provider specified in a single element, should split into different list elements',
      );
      return undefined;
    }
    const inside = fieldsOf(fields[kind]);
    switch (kind) {
      case 'identity':
        return { kind };
      case 'kms':
        return this.#kms(`${path}.kms`, inside);
      default:
        return { kind, keys: this.#keys(`${path}.${kind}`, inside, kind) };
    }
  }

  #keys(path: string, fields: ConfigFields, kind: 'aescbc' | 'aesgcm' | 'secretbox'): readonly NamedKey[] {
    this.problems.onlyFields(path, fields, ['keys']);
    const keys = listOf(fields['keys']);
    if (keys.length === 0) {
      this.problems.required(`${path}.keys`, 'at least one keys is required');
    }
    const lengths = kind === 'secretbox' ? SECRETBOX_KEY_BYTES : AES_KEY_BYTES;
    return keys.map((key, index) => this.#key(`${path}.keys[${index}]`, fieldsOf(key), lengths));
  }

  #key(path: string, fields: ConfigFields, lengths: readonly number[]): NamedKey {
    this.problems.onlyFields(path, fields, ['name', 'secret']);
    const name = textOf(fields['name']);
    const text = textOf(fields['secret']);
    const secret = Buffer.from(text, 'base64');
    if (name === '') {
      this.problems.required(`${path}.name`, 'name is a mandatory field for a key');
    }
    if (text === '') {
      this.problems.required(`${path}.secret`, 'secret is a mandatory field for a key');
    } else if (secret.toString('base64') !== text) {
      this.problems.invalid(`${path}.secret`, 'REDACTED', 'secrets must be base64 encoded');
    } else if (!lengths.includes(secret.length)) {
      this.problems.invalid(
        `${path}.secret`,
        'REDACTED',
        `secret is not of the expected length, got ${secret.length}, expected one of [${lengths.join(' ')}]`,
      );
    }
    return { name, secret };
  }

  #kms(path: string, fields: ConfigFields): ProviderConfiguration {
    this.problems.onlyFields(path, fields, ['apiVersion', 'name', 'cachesize', 'endpoint', 'timeout']);
    const name = textOf(fields['name']);
    if (name === '') {
      this.problems.required(`${path}.name`, 'name is a mandatory field for a provider');
    }
    if (name.includes(':')) {
      this.problems.invalid(`${path}.name`, name, `invalid KMS provider name ${name}, must not contain ':'`);
    }
    if (this.#kmsNames.has(name)) {
      this.problems.invalid(
        `${path}.name`,
        name,
        `duplicate KMS provider name ${name}, names must be unique`,
      );
    }
    this.#kmsNames.add(name);
    const timeoutMs =
      fields['timeout'] === undefined ? KMS_TIMEOUT_MS : parseDurationMs(textOf(fields['timeout']));
    if (timeoutMs === undefined || timeoutMs <= 0) {
      this.problems.invalid(`${path}.timeout`, fields['timeout'], 'timeout should be a positive value');
    }
    const endpoint = textOf(fields['endpoint']);
    this.#endpoint(`${path}.endpoint`, endpoint);
    if (fields['cachesize'] !== undefined) {
      this.problems.invalid(`${path}.cachesize`, fields['cachesize'], 'cachesize is not supported in v2');
    }
    const version = fields['apiVersion'] ?? 'v1';
    if (version === 'v1') {
      this.problems.invalid(
        `${path}.apiVersion`,
        version,
        'KMSv1 is deprecated and will only receive security updates going forward. Use KMSv2 instead.',
      );
    } else if (version !== 'v2') {
      this.problems.invalid(
        `${path}.apiVersion`,
        version,
        `unsupported apiVersion ${textOf(version)} for KMS provider, only v1 and v2 are supported`,
      );
    }
    return { kind: 'kms', name, endpoint, timeoutMs: timeoutMs ?? KMS_TIMEOUT_MS };
  }

  #endpoint(path: string, endpoint: string): void {
    if (endpoint === '') {
      this.problems.invalid(path, '', 'endpoint is a mandatory field for a kms');
      return;
    }
    const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(endpoint)?.[1] ?? '';
    if (scheme !== 'unix') {
      this.problems.invalid(
        path,
        endpoint,
        `unsupported scheme ${JSON.stringify(scheme)} for KMS provider, only unix is supported`,
      );
    }
  }
}

/** `deployments.apps` is a resource of a group; `*.` all of the core group. */
export function groupResource(name: string): { readonly group: string; readonly resource: string } {
  const dot = name.indexOf('.');
  return dot < 0
    ? { group: '', resource: name }
    : { group: name.slice(dot + 1), resource: name.slice(0, dot) };
}

function nameProblem(name: string): string | undefined {
  const { group, resource } = groupResource(name);
  if (name !== name.toLowerCase()) {
    return 'resource name should not contain capital letters';
  }
  if (name === '*') {
    return "use '*.' to encrypt all the resources from core API group or *.* to encrypt all resources";
  }
  if (NOT_SERVED.has(name)) {
    return 'resources which do not have REST API/s cannot be encrypted';
  }
  if (group === 'events.k8s.io') {
    return "'*.events.k8s.io' objects are stored using the 'events' API group in etcd. Use 'events' instead in the config file";
  }
  if (group === 'extensions') {
    return "'extensions' group has been removed and cannot be used for encryption";
  }
  return group === '*' && resource !== '*'
    ? 'encrypting the same resource across groups is not supported'
    : undefined;
}

/** An entry that an earlier one hides for good is a mistake. */
function checkMasks(configurations: readonly ResourceConfiguration[]): void {
  const seen = new Set<string>();
  for (const name of configurations.flatMap(({ resources }) => resources)) {
    const { group } = groupResource(name);
    for (const mask of [`*.${group}`, '*.*']) {
      if (seen.has(mask) && name !== mask) {
        throw new ConfigFileError(
          `resource ${JSON.stringify(name)} is masked by earlier rule ${JSON.stringify(mask)}`,
        );
      }
    }
    if (seen.has(name) && name.startsWith('*.')) {
      throw new ConfigFileError(
        `resource ${JSON.stringify(name)} is masked by earlier rule ${JSON.stringify(name)}`,
      );
    }
    seen.add(name);
  }
}
