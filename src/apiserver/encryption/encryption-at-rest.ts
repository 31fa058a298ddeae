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

/** Which resources are stored encrypted, and how. */
export class EncryptionAtRest implements AsyncDisposable {
  readonly #transformers: ReadonlyMap<string, Transformer>;
  readonly #kms: readonly KmsProvider[];
  readonly #plugins: readonly KmsPlugin[];
  readonly #tasks: TaskGroup;

  private constructor(
    transformers: ReadonlyMap<string, Transformer>,
    kms: readonly { readonly provider: KmsProvider; readonly plugin: KmsPlugin }[],
    log: Logger,
  ) {
    this.#transformers = transformers;
    this.#kms = kms.map(({ provider }) => provider);
    this.#plugins = kms.map(({ plugin }) => plugin);
    this.#tasks = TaskGroup.logging(log);
  }

  /** Asks every plugin once; one that does not answer yet is asked again in the background. */
  static async start(
    configurations: readonly ResourceConfiguration[],
    deps: EncryptionDeps,
  ): Promise<EncryptionAtRest> {
    const kms: { provider: KmsProvider; plugin: KmsPlugin }[] = [];
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
    const encryption = new EncryptionAtRest(transformers, kms, deps.log);
    await Promise.all(encryption.#kms.map((provider) => provider.check()));
    encryption.#kms.forEach((provider, index) =>
      encryption.#tasks.spawn(`kms plugin ${index}`, (signal) => provider.run(signal)),
    );
    return encryption;
  }

  /** True when plugins take part, whose health is the server's too. */
  get hasPlugins(): boolean {
    return this.#kms.length > 0;
  }

  /** The store as this resource sees it. Resources that are not named are refused when they are encrypted. */
  storeFor(resource: Pick<GroupVersionResource, 'group' | 'resource'>, store: Store): EncryptedStore {
    const transformer = this.#transformerOf(resource);
    return new EncryptedStore(store, transformer);
  }

  /** True when every plugin is well. */
  async isHealthy(): Promise<boolean> {
    const problems = await Promise.all(this.#kms.map((provider) => provider.check()));
    return problems.every((problem) => problem === undefined);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#tasks.close();
    this.#plugins.forEach((plugin) => plugin[Symbol.dispose]());
  }

  #transformerOf({ group, resource }: Pick<GroupVersionResource, 'group' | 'resource'>): Transformer {
    const names = [group === '' ? resource : `${resource}.${group}`, `*.${group}`, '*.*'];
    const name = names.find((each) => this.#transformers.has(each));
    return (name === undefined ? undefined : this.#transformers.get(name)) ?? IDENTITY;
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
