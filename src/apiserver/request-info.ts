/** What a request is about, read off its method, path and query once, before anything else looks at it. */
export interface RequestInfo {
  /** `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, `deletecollection`; the method in lower case for other paths. */
  readonly verb: string;
  readonly path: string;
  /** True for paths below `/api/v1` and `/apis/<group>/<version>` that name a resource. */
  readonly isResource: boolean;
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly subresource: string;
  /** Empty for cluster-scoped resources and requests over all namespaces. */
  readonly namespace: string;
  /** Also of the one object that a list or watch selects by `metadata.name`: rights on that object are enough for it. */
  readonly name: string;
  /** Path segments after the subresource; `proxy` forwards them. */
  readonly rest: readonly string[];
}

const VERBS: Readonly<Record<string, string>> = {
  POST: 'create',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
  GET: 'get',
  HEAD: 'get',
};

/** Subresources of a namespace; anything else below a namespace is a resource in it. */
const NAMESPACE_SUBRESOURCES: ReadonlySet<string> = new Set(['status', 'finalize']);

/**
 * Reads the path the way every Kubernetes client writes it. Never fails: an odd path is simply not a
 * resource request, and routing answers it with 404.
 */
export function parseRequestInfo(method: string, path: string, query: URLSearchParams): RequestInfo {
  const parts = splitPath(path);
  const isCore = parts[0] === 'api';
  const head = isCore ? 2 : 3;
  if ((!isCore && parts[0] !== 'apis') || parts.length <= head) {
    return nonResource(method, path);
  }
  const group = isCore ? '' : (parts[1] ?? '');
  const version = parts[head - 1] ?? '';
  let rest = parts.slice(head);
  // The old `watch/` prefix asks for a watch without the query parameter.
  const isWatchPath = rest[0] === 'watch' && rest.length > 1;
  if (isWatchPath) {
    rest = rest.slice(1);
  }
  const scoped = splitNamespace(rest, group === '');
  const [resource = '', name = '', subresource = '', ...tail] = scoped.rest;
  const base = {
    path,
    isResource: true,
    group,
    version,
    resource,
    subresource,
    namespace: scoped.namespace,
    name,
    rest: tail,
  };
  const verb = verbOf({ method, name, subresource, query, isWatchPath });
  return name === '' && (verb === 'list' || verb === 'watch')
    ? { ...base, verb, name: selectedName(query.get('fieldSelector')) }
    : { ...base, verb };
}

/** The name in `metadata.name=x`; empty where the selector asks for no name, or one that no path could have. */
function selectedName(fieldSelector: string | null): string {
  const match = /(?:^|,)metadata\.name==?([^,=!\\]+)(?:,|$)/.exec(fieldSelector ?? '');
  const name = match?.[1] ?? '';
  return name === '.' || name === '..' || /[/%]/.test(name) ? '' : name;
}

function splitPath(path: string): readonly string[] {
  return path
    .split('/')
    .filter((part) => part !== '')
    .map(decodePart);
}

function decodePart(part: string): string {
  if (!part.includes('%')) {
    return part;
  }
  try {
    return decodeURIComponent(part);
  } catch (error) {
    // A stray percent sign: taken as it stands, so that it names nothing instead of crashing the request.
    if (error instanceof URIError) {
      return part;
    }
    throw error;
  }
}

function nonResource(method: string, path: string): RequestInfo {
  const empty = { group: '', version: '', resource: '', subresource: '', namespace: '', name: '', rest: [] };
  return { verb: method.toLowerCase(), path, isResource: false, ...empty };
}

function splitNamespace(
  parts: readonly string[],
  isCore: boolean,
): { namespace: string; rest: readonly string[] } {
  if (parts[0] !== 'namespaces' || parts.length < 2) {
    return { namespace: '', rest: parts };
  }
  const isOwn = isCore && (parts.length === 2 || NAMESPACE_SUBRESOURCES.has(parts[2] ?? ''));
  // A request for a namespace itself is also a request in it, so that RBAC in the namespace can grant it.
  return { namespace: parts[1] ?? '', rest: isOwn ? parts : parts.slice(2) };
}

interface VerbInput {
  readonly method: string;
  readonly name: string;
  readonly subresource: string;
  readonly query: URLSearchParams;
  readonly isWatchPath: boolean;
}

function verbOf({ method, name, query, isWatchPath }: VerbInput): string {
  const verb = VERBS[method] ?? method.toLowerCase();
  if (verb === 'get') {
    if (isWatchPath || (isTrue(query.get('watch')) && name === '')) {
      return 'watch';
    }
    return name === '' ? 'list' : isTrue(query.get('watch')) ? 'watch' : 'get';
  }
  return verb === 'delete' && name === '' ? 'deletecollection' : verb;
}

/** Booleans in queries, as the API's own conversion reads them: anything but `false`, `0` and nothing is true. */
export function isTrue(text: string | null | undefined): boolean {
  return text !== null && text !== undefined && text !== '' && text !== 'false' && text !== '0';
}
