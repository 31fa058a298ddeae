import type { APIService } from '#api/types/apiregistration.v1.ts';
import { APISERVICE } from '#api/types/resources.ts';
import { defined } from '#base/assert.ts';
import type { Clock } from '#base/clock.ts';
import type { ApiCall, ApiResult } from '../endpoints/api-call.ts';
import type { UpgradeConnection } from '../endpoints/subresources/upgrade-tunnel.ts';
import { timestamp } from '../registry/metadata.ts';
import type { DraftObject } from '../registry/strategy.ts';
import { updateObject } from '../registry/update.ts';
import type { RequestInfo } from '../request-info.ts';
import { availabilityOf, LOCAL, withAvailability } from './api-service-conditions.ts';
import type { Extensions, ExtensionsDeps } from './extensions.ts';
import type { RemoteVersion } from './merged-discovery.ts';
import { remoteApiOf, type RemoteApi } from './remote-api.ts';
import { selfContext } from './self-context.ts';

const NONE: readonly RemoteVersion[] = [];

/**
 * Knows which groups and versions other servers answer. As long as none is registered it costs a request one look
 * at an empty map; the rest of it is loaded with the first one.
 */
export class ApiAggregator {
  readonly #deps: ExtensionsDeps;
  /** By group and version. */
  readonly #apis = new Map<string, RemoteApi>();
  #isOpen = false;
  #starting: Promise<Extensions> | undefined;
  #extensions: Extensions | undefined;

  constructor(deps: ExtensionsDeps) {
    this.#deps = deps;
    deps.registry.mirrors.onChange(APISERVICE, ({ object, previous }) => this.#changed(object, previous));
  }

  /** To be called once the server's mirrors are filled. */
  start(): void {
    this.#isOpen = true;
    this.#startIfNeeded();
  }

  /** The API that a request is for when another server answers it. */
  find({ isResource, group, version, path }: RequestInfo): RemoteApi | undefined {
    if (this.#apis.size === 0) {
      return undefined;
    }
    if (isResource) {
      return this.#apis.get(`${group}/${version}`);
    }
    const [root, first = '', second, ...rest] = path.split('/').filter((part) => part !== '');
    if (root === 'openapi') {
      return this.#ofDocument(first, [second, ...rest]);
    }
    return root === 'apis' && second !== undefined && rest.length === 0
      ? this.#apis.get(`${first}/${second}`)
      : undefined;
  }

  /** True when another server answers for the group and version. */
  isRemote({ group, version }: { readonly group: string; readonly version: string }): boolean {
    return this.#apis.has(`${group}/${version}`);
  }

  async serve(api: RemoteApi, call: ApiCall): Promise<ApiResult> {
    return (await this.#started()).serve(api, call);
  }

  /** @throws {StatusError} nothing was written yet */
  async upgrade(api: RemoteApi, call: ApiCall, connection: UpgradeConnection): Promise<void> {
    await (await this.#started()).upgrade(api, call, connection);
  }

  /** What discovery shows beside this server's own groups. */
  versions(): readonly RemoteVersion[] {
    return this.#apis.size === 0 ? NONE : (this.#extensions?.versions() ?? NONE);
  }

  /** A document of `/openapi` with what extension servers have. */
  describe(path: string, text: string): string {
    if (this.#apis.size === 0 || this.#extensions === undefined) {
      return text;
    }
    switch (path) {
      case '/openapi/v2':
        return this.#extensions.mergedV2(text);
      case '/openapi/v3':
        return this.#extensions.mergedV3Index(text);
      default:
        return text;
    }
  }

  /** `/openapi/v3/apis/<group>/<version>` is the extension server's own document. */
  #ofDocument(
    version: string,
    [root, group, name, ...rest]: readonly (string | undefined)[],
  ): RemoteApi | undefined {
    return version === 'v3' && root === 'apis' && rest.length === 0
      ? this.#apis.get(`${group ?? ''}/${name ?? ''}`)
      : undefined;
  }

  #changed(object: APIService | undefined, previous: APIService | undefined): void {
    const next = object === undefined ? undefined : remoteApiOf(object);
    const before = previous === undefined ? undefined : remoteApiOf(previous);
    if (before !== undefined) {
      this.#apis.delete(`${before.group}/${before.version}`);
    }
    if (next !== undefined) {
      this.#apis.set(`${next.group}/${next.version}`, next);
      this.#startIfNeeded();
    }
    if (before !== undefined || next !== undefined) {
      this.#extensions?.changed(before, next);
    }
    if (object !== undefined && next === undefined && availabilityOf(object)?.reason !== LOCAL.reason) {
      this.#deps.tasks.spawn('local API', () => markLocal(this.#deps, object.metadata.name));
    }
  }

  #startIfNeeded(): void {
    if (this.#isOpen && this.#apis.size > 0 && this.#starting === undefined) {
      this.#deps.tasks.spawn('API aggregation', async () => {
        await this.#started();
      });
    }
  }

  #started(): Promise<Extensions> {
    this.#starting ??= this.#start();
    return this.#starting;
  }

  async #start(): Promise<Extensions> {
    const { Extensions: Loaded } = await import('./extensions.ts');
    this.#extensions = await Loaded.start(this.#deps, this.#apis);
    return this.#extensions;
  }
}

/** An APIService that led elsewhere and no longer does is available at once. */
async function markLocal(
  { registry, clock }: { registry: ExtensionsDeps['registry']; clock: Clock },
  name: string,
): Promise<void> {
  const produce = (live: object): DraftObject => {
    const current = live as APIService;
    const status = withAvailability(current.status, LOCAL, timestamp(clock));
    return { ...current, status };
  };
  const storage = defined(registry.storage(APISERVICE), 'storage of APIServices');
  await updateObject(
    storage,
    { namespace: '', name, subresource: 'status' },
    { produce, isPatch: true },
    selfContext(),
  );
}
