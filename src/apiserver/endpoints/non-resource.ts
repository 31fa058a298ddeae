import { Readable } from 'node:stream';
import { notFound, unknownPath } from '#api/status-error.ts';
import type { APIGroup } from '#api/types/meta.v1.ts';
import type { MetricsRegistry } from '#base/metrics.ts';
import type { ApiAggregator } from '../aggregation/api-aggregator.ts';
import { mergeAggregated, mergeGroups } from '../aggregation/merged-discovery.ts';
import type { ApiCall, ApiResult } from './api-call.ts';
import {
  aggregatedDiscovery,
  apiGroupList,
  apiGroups,
  apiResourceList,
  apiVersions,
  type DiscoverySource,
} from './discovery.ts';
import type { HealthChecks } from './health.ts';
import type { JsonRecord } from '#codec/own-property.ts';
import {
  encodeOpenApiV2,
  OPENAPI_V2_PROTOBUF,
  OPENAPI_V2_PROTOBUF_ANSWER,
} from '../openapi/document-protobuf.ts';
import { versionInfo } from './version.ts';

export interface NonResourceDeps {
  readonly discovery: DiscoverySource;
  /** Adds what other servers answer. */
  readonly aggregator: Pick<ApiAggregator, 'versions' | 'describe'>;
  readonly health: HealthChecks;
  readonly metrics: MetricsRegistry;
  readonly openapi: (path: string) => Promise<ApiResult | undefined>;
  /** `host:port` that clients reach the server at. */
  readonly serverAddress: () => string;
  /** Paths that others answer: `/openid/v1/jwks`, `/.well-known/openid-configuration`. */
  readonly extra: ReadonlyMap<string, (serverAddress: string) => ApiResult>;
}

const ROOT_PATHS = ['/healthz', '/livez', '/metrics', '/openapi/v2', '/openapi/v3', '/readyz', '/version'];

/** Serves every path that is not a resource. */
export function createNonResource(deps: NonResourceDeps): (call: ApiCall) => Promise<ApiResult> {
  return async (call) => {
    const result = await serve(deps, call);
    if (result === undefined) {
      throw call.info.path.startsWith('/api') ? unknownPath() : notFoundPath();
    }
    return result;
  };
}

function notFoundPath(): Error {
  return notFound({ group: '', resource: 'path' }, '');
}

async function serve(deps: NonResourceDeps, call: ApiCall): Promise<ApiResult | undefined> {
  const { path } = call.info;
  const [root = '', ...rest] = path.split('/').filter((part) => part !== '');
  switch (root) {
    case '':
      return value({ paths: rootPaths(deps) });
    case 'version':
      return value(versionInfo());
    case 'metrics':
      return {
        kind: 'text',
        code: 200,
        contentType: 'text/plain; version=0.0.4; charset=utf-8',
        text: deps.metrics.render(),
      };
    case 'healthz':
    case 'livez':
    case 'readyz':
      return deps.health.serve(root, rest[0], call.query);
    case 'api':
    case 'apis':
      return discovery(deps, root === 'api', rest, call);
    case 'openapi':
      return described(deps, path, call.http?.headers.accept ?? '');
    default:
      return deps.extra.get(path)?.(deps.serverAddress());
  }
}

function discovery(
  deps: NonResourceDeps,
  isCore: boolean,
  rest: readonly string[],
  call: ApiCall,
): ApiResult | undefined {
  if (rest.length === 0) {
    if (call.wantsAggregatedDiscovery) {
      return {
        kind: 'text',
        code: 200,
        contentType: 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList',
        text: JSON.stringify(isCore ? aggregatedDiscovery(deps.discovery, true) : allAggregated(deps)),
      };
    }
    return value(
      isCore
        ? apiVersions(deps.serverAddress())
        : { ...apiGroupList(deps.discovery), groups: allGroups(deps) },
    );
  }
  const [first = '', second] = rest;
  if (isCore) {
    return rest.length === 1 ? found(apiResourceList(deps.discovery, '', first)) : undefined;
  }
  if (second === undefined) {
    const group = allGroups(deps).find(({ name }) => name === first);
    return group === undefined ? undefined : value({ kind: 'APIGroup', apiVersion: 'v1', ...group });
  }
  return rest.length === 2 ? found(apiResourceList(deps.discovery, first, second)) : undefined;
}

/** This server's groups and those of other servers. */
function allGroups({ discovery: source, aggregator }: NonResourceDeps): readonly APIGroup[] {
  const remotes = aggregator.versions();
  const local = apiGroups(source);
  return remotes.length === 0 ? local : mergeGroups(local, remotes);
}

function allAggregated({ discovery: source, aggregator }: NonResourceDeps): object {
  const remotes = aggregator.versions();
  const local = aggregatedDiscovery(source, false);
  return remotes.length === 0 ? local : { ...local, items: mergeAggregated(local.items, remotes) };
}

async function described(
  { openapi, aggregator }: NonResourceDeps,
  path: string,
  accept: string,
): Promise<ApiResult | undefined> {
  const result = await openapi(path);
  if (result?.kind !== 'text') {
    return result;
  }
  const text = aggregator.describe(path, result.text);
  return path === '/openapi/v2' && accept.startsWith(OPENAPI_V2_PROTOBUF)
    ? {
        kind: 'bytes',
        code: 200,
        contentType: OPENAPI_V2_PROTOBUF_ANSWER,
        chunks: Readable.from([encodeOpenApiV2(JSON.parse(text) as JsonRecord)]),
      }
    : { ...result, text };
}

function rootPaths(deps: NonResourceDeps): readonly string[] {
  const groups = allGroups(deps).flatMap(({ name, versions }) => [
    `/apis/${name}`,
    ...versions.map(({ groupVersion }) => `/apis/${groupVersion}`),
  ]);
  return ['/api', '/api/v1', '/apis', ...groups, ...ROOT_PATHS, ...deps.extra.keys()].toSorted();
}

function value(object: object): ApiResult {
  return { kind: 'value', code: 200, value: object };
}

function found(object: object | undefined): ApiResult | undefined {
  return object === undefined ? undefined : value(object);
}
