import type { ContainerStatus, PodSandboxStatus, RuntimeService } from '#runtime/cri.ts';
import { RuntimeError } from '#runtime/cri.ts';
import { containerNotes, POD_UID_LABEL, type ContainerNotes } from './runtime-labels.ts';

/** A container as the runtime has it, with what the kubelet once wrote on it. */
export interface ContainerInstance extends ContainerStatus {
  readonly notes: ContainerNotes;
}

/** What the runtime has of one pod, right now. Both lists are newest first. */
export interface RuntimePod {
  readonly sandboxes: readonly PodSandboxStatus[];
  readonly containers: readonly ContainerInstance[];
}

export const NOTHING_RUNS: RuntimePod = { sandboxes: [], containers: [] };

/** Reads a pod's sandboxes and containers. An exited container never changes again and is remembered. */
export class RuntimePodReader {
  readonly #runtime: RuntimeService;
  readonly #uid: string;
  #exited = new Map<string, ContainerInstance>();

  constructor(runtime: RuntimeService, uid: string) {
    this.#runtime = runtime;
    this.#uid = uid;
  }

  /** @throws {RuntimeError} */
  async read(): Promise<RuntimePod> {
    const labelSelector = { [POD_UID_LABEL]: this.#uid };
    const [sandboxList, containerList] = await Promise.all([
      this.#runtime.listPodSandbox({ labelSelector }),
      this.#runtime.listContainers({ labelSelector }),
    ]);
    const [sandboxes, containers] = await Promise.all([
      Promise.all(sandboxList.map(({ id }) => ifFound(this.#runtime.podSandboxStatus(id)))),
      Promise.all(containerList.map(({ id }) => this.#container(id))),
    ]);
    const found = containers.filter((container) => container !== undefined);
    this.#exited = new Map(
      found.filter(({ state }) => state === 'exited').map((container) => [container.id, container]),
    );
    return {
      sandboxes: sandboxes
        .filter((sandbox) => sandbox !== undefined)
        .toSorted((left, right) => right.metadata.attempt - left.metadata.attempt),
      containers: found.toSorted(newestFirst),
    };
  }

  async #container(id: string): Promise<ContainerInstance | undefined> {
    const known = this.#exited.get(id);
    if (known !== undefined) {
      return known;
    }
    const status = await ifFound(this.#runtime.containerStatus(id));
    return status === undefined
      ? undefined
      : { ...status, notes: containerNotes(status.labels, status.annotations) };
  }
}

export function readySandbox({ sandboxes }: RuntimePod): PodSandboxStatus | undefined {
  return sandboxes.find(({ state }) => state === 'ready');
}

/** The newest instance of a container, in any sandbox. */
export function latestOf({ containers }: RuntimePod, name: string): ContainerInstance | undefined {
  return containers.find(({ notes }) => notes.name === name);
}

/** The newest instance that has ended, other than the newest of all. */
export function previousOf({ containers }: RuntimePod, name: string): ContainerInstance | undefined {
  return containers
    .filter(({ notes }) => notes.name === name)
    .slice(1)
    .find(({ state }) => state === 'exited');
}

export function isAlive({ state }: ContainerInstance): boolean {
  return state === 'running' || state === 'unknown';
}

function newestFirst(left: ContainerInstance, right: ContainerInstance): number {
  return right.createdAtMs - left.createdAtMs || right.notes.restartCount - left.notes.restartCount;
}

/** What vanished between the listing and the look is not there. */
async function ifFound<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading;
  } catch (error) {
    if (error instanceof RuntimeError && error.code === 'not-found') {
      return undefined;
    }
    throw error;
  }
}
