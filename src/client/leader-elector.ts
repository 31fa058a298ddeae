import { objectKey, type NewObject } from '#api/object.ts';
import { isAlreadyExists, isConflict, isNotFound } from '#api/status-error.ts';
import { formatMicroTime } from '#api/time.ts';
import type { Lease } from '#api/types/coordination.v1.ts';
import { LEASE } from '#api/types/resources.ts';
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import { Gauge, type MetricsRegistry } from '#base/metrics.ts';
import type { Random } from '#base/random.ts';
import type { Client, ResourceClient } from './client.ts';
import type { EventRecorder } from './event-recorder.ts';

export interface LeaderElectorOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly metrics: MetricsRegistry;
  readonly events?: EventRecorder;
  /** The Lease that is fought for. */
  readonly namespace: string;
  readonly name: string;
  /** Different for every candidate, as `host_uuid`. */
  readonly identity: string;
  /** How long others wait for a holder that says nothing. */
  readonly leaseDurationMs?: number;
  /** How long a holder goes on trying before it gives up; less than the lease lasts. */
  readonly renewDeadlineMs?: number;
  readonly retryPeriodMs?: number;
}

const LEASE_DURATION_MS = 15_000;
const RENEW_DEADLINE_MS = 10_000;
const RETRY_PERIOD_MS = 2_000;
/** A candidate's waits are stretched by up to this share, so that candidates do not ask in step. */
const JITTER = 1.2;

/**
 * Leads while holding a Lease. Leading twice at once is impossible only as far as clocks run at like speed:
 * a holder gives up `renewDeadlineMs` after its last success, others wait `leaseDurationMs` from the last
 * change that they saw, each by its own monotonic clock.
 */
export class LeaderElector {
  readonly #options: Required<Omit<LeaderElectorOptions, 'events'>> & Pick<LeaderElectorOptions, 'events'>;
  readonly #leases: ResourceClient<Lease>;
  readonly #status: Gauge;
  /** The Lease as last seen, and when this process first saw it so. */
  #observed: { readonly lease: Lease; readonly sinceMs: number } | undefined;

