import { notSupported, unknownPath } from '#api/status-error.ts';
import { resourceInfo, type ResourceInfo } from '#api/resource-table.ts';
import type { Clock } from '#base/clock.ts';
import type { Random } from '#base/random.ts';
import type { ApiAggregator } from '../aggregation/api-aggregator.ts';
import type { Authorizer, Decision } from '../authz/authorizer.ts';
import { refusal } from '../authz/forbidden-message.ts';
import { attributesOf } from '../authz/request-attributes.ts';
import { isServed, isVirtual, type Registry } from '../registry/registry.ts';
import type { ApiCall, ApiResult } from './api-call.ts';
import { versionViewOf } from '../registry/versions/version-views.ts';
import { checkPlace } from './check-place.ts';
import { admitConnection } from './connect-admission.ts';
import { serveCustom } from './custom-endpoint.ts';
import { serveResource } from './resource-endpoint.ts';
import type { NodeDirectory } from './node-directory.ts';
import { serveBinding } from './subresources/binding.ts';
import { serveEviction } from './subresources/eviction.ts';
import { servePodLog, upgradeRequired, type PodConnectDeps } from './subresources/pod-connect.ts';
import { isProxyCall, serveProxy, type ProxyDeps } from './subresources/proxy.ts';
import { serveScale } from './subresources/scale.ts';

/** Answers a request for a resource or subresource that stores nothing of its own. */
export type VirtualHandler = (call: ApiCall) => Promise<ApiResult>;

export interface ApiHandlerDeps {
  readonly registry: Registry;
  readonly authorizer: Authorizer;
  readonly nodes: NodeDirectory;
  readonly clock: Clock;
  readonly random: Random;
  /** By `group/resource` or `group/resource/subresource`; the core group's name is empty. */
  readonly virtual: ReadonlyMap<string, VirtualHandler>;
  readonly aggregator: ApiAggregator;
  /** `/healthz`, discovery and the like. */
  readonly nonResource: (call: ApiCall) => Promise<ApiResult>;
}

/** Subresources that change the object in its own storage. */
const STORED_SUBRESOURCES: ReadonlySet<string> = new Set([
  'status',
  'finalize',
  'approval',
  'ephemeralcontainers',
  'resize',
]);

/**
 * Everything between an authenticated request and its answer: authorization, then the resource's own code.
 * Both carriers, HTTPS and loopback, come through here.
 */
export class ApiHandler {
  readonly #deps: ApiHandlerDeps;
  /** What others said about calls under way. */
  readonly #decided = new WeakMap<ApiCall, Decision>();

  constructor(deps: ApiHandlerDeps) {
    this.#deps = deps;
  }

