import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import { TaskGroup } from '#base/task-group.ts';
import type { Pod, Probe } from '#api/types/core.v1.ts';
import type { EventRecorder } from '#client/event-recorder.ts';
import { containerNamed, fieldPathOf, roleOf, type AnyContainer } from '../pod/pod-containers.ts';
import type { ContainerHealth } from '../pod/pod-plan.ts';
import type { ContainerInstance } from '../pod/runtime-pod.ts';
import type { PodProbes } from './pod-probes.ts';
import { runProbeLoop } from './probe-loop.ts';
import type { Prober, ProbeOutcome } from './prober.ts';

export interface ContainerProbesDeps {
  readonly clock: Clock;
  readonly log: Logger;
  readonly events: EventRecorder;
  readonly prober: Prober;
  /** `probe_type`, `result`, for the metrics. */
  readonly count: (type: ProbeType, result: string, pod: Pod, container: string) => void;
}

export type ProbeType = 'Liveness' | 'Readiness' | 'Startup';

interface Followed {
  readonly container: AnyContainer;
  readonly tasks: TaskGroup;
  podIp: string;
  hasStarted: boolean;
  isReady: boolean;
  failedProbe: ContainerHealth['failedProbe'];
}

/** Runs the probes of one pod's containers: startup first, then liveness and readiness side by side. */
export class ContainerProbes implements PodProbes {
  readonly #deps: ContainerProbesDeps;
  readonly #onChange: () => void;
  readonly #followed = new Map<string, Followed>();
  readonly #closing = new Set<Promise<void>>();
  #pod: Pod;

  /** @param onChange called after any verdict changed */
  constructor(deps: ContainerProbesDeps, pod: Pod, onChange: () => void) {
    this.#deps = deps;
    this.#pod = pod;
    this.#onChange = onChange;
  }

  follow(pod: Pod, running: readonly ContainerInstance[], podIp: string): void {
    this.#pod = pod;
    const ids = new Set(running.map(({ id }) => id));
    for (const [id, followed] of this.#followed) {
      if (!ids.has(id)) {
        this.#followed.delete(id);
        this.#end(followed);
      }
    }
    for (const instance of running) {
      const known = this.#followed.get(instance.id);
      if (known === undefined) {
        this.#begin(instance, podIp);
      } else {
        known.podIp = podIp;
      }
    }
  }

  health({ id, notes }: ContainerInstance): ContainerHealth {
    const followed = this.#followed.get(id);
    if (followed !== undefined) {
      return { hasStarted: followed.hasStarted, failedProbe: followed.failedProbe };
    }
    const hasProbe = this.#probesOf(notes.name).startupProbe !== undefined;
    return { hasStarted: !hasProbe, failedProbe: undefined };
  }

  isReady({ id, notes }: ContainerInstance): boolean {
    const followed = this.#followed.get(id);
    return followed === undefined
      ? this.#probesOf(notes.name).readinessProbe === undefined
      : followed.isReady;
  }

