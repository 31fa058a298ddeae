import { isConflict, isNotFound } from '#api/status-error.ts';
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import type { MetricsRegistry } from '#base/metrics.ts';
import { TaskGroup } from '#base/task-group.ts';
import type { Informers } from '#client/lister.ts';
import { WorkQueue } from '#client/work-queue.ts';
import { type Controller, NoRetryError } from './controller.ts';

export interface ControllerRunnerOptions {
  readonly controllers: readonly Controller[];
  readonly informers: Informers;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: MetricsRegistry;
}

/** Runs controllers: a queue and workers for each, once the local copies they read are complete. */
export class ControllerRunner {
  readonly #options: ControllerRunnerOptions;

  constructor(options: ControllerRunnerOptions) {
    this.#options = options;
  }

  /** Runs until `signal` fires, and returns when every worker has ended. */
  async run(signal: AbortSignal): Promise<void> {
    const { controllers, informers, log } = this.#options;
    await using tasks = TaskGroup.logging(log);
    using connections = new DisposableStack();
    const queues = controllers.map((controller) => this.#connect(controller, connections));
    await untilSynced(informers, signal);
    for (const [controller, queue] of queues) {
      for (let worker = 0; worker < controller.workers && !signal.aborted; worker++) {
        tasks.spawn(`controller ${controller.name}`, () => this.#work(controller, queue, signal));
      }
    }
    await untilAborted(signal);
  }

  #connect(controller: Controller, connections: DisposableStack): readonly [Controller, WorkQueue] {
    const { clock, metrics } = this.#options;
    const queue = connections.adopt(new WorkQueue({ name: controller.name, clock, metrics }), (open) =>
      open.close(),
    );
    for (const connection of controller.connect(queue)) {
      connections.use(connection);
    }
    return [controller, queue];
  }

  async #work(controller: Controller, queue: WorkQueue, signal: AbortSignal): Promise<void> {
    for (let key = await queue.take(); key !== undefined; key = await queue.take()) {
      try {
        const result = await controller.reconcile(key, signal);
        queue.forget(key);
        if (result.kind === 'again') {
          queue.addAfter(key, result.afterMs);
        }
      } catch (error) {
        if (signal.aborted) {
          return;
        }
        this.#handleFailure(controller, queue, key, error);
      } finally {
        queue.done(key);
      }
    }
  }

  #handleFailure({ name }: Controller, queue: WorkQueue, key: string, error: unknown): void {
    const log = this.#options.log.with({ controller: name, key });
    if (error instanceof NoRetryError) {
      log.warn('reconcile gave up until something changes', { error });
      queue.forget(key);
      return;
    }
    // Losing a race against another writer, or against a deletion, is everyday business.
    if (isConflict(error) || isNotFound(error)) {
      log.debug('reconcile will be tried again', { error });
    } else {
      log.warn('reconcile will be tried again', { error, failures: queue.failures(key) + 1 });
    }
    queue.addRateLimited(key);
  }
}

async function untilSynced(informers: Informers, signal: AbortSignal): Promise<void> {
  try {
    await informers.whenSynced(signal);
  } catch (error) {
    if (!signal.aborted) {
      throw error;
    }
  }
}

async function untilAborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) {
    const { promise, resolve } = Promise.withResolvers<void>();
    signal.addEventListener('abort', () => resolve(), { once: true });
    await promise;
  }
}
