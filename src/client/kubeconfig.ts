import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { decodeYaml } from '#codec/yaml.ts';
import { utf8Decode } from '#base/bytes.ts';
import type { HttpsTransportOptions } from './https-transport.ts';

/** Where a kubeconfig points, and as whom: what a transport needs, and the namespace to work in. */
export interface KubeconfigTarget extends Omit<HttpsTransportOptions, 'clock' | 'userAgent'> {
  readonly contextName: string;
  /** The context's namespace, `default` when it names none. */
  readonly namespace: string;
}

/** The kubeconfig cannot be used. The message says what is missing, for the person who wrote it. */
export class KubeconfigError extends Error {
  override readonly name = 'KubeconfigError';
  readonly code = 'client/kubeconfig';
}

type Section = Readonly<Record<string, unknown>>;

/**
 * Reads a kubeconfig file. Paths in it are relative to its own folder.
 *
 * @param contextName  the context to use; the file's current one when left out
 * @throws {KubeconfigError} for a file that is missing, malformed or incomplete
 */
export function loadKubeconfig(path: string, contextName?: string): KubeconfigTarget {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw new KubeconfigError(`read kubeconfig ${path}`, { cause });
  }
  return parseKubeconfig(text, { contextName, directory: dirname(path) });
}

/** As {@link loadKubeconfig}, from the text itself; `directory` is what its paths are relative to. */
export function parseKubeconfig(
  text: string,
  { contextName, directory }: { readonly contextName?: string | undefined; readonly directory: string },
): KubeconfigTarget {
  return kubeconfigTarget(decode(text), { contextName, directory });
}

/** As {@link parseKubeconfig}, from the document that was in the text, or that several were merged to. */
export function kubeconfigTarget(
  document: unknown,
  { contextName, directory }: { readonly contextName?: string | undefined; readonly directory: string },
): KubeconfigTarget {
  const config = section(document, 'the kubeconfig');
  const name = contextName ?? optionalText(config, 'current-context') ?? '';
  if (name === '') {
    throw new KubeconfigError('the kubeconfig has no current context, and none was given');
  }
  const context = entry(config, 'contexts', 'context', name);
  const cluster = entry(config, 'clusters', 'cluster', optionalText(context, 'cluster') ?? '');
  const userName = optionalText(context, 'user') ?? '';
  const user = userName === '' ? {} : entry(config, 'users', 'user', userName);
  if (user['exec'] !== undefined || user['auth-provider'] !== undefined) {
    throw new KubeconfigError(
      `user "${userName}" gets its credentials from a plugin, which is not supported`,
    );
  }
  const server = optionalText(cluster, 'server');
  if (server === undefined) {
    throw new KubeconfigError(`the cluster of context "${name}" has no server`);
  }
  const tokenFile = optionalText(user, 'tokenFile');
  return {
    contextName: name,
    namespace: optionalText(context, 'namespace') ?? 'default',
    server,
    ca: pem(cluster, 'certificate-authority', directory),
    serverName: optionalText(cluster, 'tls-server-name'),
    isInsecure: cluster['insecure-skip-tls-verify'] === true,
    cert: pem(user, 'client-certificate', directory),
    key: pem(user, 'client-key', directory),
    // A token in a file is read for each request, because whoever wrote it renews it there.
    token:
      tokenFile === undefined
        ? optionalText(user, 'token')
        : () => readText(resolve(directory, tokenFile)).trim(),
    username: optionalText(user, 'username'),
    password: optionalText(user, 'password'),
  };
}

function decode(text: string): unknown {
  try {
    return decodeYaml(text);
  } catch (cause) {
    throw new KubeconfigError('the kubeconfig is not YAML', { cause });
  }
}

function entry(config: Section, list: string, field: string, name: string): Section {
  const entries = config[list];
  const found: unknown = Array.isArray(entries)
    ? entries.find((candidate: unknown) => section(candidate, `an entry of ${list}`)['name'] === name)
    : undefined;
  if (found === undefined) {
    throw new KubeconfigError(`the kubeconfig has no ${field} named "${name}"`);
  }
  return section(section(found, `${field} "${name}"`)[field], `${field} "${name}"`);
}

function section(value: unknown, what: string): Section {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new KubeconfigError(`${what} is not a mapping`);
  }
  return value as Section;
}

function optionalText(from: Section, field: string): string | undefined {
  const value = from[field];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** PEM given in the file as base64, or by a path; the former wins. */
function pem(from: Section, field: string, directory: string): string | undefined {
  const data = optionalText(from, `${field}-data`);
  if (data !== undefined) {
    return utf8Decode(Buffer.from(data, 'base64'));
  }
  const path = optionalText(from, field);
  return path === undefined ? undefined : readText(resolve(directory, path));
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new KubeconfigError(`read ${path}, which the kubeconfig names`, { cause });
  }
}
