import type { GroupVersionResource } from '#api/resource-type.ts';
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import type { Random } from '#base/random.ts';
import { TaskGroup } from '#base/task-group.ts';
import type { Store } from '#store/store.ts';
import { AesCbc, AesGcm } from './aes.ts';
import { EncryptedStore } from './encrypted-store.ts';
import type { ProviderConfiguration, ResourceConfiguration } from './encryption-configuration.ts';
import type { KmsPlugin } from './kms/kms-plugin.ts';
import { KmsProvider } from './kms/kms-provider.ts';
import { Secretbox } from './secretbox.ts';
import { IDENTITY, PrefixTransformers, type PrefixedTransformer, type Transformer } from './transformer.ts';

export interface EncryptionDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** Opens the socket of a KMS v2 plugin. */
  readonly openPlugin: (endpoint: string, timeoutMs: number) => Promise<KmsPlugin>;
}

type KeyedProvider = Extract<ProviderConfiguration, { readonly keys: unknown }>;

interface KmsPart {
  readonly provider: KmsProvider;
  readonly plugin: KmsPlugin;
}

/** What one reading of the configuration came to. */
class ProviderSet implements AsyncDisposable {
  readonly #transformers: ReadonlyMap<string, Transformer>;
  readonly #kms: readonly KmsPart[];
  readonly #tasks: TaskGroup;

  private constructor(transformers: ReadonlyMap<string, Transformer>, kms: readonly KmsPart[], log: Logger) {
    this.#transformers = transformers;
    this.#kms = kms;
    this.#tasks = TaskGroup.logging(log);
  }

  /** Asks every plugin once; one that does not answer yet is asked again in the background. */
  static async start(
    configurations: readonly ResourceConfiguration[],
    deps: EncryptionDeps,
  ): Promise<ProviderSet> {
    const kms: KmsPart[] = [];
    const lists = new Map<string, PrefixedTransformer[]>();
    for (const { resources, providers } of configurations) {
      const transformers: PrefixedTransformer[] = [];
      for (const configured of providers) {
        if (configured.kind === 'kms') {
          const { name, endpoint, timeoutMs } = configured;
          const plugin = await deps.openPlugin(endpoint, timeoutMs);
          const provider = new KmsProvider({ ...deps, name, plugin });
          kms.push({ provider, plugin });
          transformers.push({ prefix: `k8s:enc:kms:v2:${name}:`, transformer: provider });
        } else {
          transformers.push(
            configured.kind === 'identity'
              ? { prefix: '', transformer: IDENTITY }
              : keyed(configured, deps.random),
          );
        }
      }
      for (const resource of resources) {
        lists.set(resource, [...(lists.get(resource) ?? []), ...transformers]);
      }
    }
    const transformers = new Map(
      [...lists].map(([resource, list]) => [
        resource,
        new PrefixTransformers(list, 'no matching prefix found'),
      ]),
    );
    const set = new ProviderSet(transformers, kms, deps.log);
    await Promise.all(kms.map(({ provider }) => provider.check()));
    kms.forEach(({ provider }, index) =>
      set.#tasks.spawn(`kms plugin ${index}`, (signal) => provider.run(signal)),
    );
    return set;
  }

  get hasPlugins(): boolean {
    return this.#kms.length > 0;
  }

  /** What is wrong with plugins. */
  async problems(): Promise<readonly string[]> {
    const problems = await Promise.all(this.#kms.map(({ provider }) => provider.check()));
    return problems.filter((problem) => problem !== undefined);
  }

  transformerOf({ group, resource }: Pick<GroupVersionResource, 'group' | 'resource'>): Transformer {
    const names = [group === '' ? resource : `${resource}.${group}`, `*.${group}`, '*.*'];
    const name = names.find((each) => this.#transformers.has(each));
    return (name === undefined ? undefined : this.#transformers.get(name)) ?? IDENTITY;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#tasks.close();
    this.#kms.forEach(({ plugin }) => plugin[Symbol.dispose]());
  }
}

/** How long requests under way may go on with the providers of before. */
const GRACE_MS = 60_000;

/** Which resources are stored encrypted, and how. */
export class EncryptionAtRest implements AsyncDisposable {
  readonly #deps: EncryptionDeps;
  readonly #tasks: TaskGroup;
  #current: ProviderSet;

  private constructor(deps: EncryptionDeps, current: ProviderSet) {
    this.#deps = deps;
    this.#current = current;
    this.#tasks = TaskGroup.logging(deps.log);
  }

  static async start(
    configurations: readonly ResourceConfiguration[],
    deps: EncryptionDeps,
  ): Promise<EncryptionAtRest> {
    return new EncryptionAtRest(deps, await ProviderSet.start(configurations, deps));
  }

  /** True when plugins take part, whose health is the server's too. */
  get hasPlugins(): boolean {
    return this.#current.hasPlugins;
  }

  /**
   * Goes on with another configuration, unless one of its plugins is not well.
   *
   * @returns why not, or undefined
   */
  async replace(configurations: readonly ResourceConfiguration[]): Promise<string | undefined> {
    const next = await ProviderSet.start(configurations, this.#deps);
    const problems = await next.problems();
    if (problems.length > 0) {
      await next[Symbol.asyncDispose]();
      return problems.join(', ');
    }
    const before = this.#current;
    this.#current = next;
    this.#tasks.spawn('providers of before', async (signal) => {
      try {
        await this.#deps.clock.sleep(GRACE_MS, signal);
      } finally {
        await before[Symbol.asyncDispose]();
      }
    });
    return undefined;
  }

  /** The store as this resource sees it. Resources that are not named are refused when they are encrypted. */
  storeFor(resource: Pick<GroupVersionResource, 'group' | 'resource'>, store: Store): EncryptedStore {
    return new EncryptedStore(store, () => this.#current.transformerOf(resource));
  }

  /** True when every plugin is well. */
  async isHealthy(): Promise<boolean> {
    return (await this.#current.problems()).length === 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#tasks.close();
    await this.#current[Symbol.asyncDispose]();
  }
}

function keyed({ kind, keys }: KeyedProvider, random: Random): PrefixedTransformer {
  const make = { aescbc: AesCbc, aesgcm: AesGcm, secretbox: Secretbox }[kind];
  const title = kind === 'secretbox' ? 'Secretbox' : 'AES';
  return {
    prefix: `k8s:enc:${kind}:v1:`,
    transformer: new PrefixTransformers(
      keys.map(({ name, secret }) => ({ prefix: `${name}:`, transformer: new make(secret, random) })),
      `no matching key was found for the provided ${title} transformer`,
    ),
  };
}