  constructor(options: LeaderElectorOptions) {
    this.#options = {
      leaseDurationMs: LEASE_DURATION_MS,
      renewDeadlineMs: RENEW_DEADLINE_MS,
      retryPeriodMs: RETRY_PERIOD_MS,
      ...options,
    };
    this.#leases = options.client.of(LEASE);
    this.#status = options.metrics.register(
      new Gauge({
        name: 'leader_election_master_status',
        help: 'Gauge of if the reporting system is master of the relevant lease, 0 indicates backup, 1 indicates master.',
        labels: ['name'],
      }),
    );
    this.#status.set(0, [options.name]);
  }

  /** The identity that holds the Lease, as far as this candidate has seen. */
  get leader(): string {
    return this.#observed?.lease.spec.holderIdentity ?? '';
  }

  /**
   * Waits until the Lease is won, then runs `lead` until it is lost or `signal` fires; the signal handed to
   * `lead` fires then. On `signal` the Lease is given back at once, so that the next leader need not wait.
   *
   * @returns `lost` when another may lead now; the caller decides whether to run again
   */
  async run(lead: (signal: AbortSignal) => Promise<void>, signal: AbortSignal): Promise<'lost' | 'stopped'> {
    const { log, name, identity, events } = this.#options;
    if (!(await this.#acquire(signal))) {
      return 'stopped';
    }
    log.info('became leader', { lease: name, identity });
    if (this.#observed !== undefined) {
      events?.event(this.#observed.lease, 'Normal', 'LeaderElection', `${identity} became leader`);
    }
    this.#status.set(1, [name]);
    const leading = new AbortController();
    const work = lead(leading.signal);
    const isLost = await this.#renewUntilLost(signal);
    leading.abort();
    this.#status.set(0, [name]);
    try {
      await work;
    } catch (error) {
      if (!isAbort(error)) {
        throw error;
      }
    }
    if (isLost) {
      log.warn('leadership lost', { lease: name, identity });
      return 'lost';
    }
    await this.#release();
    return 'stopped';
  }

  async #acquire(signal: AbortSignal): Promise<boolean> {
    const { clock, random, retryPeriodMs } = this.#options;
    while (!signal.aborted) {
      if (await this.#tryToHold(signal)) {
        return true;
      }
      await waitQuietly(clock, retryPeriodMs * (1 + JITTER * random.float()), signal);
    }
    return false;
  }

  /** True when the lease could not be renewed in time; false when `signal` fired. */
  async #renewUntilLost(signal: AbortSignal): Promise<boolean> {
    const { clock, retryPeriodMs, renewDeadlineMs } = this.#options;
    let renewedMs = clock.monotonicMs();
    for (;;) {
      await waitQuietly(clock, retryPeriodMs, signal);
      if (signal.aborted) {
        return false;
      }
      if (await this.#tryToHold(signal)) {
        renewedMs = clock.monotonicMs();
      } else if (clock.monotonicMs() - renewedMs >= renewDeadlineMs) {
        return true;
      }
    }
  }

  /** One attempt to take or renew the lease. Failures are logged and count as "not held". */
  async #tryToHold(signal: AbortSignal): Promise<boolean> {
    const { namespace, name, log } = this.#options;
    const deadline = this.#deadline(signal);
    try {
      const current = await this.#leases.get(namespace, name, deadline.signal);
      this.#observe(current);
      if (!this.#mayTake(current)) {
        return false;
      }
      this.#observe(await this.#leases.update(this.#claim(current), {}, deadline.signal));
      return true;
    } catch (error) {
      if (isNotFound(error)) {
        return await this.#create(signal);
      }
      if (!isConflict(error) && !signal.aborted) {
        log.warn('lease not renewed', { lease: objectKey({ metadata: { namespace, name } }), error });
      }
      return false;
    } finally {
      deadline.cancel();
    }
  }

  /** An answer that comes later than the holder may still lead is of no use. */
  #deadline(signal: AbortSignal): { readonly signal: AbortSignal; cancel(): void } {
    const { clock, renewDeadlineMs } = this.#options;
    const controller = new AbortController();
    const timer = clock.schedule(renewDeadlineMs, () => controller.abort());
    return { signal: AbortSignal.any([signal, controller.signal]), cancel: () => timer.cancel() };
  }

  async #create(signal: AbortSignal): Promise<boolean> {
    const { namespace, name, log } = this.#options;
    const lease: NewObject<Lease> = { metadata: { namespace, name }, spec: this.#spec(undefined) };
    try {
      this.#observe(await this.#leases.create(lease, {}, signal));
      return true;
    } catch (error) {
      if (!isAlreadyExists(error) && !signal.aborted) {
        log.warn('lease not created', { lease: name, error });
      }
      return false;
    }
  }

  async #release(): Promise<void> {
    const { identity, clock, log } = this.#options;
    const lease = this.#observed?.lease;
    if (lease === undefined || lease.spec.holderIdentity !== identity) {
      return;
    }
    const now = formatMicroTime(clock.nowMs());
    const spec = {
      ...lease.spec,
      holderIdentity: '',
      leaseDurationSeconds: 1,
      renewTime: now,
      acquireTime: now,
    };
    try {
      await this.#leases.update({ ...lease, spec });
    } catch (error) {
      log.info('lease not given back; it will run out', { error });
    }
  }

  #observe(lease: Lease): void {
    if (this.#observed?.lease.metadata.resourceVersion !== lease.metadata.resourceVersion) {
      this.#observed = { lease, sinceMs: this.#options.clock.monotonicMs() };
    }
  }

  #mayTake({ spec }: Lease): boolean {
    const holder = spec.holderIdentity ?? '';
    if (holder === '' || holder === this.#options.identity) {
      return true;
    }
    const durationMs = (spec.leaseDurationSeconds ?? 0) * 1000;
    return this.#options.clock.monotonicMs() >= (this.#observed?.sinceMs ?? 0) + durationMs;
  }

  #claim(current: Lease): Lease {
    return { ...current, spec: { ...current.spec, ...this.#spec(current) } };
  }

  #spec(current: Lease | undefined): Lease['spec'] {
    const { clock, identity, leaseDurationMs } = this.#options;
    const now = formatMicroTime(clock.nowMs());
    const isMine = current?.spec.holderIdentity === identity;
    const transitions = current?.spec.leaseTransitions ?? 0;
    return {
      holderIdentity: identity,
      leaseDurationSeconds: Math.ceil(leaseDurationMs / 1000),
      acquireTime: (isMine ? current.spec.acquireTime : undefined) ?? now,
      renewTime: now,
      leaseTransitions: current === undefined || isMine ? transitions : transitions + 1,
    };
  }
}

function isAbort(error: unknown): boolean {
  // Node's own timers throw an error of that name that is no DOMException.
  return error instanceof Error && error.name === 'AbortError';
}

/** Waits, and returns early instead of throwing when the signal fires. */
async function waitQuietly(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  try {
    await clock.sleep(delayMs, signal);
  } catch (error) {
    if (!isAbort(error)) {
      throw error;
    }
  }
}
