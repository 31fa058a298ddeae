import { readFileSync } from 'node:fs';
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import { LmdbStore } from '#store/lmdb-store.ts';
import type { Store } from '#store/store.ts';
import type { TransactionalStore } from '#store/transactional-store.ts';

/** Where a cluster keeps its state: in its data directory, or in an etcd that others may share. */
export type StoreChoice =
  | {
      readonly kind: 'local';
      /** Also serve the store as an etcd there. */
      readonly etcdListen?: { readonly host: string; readonly port: number } | undefined;
    }
  | {
      readonly kind: 'etcd';
      readonly servers: readonly string[];
      /** Files in PEM form. */
      readonly caFile?: string | undefined;
      readonly certFile?: string | undefined;
      readonly keyFile?: string | undefined;
    };

export interface ClusterStore {
  readonly store: Store;
  /** Its etcd face, if asked for; closed before the store. */
  readonly face: AsyncDisposable | undefined;
}

interface StoreDeps {
  readonly clock: Clock;
  readonly log: Logger;
}

/** gRPC is loaded only where etcd is spoken, so that an ordinary start does not pay for it. */
export async function openClusterStore(
  choice: StoreChoice,
  directory: string,
  deps: StoreDeps,
): Promise<ClusterStore> {
  if (choice.kind === 'etcd') {
    const { EtcdStore } = await import('#store/etcd/etcd-store.ts');
    const tls = choice.caFile === undefined ? undefined : tlsOf(choice, choice.caFile);
    return { store: await EtcdStore.open({ endpoints: choice.servers, tls, ...deps }), face: undefined };
  }
  const store = await LmdbStore.open(directory, deps);
  try {
    return { store, face: await serve(store, choice, deps) };
  } catch (error) {
    await store.close();
    throw error;
  }
}

async function serve(
  store: TransactionalStore,
  { etcdListen }: Extract<StoreChoice, { kind: 'local' }>,
  deps: StoreDeps,
): Promise<AsyncDisposable | undefined> {
  if (etcdListen === undefined) {
    return undefined;
  }
  const { EtcdServer } = await import('#store/etcd/etcd-server.ts');
  const server = new EtcdServer({ store, ...deps });
  await server.listen(etcdListen.host, etcdListen.port);
  return server;
}

function tlsOf(
  { certFile, keyFile }: Extract<StoreChoice, { kind: 'etcd' }>,
  caFile: string,
): { readonly ca: string; readonly cert?: string; readonly key?: string } {
  return {
    ca: readFileSync(caFile, 'utf8'),
    ...(certFile === undefined ? {} : { cert: readFileSync(certFile, 'utf8') }),
    ...(keyFile === undefined ? {} : { key: readFileSync(keyFile, 'utf8') }),
  };
}
