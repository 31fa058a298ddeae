import { RuntimeError } from './cri.ts';

/** An image's name, made complete the way Docker does. */
export interface ImageReference {
  /** Host and port of the registry, as `docker.io` or `localhost:5000`. */
  readonly registry: string;
  /** Path of the repository within its registry, as `library/nginx`. */
  readonly path: string;
  /** Registry and path. */
  readonly repository: string;
  /** `latest` when the name has neither tag nor digest. */
  readonly tag: string | undefined;
  /** `sha256:…`; decides when there is a tag too. */
  readonly digest: string | undefined;
  /** Repository with digest if there is one, else with tag: the name under which an image is kept. */
  readonly full: string;
}

const COMPONENT = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*';
const HOST = '(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)(?:\\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*';
const REFERENCE = new RegExp(
  `^(?:(?<registry>${HOST}(?::\\d{1,5})?|\\[[0-9a-fA-F:]+\\](?::\\d{1,5})?)/)?` +
    `(?<path>${COMPONENT}(?:/${COMPONENT})*)` +
    '(?::(?<tag>\\w[\\w.-]{0,127}))?(?:@(?<digest>sha256:[0-9a-f]{64}))?$',
);
/** Longest repository name of the distribution specification. */
const REPOSITORY_LENGTH_MAX = 255;

/** @throws {RuntimeError} `invalid-argument` when the name breaks the grammar */
export function parseImageReference(name: string): ImageReference {
  // A first component is a host only if it cannot be part of a path: it has a dot, a port, or is localhost.
  const slash = name.indexOf('/');
  const first = slash < 0 ? '' : name.slice(0, slash);
  const hasHost = /[.:]/.test(first) || first === 'localhost';
  const match = REFERENCE.exec(hasHost ? name : `docker.io/${name}`);
  const { registry, path, tag, digest } = match?.groups ?? {};
  if (registry === undefined || path === undefined || path.length > REPOSITORY_LENGTH_MAX) {
    throw new RuntimeError(
      'invalid-argument',
      `couldn't parse image name "${name}": invalid reference format`,
    );
  }
  const host = registry === 'index.docker.io' ? 'docker.io' : registry;
  const fullPath = host === 'docker.io' && !path.includes('/') ? `library/${path}` : path;
  const repository = `${host}/${fullPath}`;
  const effectiveTag = tag ?? (digest === undefined ? 'latest' : undefined);
  return {
    registry: host,
    path: fullPath,
    repository,
    tag: effectiveTag,
    digest,
    full: digest === undefined ? `${repository}:${effectiveTag}` : `${repository}@${digest}`,
  };
}
