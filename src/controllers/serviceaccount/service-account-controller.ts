import { isAlreadyExists } from '#api/status-error.ts';
import type { Namespace, ServiceAccount } from '#api/types/core.v1.ts';
import { NAMESPACE, SERVICE_ACCOUNT } from '#api/types/resources.ts';
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

/** The account that pods run as when they name none. */
const DEFAULT_NAME = 'default';

/** Sees to it that every active namespace has the account that pods use by default. */
export class ServiceAccountController implements Controller {
  readonly name = 'serviceaccount';
  readonly workers = 1;
  readonly #client: Client;
  readonly #namespaces: Informer<Namespace>;
  readonly #accounts: Informer<ServiceAccount>;

  constructor({ client, informers }: ControllerDeps) {
    this.#client = client;
    this.#namespaces = informers.of(NAMESPACE);
    this.#accounts = informers.of(SERVICE_ACCOUNT);
  }

  connect(queue: KeyQueue): readonly Disposable[] {
    return [
      enqueueOnChange(this.#namespaces, queue, ({ metadata }) => [metadata.name]),
      this.#accounts.addHandler({ onDelete: ({ metadata }) => queue.add(metadata.namespace) }),
    ];
  }

  async reconcile(namespace: string, signal: AbortSignal): Promise<ReconcileResult> {
    const isActive = this.#namespaces.get(namespace)?.status.phase === 'Active';
    if (isActive && this.#accounts.get(`${namespace}/${DEFAULT_NAME}`) === undefined) {
      try {
        await this.#client
          .of(SERVICE_ACCOUNT)
          .create({ metadata: { namespace, name: DEFAULT_NAME } }, {}, signal);
      } catch (error) {
        if (!isAlreadyExists(error) && !isNamespaceTerminating(error)) {
          throw error;
        }
      }
    }
    return DONE;
  }
}