  async close(): Promise<void> {
    for (const followed of this.#followed.values()) {
      this.#end(followed);
    }
    this.#followed.clear();
    await Promise.all(this.#closing);
  }

  #begin(instance: ContainerInstance, podIp: string): void {
    const container = containerNamed(this.#pod, instance.notes.name);
    if (container === undefined) {
      return;
    }
    const { startupProbe, readinessProbe } = this.#probesOf(container.name);
    // After a restart of the kubelet, what was told as ready stays so until a probe says otherwise.
    const told = [
      ...(this.#pod.status.containerStatuses ?? []),
      ...(this.#pod.status.initContainerStatuses ?? []),
    ].find(({ containerID = '' }) => containerID.endsWith(`//${instance.id}`));
    const followed: Followed = {
      container,
      tasks: TaskGroup.logging(this.#deps.log),
      podIp,
      hasStarted: startupProbe === undefined || told?.started === true,
      isReady: readinessProbe === undefined || told?.ready === true,
      failedProbe: undefined,
    };
    this.#followed.set(instance.id, followed);
    followed.tasks.spawn(`probes of ${container.name}`, async (signal) => {
      if (!followed.hasStarted && startupProbe !== undefined) {
        await this.#startup(followed, instance, startupProbe, signal);
      }
      await this.#steady(followed, instance, signal);
    });
  }

  #end(followed: Followed): void {
    const closing = followed.tasks.close();
    this.#closing.add(closing);
    void closing.then(() => this.#closing.delete(closing));
  }

  /** Ends with success, or with the container marked as failed. */
  async #startup(
    followed: Followed,
    instance: ContainerInstance,
    probe: Probe,
    signal: AbortSignal,
  ): Promise<void> {
    await this.#loop(
      'Startup',
      { followed, instance, probe, initialVerdict: undefined },
      signal,
      (isGood) => {
        followed.hasStarted = isGood;
        followed.failedProbe = isGood ? undefined : 'startup';
        return false;
      },
    );
  }

  async #steady(followed: Followed, instance: ContainerInstance, signal: AbortSignal): Promise<void> {
    const { livenessProbe, readinessProbe } = this.#probesOf(followed.container.name);
    if (!followed.hasStarted) {
      return;
    }
    const loops: Promise<void>[] = [];
    if (livenessProbe !== undefined) {
      const loop = { followed, instance, probe: livenessProbe, initialVerdict: true };
      loops.push(
        this.#loop('Liveness', loop, signal, (isGood) => {
          followed.failedProbe = isGood ? undefined : 'liveness';
          return isGood;
        }),
      );
    }
    if (readinessProbe !== undefined) {
      const { isReady } = followed;
      const loop = { followed, instance, probe: readinessProbe, initialVerdict: isReady, isEager: !isReady };
      loops.push(
        this.#loop('Readiness', loop, signal, (isGood) => {
          followed.isReady = isGood;
          return true;
        }),
      );
    }
    await Promise.all(loops);
  }

  #loop(
    type: ProbeType,
    { followed, instance, probe, initialVerdict, isEager = false }: Loop,
    signal: AbortSignal,
    onVerdict: (isGood: boolean) => boolean,
  ): Promise<void> {
    const { clock, prober, count } = this.#deps;
    const { container } = followed;
    return runProbeLoop(
      {
        clock,
        carryOut: async () => {
          const target = { container, containerId: instance.id, podIp: followed.podIp };
          const outcome = await prober.probe(probe, target);
          count(type, outcome.result === 'success' ? 'successful' : 'failed', this.#pod, container.name);
          return outcome;
        },
        onBadOutcome: (outcome) => this.#tell(type, container, outcome),
        onVerdict: (isGood) => {
          const goesOn = onVerdict(isGood);
          this.#onChange();
          return goesOn;
        },
      },
      { probe, startedAtMs: instance.startedAtMs ?? instance.createdAtMs, initialVerdict, isEager },
      signal,
    );
  }

  #tell(type: ProbeType, container: AnyContainer, { result, output }: ProbeOutcome): void {
    const message =
      result === 'error'
        ? `${type} probe errored and resulted in unknown state: ${output}`
        : `${type} probe failed: ${output}`;
    const target = { object: this.#pod, fieldPath: fieldPathOf(this.#pod, container.name) };
    this.#deps.events.event(target, 'Warning', 'Unhealthy', message);
  }

  /** Regular init and ephemeral containers have none. */
  #probesOf(name: string): Pick<AnyContainer, 'livenessProbe' | 'readinessProbe' | 'startupProbe'> {
    const role = roleOf(this.#pod, name);
    const container = role === 'app' || role === 'sidecar' ? containerNamed(this.#pod, name) : undefined;
    return container ?? {};
  }
}

interface Loop {
  readonly followed: Followed;
  readonly instance: ContainerInstance;
  readonly probe: Probe;
  readonly initialVerdict: boolean | undefined;
  readonly isEager?: boolean;
}
