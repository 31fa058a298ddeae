import type { Clock } from '#base/clock.ts';
import { equalResources } from '#api/quota/resource-list.ts';
import { isConflict } from '#api/status-error.ts';
import type { ResourceQuota as ResourceQuotaObject } from '#api/types/core.v1.ts';
import { RESOURCE_QUOTA } from '#api/types/resources.ts';
import type { ObjectReader } from '../../object-reader.ts';
import type { AdmissionAttributes, AdmissionScope, ValidatingPlugin } from '../admission.ts';
import { chargeQuotas } from './quota-check.ts';

/** How usage gets into the store: as the server's own write of the `status` subresource. */
export interface QuotaStatusWriter {
  /**
   * @throws {StatusError} a conflict when the quota is no longer at the given resourceVersion
   */
  updateStatus(quota: ResourceQuotaObject): Promise<void>;
}

export interface ResourceQuotaDeps {
  readonly reader: ObjectReader;
  readonly writer: QuotaStatusWriter;
  readonly clock: Clock;
}

/** One write that waits to be charged. */
interface Waiter {
  readonly attributes: AdmissionAttributes;
  /** Why it is refused, once that is known. */
  refusal?: unknown;
}

interface Batch {
  readonly namespace: string;
  readonly waiters: readonly Waiter[];
  readonly retriesLeft: number;
  readonly names?: ReadonlySet<string>;
}

/** The writes of one namespace: those being charged, and those that go next, together. */
interface Lane {
  running: Promise<void>;
  next: { readonly waiters: Waiter[]; readonly done: Promise<void> } | undefined;
}

const RETRIES_MAX = 3;

/** What is too short-lived, or too much the system's own, to be counted. */
const IGNORED: ReadonlySet<string> = new Set([
  'bindings',
  'events',
  'events.events.k8s.io',
  'localsubjectaccessreviews.authorization.k8s.io',
]);

/** The few resources whose use can grow by an update. */
const CHARGED_ON_UPDATE: ReadonlySet<string> = new Set(['services', 'persistentvolumeclaims', 'pods/resize']);

/**
 * Keeps the use of a namespace within its quotas. Usage is written down before the object is, so that two
 * writes never share the last of a quota; while one such write is on its way those that come after it gather
 * and are charged together. What is charged for a write that fails later is given back by a controller.
 */
export class ResourceQuota implements ValidatingPlugin {
  readonly name = 'ResourceQuota';
  readonly scope: AdmissionScope = { operations: ['CREATE', 'UPDATE'], resources: 'all' };
  readonly #deps: ResourceQuotaDeps;
  readonly #lanes = new Map<string, Lane>();

  constructor(deps: ResourceQuotaDeps) {
    this.#deps = deps;
  }

  validate(attributes: AdmissionAttributes): void | Promise<void> {
    const { namespace } = attributes;
    if (namespace === '' || !isCharged(attributes)) {
      return;
    }
    const quotas = this.#deps.reader.list(RESOURCE_QUOTA, namespace);
    if (quotas.length === 0) {
      return;
    }
    // Most refusals and most writes that use nothing counted are known without waiting.
    const charged = chargeQuotas(quotas, attributes, this.#deps.clock.nowMs());
    if (attributes.dryRun || changed(quotas, charged).length === 0) {
      return;
    }
    return this.#enqueue(namespace, { attributes });
  }

  async #enqueue(namespace: string, waiter: Waiter): Promise<void> {
    const lane = this.#lanes.get(namespace);
    if (lane === undefined) {
      await this.#run(namespace, [waiter]);
    } else if (lane.next === undefined) {
      const waiters = [waiter];
      const done = lane.running.then(() => this.#run(namespace, waiters));
      lane.next = { waiters, done };
      await done;
    } else {
      lane.next.waiters.push(waiter);
      await lane.next.done;
    }
    if (waiter.refusal !== undefined) {
      throw waiter.refusal;
    }
  }

  #run(namespace: string, waiters: readonly Waiter[]): Promise<void> {
    const running = this.#charge({ namespace, waiters, retriesLeft: RETRIES_MAX });
    const lane: Lane = { running, next: undefined };
    this.#lanes.set(namespace, lane);
    return running.finally(() => {
      if (lane.next === undefined) {
        this.#lanes.delete(namespace);
      }
    });
  }

  /**
   * Never rejects: what goes wrong is told to the waiters.
   *
   * @param names the quotas still to be written, when some were and others had changed meanwhile
   */
  async #charge(batch: Batch): Promise<void> {
    const { namespace, waiters, retriesLeft, names } = batch;
    const stored = this.#deps.reader
      .list(RESOURCE_QUOTA, namespace)
      .filter(({ metadata }) => names?.has(metadata.name) ?? true);
    let quotas: readonly ResourceQuotaObject[] = stored;
    const charged: Waiter[] = [];
    for (const waiter of waiters) {
      try {
        quotas = chargeQuotas(quotas, waiter.attributes, this.#deps.clock.nowMs());
        charged.push(waiter);
      } catch (error) {
        waiter.refusal = error;
      }
    }
    const updates = changed(stored, quotas);
    const results = await Promise.allSettled(updates.map((quota) => this.#deps.writer.updateStatus(quota)));
    const failures = results.filter((result) => result.status === 'rejected');
    if (failures.length === 0) {
      return;
    }
    if (retriesLeft > 0 && failures.every(({ reason }) => isConflict(reason))) {
      const left = updates.filter((_, index) => results[index]?.status === 'rejected');
      const leftNames = new Set(left.map(({ metadata }) => metadata.name));
      await this.#charge({ namespace, waiters: charged, retriesLeft: retriesLeft - 1, names: leftNames });
      return;
    }
    for (const waiter of charged) {
      waiter.refusal = failures[0]?.reason;
    }
  }
}

function isCharged({ operation, resource, subresource }: AdmissionAttributes): boolean {
  const qualified = resource.group === '' ? resource.resource : `${resource.resource}.${resource.group}`;
  if (operation === 'UPDATE') {
    return CHARGED_ON_UPDATE.has(subresource === '' ? qualified : `${qualified}/${subresource}`);
  }
  return subresource === '' && !IGNORED.has(qualified);
}

function changed(
  before: readonly ResourceQuotaObject[],
  after: readonly ResourceQuotaObject[],
): readonly ResourceQuotaObject[] {
  return after.filter(
    (quota, index) => !equalResources(quota.status.used ?? {}, before[index]?.status.used ?? {}),
  );
}
