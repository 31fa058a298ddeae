import type { Duplex } from 'node:stream';
import type { Clock } from '#base/clock.ts';
import { describeError } from '#base/log.ts';
import { internalError, StatusError } from '#api/status-error.ts';
import type { ContainerStatus } from '#api/types/core.v1.ts';
import { RuntimeError, type ExecSession, type RuntimeService } from '#runtime/cri.ts';
import { readLog } from './logs/log-reader.ts';
import {
  containerNotInPod,
  containerWaiting,
  podNotFound,
  previousNotFound,
  type ContainerTarget,
  type ExecRequest,
  type LogOptions,
  type NodeStreams,
  type ProcessStreams,
} from './node-streams.ts';
import { containerNamed } from './pod/pod-containers.ts';
import type { PodWorker } from './pod/pod-worker.ts';
import type { PodWorkers } from './pod/pod-workers.ts';
import { CONTAINER_NAME_LABEL, POD_UID_LABEL } from './pod/runtime-labels.ts';

export interface KubeletStreamsDeps {
  readonly runtime: RuntimeService;
  readonly workers: PodWorkers;
  readonly clock: Clock;
}

/** The streams of a node whose containers a runtime runs. */
export class KubeletStreams implements NodeStreams {
  readonly #deps: KubeletStreamsDeps;

  constructor(deps: KubeletStreamsDeps) {
    this.#deps = deps;
  }

  async logs(
    target: ContainerTarget,
    options: LogOptions,
    signal: AbortSignal,
  ): Promise<AsyncIterable<Uint8Array>> {
    const { runtime, clock } = this.#deps;
    const id = logContainerId(target, this.#statusOf(target), options.previous === true);
    const { logPath } = await refusing(target, runtime.containerStatus(id));
    if (logPath === '') {
      return nothing();
    }
    const isAlive = async (): Promise<boolean> => {
      const now = await runtime.containerStatus(id).catch(() => undefined);
      return now?.state === 'running' || now?.state === 'created';
    };
    return readLog({ path: logPath, clock, isAlive }, options, signal);
  }

  async exec(target: ContainerTarget, request: ExecRequest): Promise<ExecSession> {
    const containerId = await this.#runningId(target);
    const { command, ...streams } = request;
    return await refusing(target, this.#deps.runtime.exec({ containerId, cmd: command, ...streams }));
  }

  async attach(target: ContainerTarget, streams: ProcessStreams): Promise<ExecSession> {
    const containerId = await this.#runningId(target);
    return await refusing(target, this.#deps.runtime.attach({ containerId, ...streams }));
  }

  async portForward(target: Omit<ContainerTarget, 'container'>, port: number): Promise<Duplex> {
    const { uid } = this.#worker(target).pod.metadata;
    const labelSelector = { [POD_UID_LABEL]: uid };
    const [sandbox] = await this.#deps.runtime.listPodSandbox({ state: 'ready', labelSelector });
    if (sandbox === undefined) {
      throw podNotFound(target.pod);
    }
    return await refusing({ ...target, container: '' }, this.#deps.runtime.portForward(sandbox.id, port));
  }

  #worker({ namespace, pod }: Omit<ContainerTarget, 'container'>): PodWorker {
    const worker = this.#deps.workers.named(namespace, pod);
    if (worker === undefined) {
      throw podNotFound(pod);
    }
    return worker;
  }

  #statusOf(target: ContainerTarget): ContainerStatus {
    const { pod } = this.#worker(target);
    if (containerNamed(pod, target.container) === undefined) {
      throw containerNotInPod(target);
    }
    const {
      initContainerStatuses = [],
      containerStatuses = [],
      ephemeralContainerStatuses = [],
    } = pod.status;
    const status = [...initContainerStatuses, ...containerStatuses, ...ephemeralContainerStatuses].find(
      ({ name }) => name === target.container,
    );
    if (status === undefined) {
      throw containerWaiting(target, 'ContainerCreating');
    }
    return status;
  }

  async #runningId(target: ContainerTarget): Promise<string> {
    const { uid } = this.#worker(target).pod.metadata;
    const labelSelector = { [POD_UID_LABEL]: uid, [CONTAINER_NAME_LABEL]: target.container };
    const [running] = await this.#deps.runtime.listContainers({ state: 'running', labelSelector });
    if (running === undefined) {
      throw containerGone(target);
    }
    return running.id;
  }
}

/** The instance whose log is meant; refuses when there is none yet. */
function logContainerId(target: ContainerTarget, status: ContainerStatus, isPrevious: boolean): string {
  const { state, lastState, containerID } = status;
  if (isPrevious) {
    const id = idOf(lastState.terminated?.containerID);
    if (id === undefined) {
      throw previousNotFound(target);
    }
    return id;
  }
  const id =
    state.running !== undefined
      ? idOf(containerID)
      : (idOf(state.terminated?.containerID) ?? idOf(lastState.terminated?.containerID));
  if (id !== undefined) {
    return id;
  }
  switch (state.waiting?.reason) {
    case 'ErrImagePull':
      throw containerWaiting(target, "image can't be pulled");
    case 'ImagePullBackOff':
      throw containerWaiting(target, 'trying and failing to pull image');
    default:
      throw containerWaiting(target, state.waiting?.reason ?? 'ContainerCreating');
  }
}

/** `containerd://abc` names the container `abc`. */
function idOf(containerId: string | undefined): string | undefined {
  return containerId === undefined ? undefined : containerId.slice(containerId.indexOf('://') + 3);
}

function containerGone({ container }: ContainerTarget): StatusError {
  return new StatusError({ code: 404, reason: 'NotFound', message: `container not found ("${container}")` });
}

async function refusing<T>(target: ContainerTarget, asking: Promise<T>): Promise<T> {
  try {
    return await asking;
  } catch (error) {
    if (
      error instanceof RuntimeError &&
      (error.code === 'not-found' || error.code === 'failed-precondition')
    ) {
      throw containerGone(target);
    }
    throw internalError(describeError(error), error);
  }
}

async function* nothing(): AsyncGenerator<Uint8Array> {
  // A container without a log has nothing to show.
}
