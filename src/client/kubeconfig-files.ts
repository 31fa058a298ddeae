import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { decodeYaml } from '#codec/yaml.ts';
import { type JsonRecord, type MutableRecord, isRecord } from '#codec/own-property.ts';
import { KubeconfigError } from './kubeconfig.ts';

/** What one or more kubeconfig files say together, with every path absolute. */
export interface MergedKubeconfig {
  readonly document: JsonRecord;
  /** The file that changes are written to: the only one, or the first that exists. */
  readonly path: string;
  /** Whether any of the files exists. */
  readonly isFound: boolean;
}

/** Fields of clusters and users that name files, relative to the kubeconfig. */
export const PATH_FIELDS: readonly string[] = [
  'certificate-authority',
  'client-certificate',
  'client-key',
  'tokenFile',
];
const LISTS = [
  ['clusters', 'cluster'],
  ['contexts', 'context'],
  ['users', 'user'],
] as const;

/** The files to read: the one named, else those of `$KUBECONFIG`, else `~/.kube/config`. */
export function kubeconfigPaths(
  explicit: string,
  env: Readonly<Record<string, string | undefined>>,
): readonly string[] {
  if (explicit !== '') {
    return [explicit];
  }
  const named = (env['KUBECONFIG'] ?? '').split(delimiter).filter((path) => path !== '');
  return named.length > 0 ? [...new Set(named)] : [join(env['HOME'] ?? homedir(), '.kube', 'config')];
}

export interface MergeOptions {
  /** Leave paths as the files have them. */
  readonly keepsPaths?: boolean;
}

/**
 * Merges the files that exist. The first file to name a cluster, a context, a user or the current context decides about it.
 *
 * @throws {KubeconfigError} for a file that is no kubeconfig
 */
export function mergeKubeconfigFiles(
  paths: readonly string[],
  { keepsPaths = false }: MergeOptions = {},
): MergedKubeconfig {
  const found = paths.filter((path) => existsSync(path));
  const merged: MutableRecord = { apiVersion: 'v1', kind: 'Config', preferences: {} };
  for (const path of found) {
    const document = readDocument(path);
    for (const [list, field] of LISTS) {
      merged[list] = mergedEntries(merged[list], document[list], {
        field,
        directory: keepsPaths ? undefined : dirname(path),
      });
    }
    const current = document['current-context'];
    if (merged['current-context'] === undefined && typeof current === 'string' && current !== '') {
      merged['current-context'] = current;
    }
  }
  return { document: merged, path: found[0] ?? paths[0] ?? '', isFound: found.length > 0 };
}

function readDocument(path: string): JsonRecord {
  let document: unknown;
  try {
    document = decodeYaml(readFileSync(path, 'utf8'));
  } catch (cause) {
    throw new KubeconfigError(`error loading config file "${path}"`, { cause });
  }
  if (document === null) {
    return {};
  }
  if (!isRecord(document)) {
    throw new KubeconfigError(`error loading config file "${path}": it is not a mapping`);
  }
  return document;
}

function mergedEntries(
  before: unknown,
  added: unknown,
  { field, directory }: { readonly field: string; readonly directory: string | undefined },
): readonly JsonRecord[] {
  const entries = recordsOf(before);
  const names = new Set(entries.map((entry) => entry['name']));
  const fresh = recordsOf(added)
    .filter((entry) => !names.has(entry['name']))
    .map((entry) => {
      const inner = entry[field];
      return isRecord(inner) && directory !== undefined
        ? { ...entry, [field]: withAbsolutePaths(inner, directory) }
        : entry;
    });
  return [...entries, ...fresh];
}

function recordsOf(value: unknown): readonly JsonRecord[] {
  return Array.isArray(value) ? value.filter(isRecord) : [];
}

function withAbsolutePaths(entry: JsonRecord, directory: string): JsonRecord {
  const copy: MutableRecord = { ...entry };
  for (const field of PATH_FIELDS) {
    const path = copy[field];
    if (typeof path === 'string' && path !== '') {
      copy[field] = resolve(directory, path);
    }
  }
  return copy;
}
