import { objectKey } from '#api/object.ts';
import { isConflict, isNotFound } from '#api/status-error.ts';
import type { Secret } from '#api/types/core.v1.ts';
import { SECRET } from '#api/types/resources.ts';
import type { Informer } from '#client/lister.ts';
import type { ControllerDeps } from '../runner/controller-deps.ts';
import {
  againAfter,
  type Controller,
  DONE,
  enqueueOnChange,
  type KeyQueue,
  type ReconcileResult,
} from '../runner/controller.ts';

const NAMESPACE = 'kube-system';
const TOKEN_TYPE = 'bootstrap.kubernetes.io/token';

/** Deletes bootstrap tokens whose time is over. */
export class TokenCleaner implements Controller {
  readonly name = 'token_cleaner';
  readonly workers = 1;
  readonly #deps: ControllerDeps;
  readonly #secrets: Informer<Secret>;

  constructor(deps: ControllerDeps) {
    this.#deps = deps;
    this.#secrets = deps.informers.of(SECRET);
  }

  connect(queue: KeyQueue): readonly Disposable[] {
    return [
      enqueueOnChange(this.#secrets, queue, (secret) =>
        expiryMs(secret) === undefined ? [] : [objectKey(secret)],
      ),
    ];
  }

  async reconcile(key: string, signal: AbortSignal): Promise<ReconcileResult> {
    const secret = this.#secrets.get(key);
    const dueMs = secret === undefined ? undefined : expiryMs(secret);
    if (secret === undefined || dueMs === undefined) {
      return DONE;
    }
    const nowMs = this.#deps.clock.nowMs();
    if (dueMs > nowMs) {
      return againAfter(dueMs - nowMs);
    }
    const { name, uid } = secret.metadata;
    try {
      await this.#deps.client.of(SECRET).delete(NAMESPACE, name, { preconditions: { uid } }, signal);
    } catch (error) {
      // Somebody was faster, or made another one of the same name.
      if (!isNotFound(error) && !isConflict(error)) {
        throw error;
      }
    }
    return DONE;
  }
}

/** When a token ends, milliseconds since the epoch; undefined for what is no token or never ends. */
function expiryMs({ metadata, type, data }: Secret): number | undefined {
  const text = Buffer.from(data?.['expiration'] ?? '', 'base64').toString();
  if (metadata.namespace !== NAMESPACE || type !== TOKEN_TYPE || text === '') {
    return undefined;
  }
  const ms = Date.parse(text);
  // An unreadable end is taken for one that has passed.
  return Number.isNaN(ms) ? 0 : ms;
}
