import { formatTime } from '#api/time.ts';
import type {
  ContainerImage,
  NodeAddress,
  NodeCondition,
  NodeStatus,
  ResourceList,
} from '#api/types/core.v1.ts';
import type { Image, RuntimeStatus } from '#runtime/cri.ts';
import type { NodeFacts } from './node-facts.ts';

/** The release whose behaviour this kubelet has. */
export const KUBELET_VERSION = 'v1.36.0';
const PODS_MAX = 110;
const IMAGES_MAX = 50;
/** Kept free for the system: below this the node is under memory pressure. */
export const MEMORY_RESERVE_BYTES = 100 * 2 ** 20;
/** Part of the disk that is kept free. */
export const STORAGE_RESERVE_SHARE = 0.1;

export interface Pressure {
  readonly memory: boolean;
  readonly disk: boolean;
  readonly pid: boolean;
}

export interface NodeStatusInput {
  readonly facts: NodeFacts;
  readonly addresses: readonly NodeAddress[];
  readonly port: number;
  /** `containerd://2.1.0` */
  readonly runtimeVersion: string;
  /** Undefined while the runtime does not answer. */
  readonly runtime: RuntimeStatus | undefined;
  readonly images: readonly Image[];
  readonly pressure: Pressure;
  readonly podsMax?: number;
  /** The conditions last told, for the times of their transitions. */
  readonly old: readonly NodeCondition[];
  readonly nowMs: number;
}

export function nodeStatus(input: NodeStatusInput): NodeStatus {
  const { facts, addresses, port, runtimeVersion, runtime, images } = input;
  return {
    capacity: nodeCapacity(facts, input.podsMax),
    allocatable: nodeAllocatable(facts, input.podsMax),
    conditions: nodeConditions(input),
    addresses,
    daemonEndpoints: { kubeletEndpoint: { Port: port } },
    nodeInfo: {
      machineID: facts.machineId,
      systemUUID: facts.systemUuid,
      bootID: facts.bootId,
      kernelVersion: facts.kernelVersion,
      osImage: facts.osImage,
      containerRuntimeVersion: runtimeVersion,
      kubeletVersion: KUBELET_VERSION,
      kubeProxyVersion: '',
      operatingSystem: facts.operatingSystem,
      architecture: facts.architecture,
      swap: { capacity: facts.swapBytes },
    },
    images: imageList(images),
    runtimeHandlers: (runtime?.runtimeHandlers ?? []).map(({ name, features }) => ({ name, features })),
    ...(runtime === undefined
      ? {}
      : { features: { supplementalGroupsPolicy: runtime.features.supplementalGroupsPolicy } }),
  };
}

export function nodeCapacity(
  { cpuCount, memoryBytes, storageBytes }: NodeFacts,
  podsMax = PODS_MAX,
): ResourceList {
  return {
    cpu: String(cpuCount),
    'ephemeral-storage': kibibytes(storageBytes),
    'hugepages-1Gi': '0',
    'hugepages-2Mi': '0',
    memory: kibibytes(memoryBytes),
    pods: String(podsMax),
  };
}

export function nodeAllocatable(facts: NodeFacts, podsMax = PODS_MAX): ResourceList {
  return {
    ...nodeCapacity(facts, podsMax),
    'ephemeral-storage': String(Math.floor(facts.storageBytes * (1 - STORAGE_RESERVE_SHARE))),
    memory: kibibytes(Math.max(facts.memoryBytes - MEMORY_RESERVE_BYTES, 0)),
  };
}

function kibibytes(bytes: number): string {
  return `${Math.floor(bytes / 1024)}Ki`;
}

function nodeConditions({ pressure, runtime, old, nowMs }: NodeStatusInput): readonly NodeCondition[] {
  const now = formatTime(nowMs);
  const condition = (type: string, isTrue: boolean, reason: string, message: string): NodeCondition => {
    const status = isTrue ? 'True' : 'False';
    const before = old.find((other) => other.type === type);
    const lastTransitionTime = before?.status === status ? (before.lastTransitionTime ?? now) : now;
    return { type, status, lastHeartbeatTime: now, lastTransitionTime, reason, message };
  };
  const problem = runtimeProblem(runtime);
  return [
    pressure.memory
      ? condition(
          'MemoryPressure',
          true,
          'KubeletHasInsufficientMemory',
          'kubelet has insufficient memory available',
        )
      : condition(
          'MemoryPressure',
          false,
          'KubeletHasSufficientMemory',
          'kubelet has sufficient memory available',
        ),
    pressure.disk
      ? condition('DiskPressure', true, 'KubeletHasDiskPressure', 'kubelet has disk pressure')
      : condition('DiskPressure', false, 'KubeletHasNoDiskPressure', 'kubelet has no disk pressure'),
    pressure.pid
      ? condition('PIDPressure', true, 'KubeletHasInsufficientPID', 'kubelet has insufficient PID available')
      : condition('PIDPressure', false, 'KubeletHasSufficientPID', 'kubelet has sufficient PID available'),
    problem === undefined
      ? condition('Ready', true, 'KubeletReady', 'kubelet is posting ready status')
      : condition('Ready', false, 'KubeletNotReady', problem),
  ];
}

function runtimeProblem(runtime: RuntimeStatus | undefined): string | undefined {
  if (runtime === undefined) {
    return 'container runtime is down';
  }
  const problems = runtime.conditions
    .filter(({ type, status }) => ['RuntimeReady', 'NetworkReady'].includes(type) && !status)
    .map(({ type, reason, message }) => {
      const what =
        type === 'NetworkReady' ? 'container runtime network not ready' : 'container runtime not ready';
      return `${what}: ${type}=false reason:${reason} message:${message}`;
    });
  return problems.length === 0 ? undefined : problems.join(', ');
}

function imageList(images: readonly Image[]): readonly ContainerImage[] {
  return images
    .toSorted((left, right) => right.size - left.size)
    .slice(0, IMAGES_MAX)
    .map(({ repoDigests, repoTags, size }) => ({ names: [...repoDigests, ...repoTags], sizeBytes: size }));
}
