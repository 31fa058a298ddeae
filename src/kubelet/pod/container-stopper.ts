import type { Clock } from '#base/clock.ts';
import { type Logger } from '#base/log.ts';
import type { Pod } from '#api/types/core.v1.ts';
import type { EventRecorder } from '#client/event-recorder.ts';
import type { RuntimeService } from '#runtime/cri.ts';
import type { LifecycleHooks } from '../container/lifecycle-hooks.ts';
import { containerNamed, fieldPathOf } from './pod-containers.ts';
import type { ContainerInstance } from './runtime-pod.ts';

/** However short the grace period: the time a container gets between SIGTERM and SIGKILL. */
const GRACE_SECONDS_MIN = 2;

export interface ContainerStopperDeps {
  readonly runtime: RuntimeService;
  readonly hooks: LifecycleHooks;
  readonly events: EventRecorder;
  readonly clock: Clock;
  readonly log: Logger;
}

export interface StopRequest {
  readonly instance: ContainerInstance;
  readonly message: string;
  /** From the beginning of the preStop hook to the kill. */
  readonly graceSeconds: number;
  readonly podIp: string;
  /** The hook has been run before. */
  readonly skipHook: boolean;
}

/** Ends one container: preStop hook, stop signal, and after the grace period SIGKILL. */
export class ContainerStopper {
  readonly #deps: ContainerStopperDeps;

  constructor(deps: ContainerStopperDeps) {
    this.#deps = deps;
  }

  /** Resolves once the container's process is gone. */
  async stop(pod: Pod, request: StopRequest, signal: AbortSignal): Promise<void> {
    const { instance, message, graceSeconds, skipHook } = request;
    const target = { object: pod, fieldPath: fieldPathOf(pod, instance.notes.name) };
    if (!skipHook) {
      this.#deps.events.event(target, 'Normal', 'Killing', message);
    }
    const spentSeconds = skipHook ? 0 : await this.#preStop(pod, request, signal);
    const remaining = Math.max(graceSeconds - spentSeconds, GRACE_SECONDS_MIN);
    await this.#deps.runtime.stopContainer(instance.id, remaining);
  }

  /** Returns the seconds that the hook took. It is cut off when the grace period is over. */
  async #preStop(
    pod: Pod,
    { instance, graceSeconds, podIp }: StopRequest,
    signal: AbortSignal,
  ): Promise<number> {
    const container = containerNamed(pod, instance.notes.name);
    const handler = container?.lifecycle?.preStop;
    if (container === undefined || handler === undefined || graceSeconds <= 0) {
      return 0;
    }
    const { clock, hooks, events, log } = this.#deps;
    const startMs = clock.monotonicMs();
    const late = new AbortController();
    const isLate = Promise.withResolvers<void>();
    const timer = clock.schedule(graceSeconds * 1000, () => {
      late.abort();
      isLate.resolve();
    });
    const hook = hooks.run(
      handler,
      { container, containerId: instance.id, podIp },
      AbortSignal.any([signal, late.signal]),
    );
    try {
      await Promise.race([hook, isLate.promise]);
    } catch (error) {
      log.info('preStop hook failed', { pod: pod.metadata.name, container: container.name, error });
      const target = { object: pod, fieldPath: fieldPathOf(pod, container.name) };
      events.event(target, 'Warning', 'FailedPreStopHook', 'PreStopHook failed');
    } finally {
      timer.cancel();
    }
    hook.catch((error: unknown) => log.debug('preStop hook ended late', { error }));
    return Math.floor((clock.monotonicMs() - startMs) / 1000);
  }
}
