import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import type { NewObject } from '#api/object.ts';
import { isConflict, isNotFound } from '#api/status-error.ts';
import { formatMicroTime } from '#api/time.ts';
import type { Lease } from '#api/types/coordination.v1.ts';
import type { Node } from '#api/types/core.v1.ts';
import { LEASE } from '#api/types/resources.ts';
import type { Client } from '#client/client.ts';

export const LEASE_NAMESPACE = 'kube-node-lease';
export const LEASE_SECONDS = 40;
export const LEASE_RENEWAL_MS = 10_000;
const RETRY_MS = 1_000;

export interface NodeLeaseDeps {
  readonly client: Client;
  readonly clock: Clock;
  readonly log: Logger;
}

/** The node's heartbeat: a small object renewed every 10 s, so that the big status need not be. */
export class NodeLease {
  readonly #deps: NodeLeaseDeps;
  readonly #node: Node;
  #lease: Lease | undefined;

  constructor(deps: NodeLeaseDeps, node: Node) {
    this.#deps = deps;
    this.#node = node;
  }

  /** Renews until `signal` fires. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#deps;
    while (!signal.aborted) {
      let delayMs = LEASE_RENEWAL_MS;
      try {
        await this.renew(signal);
      } catch (error) {
        if (signal.aborted) {
          return;
        }
        log.warn('node lease not renewed', { error });
        this.#lease = undefined;
        delayMs = RETRY_MS;
      }
      await clock.sleep(delayMs, signal);
    }
  }

  async renew(signal: AbortSignal): Promise<void> {
    const { client, clock } = this.#deps;
    const leases = client.of(LEASE);
    const { name } = this.#node.metadata;
    this.#lease ??= await leases.get(LEASE_NAMESPACE, name, signal).catch((error: unknown) => {
      if (isNotFound(error)) {
        return undefined;
      }
      throw error;
    });
    const wanted = leaseOf(this.#node, clock.nowMs());
    if (this.#lease === undefined) {
      this.#lease = await leases.create(wanted, {}, signal);
      return;
    }
    try {
      const renewTime = formatMicroTime(clock.nowMs());
      this.#lease = await leases.update(
        { ...this.#lease, spec: { ...this.#lease.spec, renewTime } },
        {},
        signal,
      );
    } catch (error) {
      if (!isConflict(error) && !isNotFound(error)) {
        throw error;
      }
      this.#lease = undefined; // Looked at anew next time.
    }
  }
}

/** The Lease of a node; it goes when the node goes. */
export function leaseOf({ metadata }: Pick<Node, 'metadata'>, nowMs: number): NewObject<Lease> {
  return {
    metadata: {
      name: metadata.name,
      namespace: LEASE_NAMESPACE,
      ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name: metadata.name, uid: metadata.uid }],
    },
    spec: {
      holderIdentity: metadata.name,
      leaseDurationSeconds: LEASE_SECONDS,
      renewTime: formatMicroTime(nowMs),
    },
  };
}