  /** What serving a pod's streams takes. */
  get podConnect(): PodConnectDeps {
    const { nodes, clock } = this.#deps;
    return { pods: this.#storage('', 'v1', 'pods'), nodes, clock };
  }

  /** What carrying requests to pods, services and nodes takes. */
  get proxy(): ProxyDeps {
    const { nodes: directory, random } = this.#deps;
    return {
      pods: this.#storage('', 'v1', 'pods'),
      services: this.#storage('', 'v1', 'services'),
      endpoints: this.#storage('', 'v1', 'endpoints'),
      nodes: this.#storage('', 'v1', 'nodes'),
      directory,
      random,
    };
  }

  /** True for requests that somebody else answers: the server only carries them. */
  isCarried(call: ApiCall): boolean {
    return isProxyCall(call) || this.#deps.aggregator.find(call.info) !== undefined;
  }

  /**
   * Asks admission about a connection to a pod, service or node. A log is only read, whatever it is read over.
   *
   * @returns the call as it was admitted
   * @throws {StatusError} what the plugins say
   */
  async admitConnection(call: ApiCall): Promise<ApiCall> {
    if (call.info.subresource === 'log') {
      return call;
    }
    return await admitConnection(this.#storage(call.info.group, call.info.version, call.info.resource), call);
  }

  /** @throws {StatusError} for every refusal */
  async handle(call: ApiCall): Promise<ApiResult> {
    const asking = this.askOthers(call);
    if (asking !== undefined) {
      await asking;
    }
    this.authorize(call);
    return this.answer(call);
  }

  /** Serves a call that was authorized. @throws {StatusError} for every other refusal */
  async answer(call: ApiCall): Promise<ApiResult> {
    const remote = this.#deps.aggregator.find(call.info);
    if (remote !== undefined) {
      return this.#deps.aggregator.serve(remote, call);
    }
    if (!call.info.isResource) {
      return this.#deps.nonResource(call);
    }
    return this.#serve(call);
  }

  /** Asks those outside this process who decide too, for {@link authorize} to go by; undefined when there are none. */
  askOthers(call: ApiCall): Promise<void> | undefined {
    const { decide } = this.#deps.authorizer;
    return decide === undefined ? undefined : this.#ask(decide, call);
  }

  /** @throws {StatusError} Forbidden */
  authorize(call: ApiCall): void {
    const { audit } = call;
    const attributes = attributesOf(call);
    const decision = this.#decided.get(call) ?? this.#deps.authorizer.authorize(attributes);
    audit?.authorized(decision);
    if (decision.outcome !== 'allow') {
      throw refusal(attributes, decision);
    }
  }

  async #ask(decide: NonNullable<Authorizer['decide']>, call: ApiCall): Promise<void> {
    this.#decided.set(call, await decide(attributesOf(call)));
  }

  async #serve(call: ApiCall): Promise<ApiResult> {
    const { info } = call;
    const path =
      info.subresource === ''
        ? `${info.group}/${info.resource}`
        : `${info.group}/${info.resource}/${info.subresource}`;
    const virtual = this.#deps.virtual.get(path);
    if (virtual !== undefined) {
      return virtual(call);
    }
    const known = resourceInfo(info);
    return known === undefined
      ? serveCustom(this.#deps.registry.custom.find(info), call)
      : this.#serveStored(known, call);
  }

  async #serveStored(known: ResourceInfo, call: ApiCall): Promise<ApiResult> {
    const { info } = call;
    const { registry } = this.#deps;
    const version = versionViewOf(known);
    const storage = registry.storage(version?.storage ?? known);
    if (known.group === '' && known.resource === 'bindings') {
      return serveBinding(this.#storage('', 'v1', 'pods'), call);
    }
    if (storage === undefined) {
      throw isServed(known) || isVirtual(known)
        ? notSupported(`${known.resource}.${known.group}`)
        : unknownPath();
    }
    checkPlace(known, info);
    if (info.subresource === '' || STORED_SUBRESOURCES.has(info.subresource)) {
      return serveResource({ storage, view: version?.view }, call);
    }
    return this.#serveSubresource(known, call);
  }

  async #serveSubresource(known: ResourceInfo, call: ApiCall): Promise<ApiResult> {
    const storage = this.#storage(known.group, known.version, known.resource);
    switch (call.info.subresource) {
      case 'scale':
        return serveScale(storage, call);
      case 'binding':
        return serveBinding(storage, call);
      case 'log':
        return servePodLog(this.podConnect, call);
      case 'exec':
      case 'attach':
      case 'portforward':
        throw upgradeRequired();
      case 'proxy':
        return serveProxy(this.proxy, await admitConnection(storage, call));
      case 'eviction':
        return serveEviction(storage, this.#storage('policy', 'v1', 'poddisruptionbudgets'), call);
      default:
        throw Object.hasOwn(known.subresources, call.info.subresource)
          ? notSupported(`${known.resource}/${call.info.subresource}`)
          : unknownPath();
    }
  }

  #storage(group: string, version: string, resource: string): NonNullable<ReturnType<Registry['storage']>> {
    const storage = this.#deps.registry.storage({ group, version, resource });
    if (storage === undefined) {
      throw unknownPath();
    }
    return storage;
  }
}
