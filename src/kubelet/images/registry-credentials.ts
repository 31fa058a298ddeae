import type { Secret } from '#api/types/core.v1.ts';
import { isRecord } from '#codec/own-property.ts';
import type { AuthConfig } from '#runtime/cri.ts';

const DOCKER_HUB = 'docker.io';
const DOCKER_HUB_NAMES: ReadonlySet<string> = new Set([
  'index.docker.io',
  'registry-1.docker.io',
  DOCKER_HUB,
]);

interface Credential {
  /** Host with an optional path: `ghcr.io/team`. `*` stands for one part of the host's name. */
  readonly scope: string;
  readonly auth: AuthConfig;
}

/**
 * The credentials for an image among those of the pull secrets, the most specific first. Secrets that
 * cannot be read count as empty: the pull itself then says what is missing.
 *
 * @param repository full name without tag: `docker.io/library/nginx`
 */
export function credentialsFor(repository: string, secrets: readonly Secret[]): readonly AuthConfig[] {
  return secrets
    .flatMap(credentialsOf)
    .filter(({ scope }) => matchesScope(repository, scope))
    .toSorted((left, right) => right.scope.length - left.scope.length)
    .map(({ auth }) => auth);
}

function credentialsOf({ data = {} }: Secret): readonly Credential[] {
  const modern = parseJson(data['.dockerconfigjson']);
  const legacy = parseJson(data['.dockercfg']);
  const entries =
    isRecord(modern) && isRecord(modern['auths']) ? modern['auths'] : isRecord(legacy) ? legacy : {};
  return Object.entries(entries).flatMap(([key, entry]) => {
    if (!isRecord(entry)) {
      return [];
    }
    const { username, password, auth, identitytoken, registrytoken } = entry;
    return [
      {
        scope: scopeOf(key),
        auth: {
          ...(typeof username === 'string' ? { username } : {}),
          ...(typeof password === 'string' ? { password } : {}),
          ...(typeof auth === 'string' ? { auth } : {}),
          ...(typeof identitytoken === 'string' ? { identityToken: identitytoken } : {}),
          ...(typeof registrytoken === 'string' ? { registryToken: registrytoken } : {}),
        },
      },
    ];
  });
}

/** `https://index.docker.io/v1/` is `docker.io`. */
function scopeOf(key: string): string {
  const plain = key
    .replace(/^https?:\/\//, '')
    .replace(/\/v[12]\/?$/, '')
    .replace(/\/$/, '');
  const [host = '', ...path] = plain.split('/');
  return [DOCKER_HUB_NAMES.has(host) ? DOCKER_HUB : host, ...path].join('/');
}

function matchesScope(repository: string, scope: string): boolean {
  const [host = '', ...path] = repository.split('/');
  const [scopeHost = '', ...scopePath] = scope.split('/');
  const parts = host.split('.');
  const scopeParts = scopeHost.split('.');
  return (
    parts.length === scopeParts.length &&
    scopeParts.every((part, index) => part === '*' || part === parts[index]) &&
    scopePath.every((part, index) => part === path[index])
  );
}

function parseJson(base64: string | undefined): unknown {
  if (base64 === undefined) {
    return undefined;
  }
  try {
    return JSON.parse(Buffer.from(base64, 'base64').toString('utf8'));
  } catch (error) {
    if (error instanceof SyntaxError) {
      return undefined;
    }
    throw error;
  }
}
