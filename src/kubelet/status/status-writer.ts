import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import type { TaskGroup } from '#base/task-group.ts';
import { isConflict, isInvalid, isNotFound } from '#api/status-error.ts';
import type { Pod, PodCondition, PodStatus } from '#api/types/core.v1.ts';
import { POD } from '#api/types/resources.ts';
import type { Client } from '#client/client.ts';

const RETRY_DELAY_MS = 1_000;

interface Slot {
  pod: Pod;
  status: PodStatus;
  /** What the server has, as far as this writer knows. */
  written: PodStatus;
  isBusy: boolean;
  readonly waiters: (() => void)[];
}

export interface StatusWriterDeps {
  readonly client: Client;
  readonly clock: Clock;
  readonly tasks: TaskGroup;
  readonly log: Logger;
}

/** Tells the server the status of pods: only when it changed, the newest only, one write per pod at a time. */
export class PodStatusWriter {
  readonly #deps: StatusWriterDeps;
  readonly #slots = new Map<string, Slot>();

  constructor(deps: StatusWriterDeps) {
    this.#deps = deps;
  }

  /** Takes over the status; it is written soon. `pod` is the server's newest known object. */
  write(pod: Pod, status: PodStatus): void {
    const { uid } = pod.metadata;
    const slot = this.#slots.get(uid) ?? { pod, status, written: pod.status, isBusy: false, waiters: [] };
    slot.pod = pod;
    slot.status = status;
    this.#slots.set(uid, slot);
    if (!slot.isBusy && isDue(slot)) {
      slot.isBusy = true;
      this.#deps.tasks.spawn(`status of pod ${uid}`, (signal) => this.#flush(uid, slot, signal));
    }
  }

  /** Resolves when nothing is waiting to be written for the pod. */
  async flushed(uid: string): Promise<void> {
    const slot = this.#slots.get(uid);
    if (slot?.isBusy === true) {
      await new Promise<void>((resolve) => {
        slot.waiters.push(resolve);
      });
    }
  }

  forget(uid: string): void {
    this.#slots.delete(uid);
  }

  async #flush(uid: string, slot: Slot, signal: AbortSignal): Promise<void> {
    try {
      while (isDue(slot) && this.#slots.get(uid) === slot) {
        const { status } = slot;
        if (await this.#patch(slot, status, signal)) {
          slot.written = status;
        } else {
          await this.#deps.clock.sleep(RETRY_DELAY_MS, signal);
        }
      }
    } finally {
      slot.isBusy = false;
      for (const wake of slot.waiters.splice(0)) {
        wake();
      }
    }
  }

  /** False when it has to be tried again. A pod that is gone counts as written. */
  async #patch(slot: Slot, status: PodStatus, signal: AbortSignal): Promise<boolean> {
    const { metadata } = slot.pod;
    const patch = {
      // The server refuses the patch when another pod has taken the name.
      metadata: { uid: metadata.uid },
      status: statusPatch(slot.written, status),
    };
    try {
      await this.#deps.client
        .of(POD)
        .patch(
          metadata.namespace,
          metadata.name,
          patch,
          { type: 'strategic', subresource: 'status' },
          signal,
        );
      return true;
    } catch (error) {
      if (isNotFound(error) || isConflict(error) || isInvalid(error)) {
        this.#deps.log.info('status not taken', { pod: metadata.name, namespace: metadata.namespace, error });
        return true;
      }
      if (signal.aborted) {
        throw error;
      }
      this.#deps.log.warn('status not written', { pod: metadata.name, namespace: metadata.namespace, error });
      return false;
    }
  }
}

function isDue({ status, written }: Slot): boolean {
  return Object.entries(status).some(([key, value]) => {
    const old: unknown = written[key as keyof PodStatus];
    if (key === 'conditions') {
      // The server's list also has the conditions of others.
      const others = (old ?? []) as NonNullable<PodStatus['conditions']>;
      return (status.conditions ?? []).some(
        (own) => !others.some((other) => isDeepStrictEqual({ ...other }, { ...own })),
      );
    }
    return !isDeepStrictEqual(old, value);
  });
}

/** Only what changed; lists that merge by key on the server are told to be replaced. */
export function statusPatch(written: PodStatus, status: PodStatus): Readonly<Record<string, unknown>> {
  const patch: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(status)) {
    const old: unknown = written[key as keyof PodStatus];
    if (!isDeepStrictEqual(old, value)) {
      patch[key] = value;
    }
  }
  if (patch['conditions'] !== undefined) {
    patch['conditions'] = (status.conditions ?? []).map((own) => withoutStale(own, written.conditions));
  }
  if (patch['podIPs'] !== undefined) {
    const stale = (written.podIPs ?? []).filter(({ ip }) => !status.podIPs?.some((own) => own.ip === ip));
    patch['podIPs'] = [...(status.podIPs ?? []), ...stale.map(({ ip }) => ({ ip, $patch: 'delete' }))];
  }
  return patch;
}

/** A condition merges into the one that is there: what it no longer says has to be taken away. */
function withoutStale(own: PodCondition, before: readonly PodCondition[] = []): object {
  const old = before.find(({ type }) => type === own.type);
  const stale = Object.keys(old ?? {}).filter((key) => !Object.hasOwn(own, key));
  return { ...own, ...Object.fromEntries(stale.map((key) => [key, null])) };
}
