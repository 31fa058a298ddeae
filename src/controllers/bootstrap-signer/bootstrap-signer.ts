import type { ConfigMap, Secret } from '#api/types/core.v1.ts';
import { CONFIG_MAP, SECRET } from '#api/types/resources.ts';
import { jsonEqual } from '#base/json-equal.ts';
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
import { signedData, type BootstrapToken } from './sign-cluster-info.ts';

const TOKEN_NAMESPACE = 'kube-system';
const TOKEN_TYPE = 'bootstrap.kubernetes.io/token';
const PUBLIC_NAMESPACE = 'kube-public';
const NAME = 'cluster-info';
/** The one thing this controller looks after. */
const KEY = `${PUBLIC_NAMESPACE}/${NAME}`;

/** Signs the public `cluster-info` with every bootstrap token that may sign, so that joining nodes can trust it. */
export class BootstrapSigner implements Controller {
  readonly name = 'bootstrap_signer_queue';
  readonly workers = 1;
  readonly #deps: ControllerDeps;
  readonly #secrets: Informer<Secret>;
  readonly #maps: Informer<ConfigMap>;

  constructor(deps: ControllerDeps) {
    this.#deps = deps;
    this.#secrets = deps.informers.of(SECRET);
    this.#maps = deps.informers.of(CONFIG_MAP);
  }

  connect(queue: KeyQueue): readonly Disposable[] {
    return [
      enqueueOnChange(this.#maps, queue, ({ metadata }) =>
        metadata.namespace === PUBLIC_NAMESPACE && metadata.name === NAME ? [KEY] : [],
      ),
      enqueueOnChange(this.#secrets, queue, ({ metadata, type }) =>
        metadata.namespace === TOKEN_NAMESPACE && type === TOKEN_TYPE ? [KEY] : [],
      ),
    ];
  }

  async reconcile(key: string, signal: AbortSignal): Promise<ReconcileResult> {
    const map = this.#maps.get(key);
    if (map?.data?.['kubeconfig'] === undefined) {
      return DONE;
    }
    const nowMs = this.#deps.clock.nowMs();
    const tokens = this.#secrets
      .list()
      .map((secret) => signingToken(secret, nowMs))
      .filter((token) => token !== undefined);
    const data = signedData(map.data, tokens);
    if (!jsonEqual(data, map.data)) {
      await this.#deps.client.of(CONFIG_MAP).update({ ...map, data }, {}, signal);
    }
    const ends = tokens.map(({ endsMs }) => endsMs).filter((endMs) => endMs !== undefined);
    return ends.length === 0 ? DONE : againAfter(Math.min(...ends) - nowMs);
  }
}

/** The token in a Secret, if it may sign now. */
function signingToken(
  { metadata, type, data = {} }: Secret,
  nowMs: number,
): (BootstrapToken & { readonly endsMs: number | undefined }) | undefined {
  if (metadata.namespace !== TOKEN_NAMESPACE || type !== TOKEN_TYPE) {
    return undefined;
  }
  const read = (key: string): string => Buffer.from(data[key] ?? '', 'base64').toString();
  const [id, secret, expiration] = [read('token-id'), read('token-secret'), read('expiration')];
  const endsMs = expiration === '' ? undefined : Date.parse(expiration);
  const isOver = endsMs !== undefined && !(endsMs > nowMs);
  const maySign = read('usage-bootstrap-signing') === 'true';
  return id === '' || secret === '' || !maySign || isOver || metadata.name !== `bootstrap-token-${id}`
    ? undefined
    : { id, secret, endsMs };
}
