import { isAlreadyExists } from '#api/status-error.ts';
import type { ConfigMap, Namespace } from '#api/types/core.v1.ts';
import { CONFIG_MAP, NAMESPACE } from '#api/types/resources.ts';
import type { Client } from '#client/client.ts';
import type { Informer } from '#client/lister.ts';
import { isNamespaceTerminating } from '../pods/pod-writer.ts';
import type { ControllerDeps } from '../runner/controller-deps.ts';
import {
  type Controller,
  DONE,
  enqueueOnChange,
  type KeyQueue,
  type ReconcileResult,
} from '../runner/controller.ts';

/** Pods mount this ConfigMap beside their token. */
const CONFIG_MAP_NAME = 'kube-root-ca.crt';
const DATA_KEY = 'ca.crt';
const DESCRIPTION = {
  'kubernetes.io/description':
    'Certificates to verify the API server with at its addresses inside the cluster. Use them for nothing else.',
};

/** Puts the certificates that pods verify the API server with into every active namespace. */
export class RootCaPublisher implements Controller {
  readonly name = 'root-ca-certificate-publisher';
  readonly workers = 1;
  readonly #client: Client;
  readonly #namespaces: Informer<Namespace>;
  readonly #configMaps: Informer<ConfigMap>;
  readonly #rootCaPem: string;

  /** @param rootCaPem the certificates, PEM, one after another */
  constructor({ client, informers }: ControllerDeps, rootCaPem: string) {
    this.#client = client;
    this.#namespaces = informers.of(NAMESPACE);
    this.#configMaps = informers.of(CONFIG_MAP, { fieldSelector: `metadata.name=${CONFIG_MAP_NAME}` });
    this.#rootCaPem = rootCaPem;
  }

  connect(queue: KeyQueue): readonly Disposable[] {
    return [
      enqueueOnChange(this.#namespaces, queue, ({ metadata }) => [metadata.name]),
      this.#configMaps.addHandler({
        onUpdate: (_, { metadata }) => queue.add(metadata.namespace),
        onDelete: ({ metadata }) => queue.add(metadata.namespace),
      }),
    ];
  }

  async reconcile(namespace: string, signal: AbortSignal): Promise<ReconcileResult> {
    if (this.#namespaces.get(namespace)?.status.phase !== 'Active') {
      return DONE;
    }
    const current = this.#configMaps.get(`${namespace}/${CONFIG_MAP_NAME}`);
    const data = { [DATA_KEY]: this.#rootCaPem };
    const configMaps = this.#client.of(CONFIG_MAP);
    if (current === undefined) {
      const metadata = { namespace, name: CONFIG_MAP_NAME, annotations: DESCRIPTION };
      try {
        await configMaps.create({ metadata, data }, {}, signal);
      } catch (error) {
        if (!isAlreadyExists(error) && !isNamespaceTerminating(error)) {
          throw error;
        }
      }
    } else if (current.data?.[DATA_KEY] !== this.#rootCaPem || Object.keys(current.data).length !== 1) {
      await configMaps.update({ ...current, data }, {}, signal);
    }
    return DONE;
  }
}
