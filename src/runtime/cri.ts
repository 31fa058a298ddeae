import type { Duplex, Readable, Writable } from 'node:stream';
import type { ContainerStats, FilesystemUsage, PodSandboxStats, StatsFilter } from './cri-stats.ts';

/**
 * The Container Runtime Interface, version 1, as the kubelet sees it: pods' sandboxes, containers and
 * images. Messages and fields carry the names of the protocol, in camelCase, with three differences that
 * make them natural here:
 *
 * 1. Enumerations are unions of short words, and absent values are absent instead of zero.
 * 2. Times are milliseconds since the Unix epoch, possibly with a fraction, and say so in their name
 *    (nanoseconds do not fit a number).
 * 3. Streaming calls return streams instead of the address of a streaming server.
 *
 * Every call may be repeated after a crash of either side: the stops and removes succeed when there is
 * nothing left to do, and the reads show what is really there.
 *
 * @throws {RuntimeError} from every call; its `code` says whether to retry, to give up or to tell the user
 */
export interface RuntimeService {
  version(): Promise<RuntimeVersion>;

  /** Never throws for a runtime that is merely not ready: its conditions say so. */
  status(): Promise<RuntimeStatus>;

  /** Tells the range that this node's pods get addresses from, once the node has one. */
  updateRuntimeConfig(config: RuntimeConfig): Promise<void>;

  /**
   * Makes the pod's namespaces, network and cgroup parent, and returns the sandbox's id. Metadata (name,
   * uid, namespace, attempt) must be new.
   *
   * @param runtimeHandler from the pod's RuntimeClass; the default one when left out
   */
  runPodSandbox(config: PodSandboxConfig, runtimeHandler?: string): Promise<string>;

  /** Stops what runs in the sandbox and gives its network back. The sandbox stays listed as not ready. */
  stopPodSandbox(podSandboxId: string): Promise<void>;

  /** Stops the sandbox if need be, removes its containers and forgets it. */
  removePodSandbox(podSandboxId: string): Promise<void>;

  /** @throws {RuntimeError} `not-found` */
  podSandboxStatus(podSandboxId: string): Promise<PodSandboxStatus>;

  listPodSandbox(filter?: PodSandboxFilter): Promise<readonly PodSandbox[]>;

  /**
   * Prepares a container without starting its process, and returns its id. The image must be there.
   *
   * @param sandboxConfig the very configuration that the sandbox was made from
   */
  createContainer(
    podSandboxId: string,
    config: ContainerConfig,
    sandboxConfig: PodSandboxConfig,
  ): Promise<string>;

  /**
   * Starts the process of a created container.
   *
   * @throws {RuntimeError} when the process cannot be started (no such program, bad user …); the
   *   container is then exited with the reason `StartError` and exit code 128
   */
  startContainer(containerId: string): Promise<void>;

  /**
   * Sends the stop signal, waits, then kills. Returns once the process is gone.
   *
   * @param timeoutSeconds the time between the stop signal and SIGKILL; 0 kills at once
   */
  stopContainer(containerId: string, timeoutSeconds: number): Promise<void>;

  /** Kills the container if it still runs, and deletes its writable layer. Its log files stay. */
  removeContainer(containerId: string): Promise<void>;

  listContainers(filter?: ContainerFilter): Promise<readonly Container[]>;

  /** @throws {RuntimeError} `not-found` */
  containerStatus(containerId: string): Promise<ContainerStatus>;

  /** Changes the limits of a created or running container; what is left out stays as it is. */
  updateContainerResources(containerId: string, resources: LinuxContainerResources): Promise<void>;

  /** Opens the log path anew, after the caller has renamed the old file away. */
  reopenContainerLog(containerId: string): Promise<void>;

  /**
   * Runs a command in a running container and collects its output, of each stream at most 16 MiB.
   *
   * Waits for the end of its output, which what it left running in the background may hold open.
   *
   * @param timeoutSeconds kills the command after that time; 0 waits for ever
   * @throws {RuntimeError} `deadline-exceeded` after the timeout; `internal` when the command could not be run
   */
  execSync(containerId: string, cmd: readonly string[], timeoutSeconds: number): Promise<ExecSyncResult>;

  /** Runs a command in a running container, connected to streams. */
  exec(options: ExecOptions): Promise<ExecSession>;

  /** Connects to the streams of a running container's own process. Closing the session leaves it running. */
  attach(options: AttachOptions): Promise<ExecSession>;

  /**
   * Connects to a TCP port on the sandbox's loopback address. Closing the stream closes the connection.
   *
   * @throws {RuntimeError} `unavailable` when nothing listens there; the session of the caller goes on
   */
  portForward(podSandboxId: string, port: number): Promise<Duplex>;

  /** @throws {RuntimeError} `not-found` */
  containerStats(containerId: string): Promise<ContainerStats>;
  listContainerStats(filter?: StatsFilter): Promise<readonly ContainerStats[]>;
  /** @throws {RuntimeError} `not-found` */
  podSandboxStats(podSandboxId: string): Promise<PodSandboxStats>;
  listPodSandboxStats(filter?: StatsFilter): Promise<readonly PodSandboxStats[]>;

  /**
   * What happens to containers and sandboxes from the moment of the call, in order for each container.
   * A consumer that falls 10,000 events behind gets the `overflow` event, and must list everything anew.
   * The iteration ends when `signal` fires.
   */
  containerEvents(signal: AbortSignal): AsyncIterable<ContainerEvent>;
}

/** The images of a node. An image is named by a reference (`nginx`, `ghcr.io/a/b:1`, `…@sha256:…`) or by its id. */
export interface ImageService {
  listImages(filter?: { readonly image?: ImageSpec }): Promise<readonly Image[]>;

  /** Undefined when the image is not on this node. */
  imageStatus(image: ImageSpec): Promise<Image | undefined>;

  /**
   * Brings the image to this node and returns a reference that names exactly what was pulled, to be
   * given to {@link RuntimeService.createContainer}. Pulls of the same image at the same time share the work.
   *
   * @throws {RuntimeError} `image-not-found`, `image-unauthorized`, `registry-unavailable`, `invalid-argument`
   */
  pullImage(image: ImageSpec, options?: PullImageOptions): Promise<string>;

  /** Removes the image under all its names. Containers that use it keep running. */
  removeImage(image: ImageSpec): Promise<void>;

  imageFsInfo(): Promise<ImageFsInfo>;
}

export interface RuntimeVersion {
  /** The version of the kubelet's runtime API: `0.1.0`. */
  readonly version: string;
  readonly runtimeName: string;
  readonly runtimeVersion: string;
  /** `v1` */
  readonly runtimeApiVersion: string;
}

export interface RuntimeStatus {
  /** `RuntimeReady` and `NetworkReady` are always there. */
  readonly conditions: readonly RuntimeCondition[];
  readonly runtimeHandlers: readonly RuntimeHandler[];
  readonly features: {
    readonly supplementalGroupsPolicy: boolean;
    readonly userNamespacesHostNetwork: boolean;
  };
}

export interface RuntimeCondition {
  readonly type: string;
  readonly status: boolean;
  readonly reason: string;
  readonly message: string;
}

export interface RuntimeHandler {
  /** Empty for the default handler. */
  readonly name: string;
  readonly features: { readonly recursiveReadOnlyMounts: boolean; readonly userNamespaces: boolean };
}

export interface RuntimeConfig {
  readonly networkConfig: {
    /** One range, or an IPv4 and an IPv6 one with a comma between. */
    readonly podCidr: string;
  };
}

export type Labels = Readonly<Record<string, string>>;

/**
 * Whose namespace: shared by the pod's containers, of the container alone, the node's own, or that of
 * the container named by `targetId`.
 */
export type NamespaceMode = 'pod' | 'container' | 'node' | 'target';

export interface NamespaceOption {
  readonly network: 'pod' | 'node';
  readonly pid: NamespaceMode;
  readonly ipc: 'pod' | 'node';
  readonly targetId?: string;
}

export interface PodSandboxMetadata {
  readonly name: string;
  readonly uid: string;
  readonly namespace: string;
  readonly attempt: number;
}

export interface DnsConfig {
  readonly servers: readonly string[];
  readonly searches: readonly string[];
  readonly options: readonly string[];
}

export interface PortMapping {
  readonly protocol: 'TCP' | 'UDP' | 'SCTP';
  readonly containerPort: number;
  /** 0 maps nothing. */
  readonly hostPort: number;
  /** All addresses of the host when empty or left out. */
  readonly hostIp?: string;
}

export interface PodSandboxConfig {
  readonly metadata: PodSandboxMetadata;
  /** The host's own when empty and the pod uses the host's network. */
  readonly hostname: string;
  /** Absolute path of the directory below which the containers' `logPath`s lie. The runtime creates it. */
  readonly logDirectory: string;
  /** The node's resolver configuration when left out. */
  readonly dnsConfig?: DnsConfig;
  readonly portMappings?: readonly PortMapping[];
  readonly labels: Labels;
  readonly annotations: Labels;
  readonly linux: LinuxPodSandboxConfig;
}

export interface LinuxPodSandboxConfig {
  /**
   * Path of the pod's cgroup below the root of every hierarchy, as `/kubepods/burstable/pod<uid>`. The
   * caller makes it and sets its limits; the runtime makes it where it is missing.
   */
  readonly cgroupParent: string;
  readonly securityContext: LinuxSandboxSecurityContext;
  readonly sysctls?: Labels;
  readonly resources?: LinuxContainerResources;
}

export interface LinuxSandboxSecurityContext {
  readonly namespaceOptions: NamespaceOption;
  readonly privileged?: boolean;
  readonly runAsUser?: number;
  readonly runAsGroup?: number;
  readonly supplementalGroups?: readonly number[];
  readonly seccomp?: SecurityProfile;
}

export interface SecurityProfile {
  readonly profileType: 'RuntimeDefault' | 'Unconfined' | 'Localhost';
  /** For `Localhost`: an absolute path (seccomp) or the name of a loaded profile (AppArmor). */
  readonly localhostRef?: string;
}

export type PodSandboxState = 'ready' | 'notready';

export interface PodSandbox {
  readonly id: string;
  readonly metadata: PodSandboxMetadata;
  readonly state: PodSandboxState;
  readonly createdAtMs: number;
  readonly labels: Labels;
  readonly annotations: Labels;
  /** Empty for the default handler. */
  readonly runtimeHandler: string;
}

export interface PodSandboxStatus extends PodSandbox {
  /** No addresses for a pod in the host's network. */
  readonly network: { readonly ips: readonly string[] };
  readonly linux: { readonly namespaces: NamespaceOption };
}

export interface PodSandboxFilter {
  readonly id?: string;
  readonly state?: PodSandboxState;
  /** All of these labels, with these values. */
  readonly labelSelector?: Labels;
}

export interface ImageSpec {
  /** A reference or an image id. */
  readonly image: string;
  readonly annotations?: Labels;
  /** What the user wrote in the pod, before it was resolved to an id. */
  readonly userSpecifiedImage?: string;
  readonly runtimeHandler?: string;
}

export interface ContainerMetadata {
  readonly name: string;
  readonly attempt: number;
}

export interface KeyValue {
  readonly key: string;
  readonly value: string;
}

/** `private` sees no later mounts; `host-to-container` sees the host's; `bidirectional` both ways. */
export type MountPropagation = 'private' | 'host-to-container' | 'bidirectional';

export interface Mount {
  readonly containerPath: string;
  /** Must exist, file or directory. Symbolic links are resolved on the host. */
  readonly hostPath: string;
  readonly readonly: boolean;
  readonly recursiveReadOnly?: boolean;
  readonly propagation?: MountPropagation;
}

export interface Device {
  readonly containerPath: string;
  readonly hostPath: string;
  /** A combination of `r`, `w` and `m` (mknod). */
  readonly permissions: string;
}

export interface ContainerConfig {
  readonly metadata: ContainerMetadata;
  /** What {@link ImageService.pullImage} returned, or an id. */
  readonly image: ImageSpec;
  /** Replaces the image's entrypoint (and with it the image's arguments); the image's own when left out or empty. */
  readonly command?: readonly string[];
  /** Replaces the image's arguments. */
  readonly args?: readonly string[];
  /** The image's, else `/`, when left out or empty. Made if missing. */
  readonly workingDir?: string;
  /** Added to the image's environment; later ones win. */
  readonly envs: readonly KeyValue[];
  readonly mounts: readonly Mount[];
  readonly devices?: readonly Device[];
  readonly labels: Labels;
  readonly annotations: Labels;
  /** Relative to the sandbox's `logDirectory`; no log is kept when empty. */
  readonly logPath: string;
  /** Keeps a standard input that {@link RuntimeService.attach} can write to. */
  readonly stdin?: boolean;
  /** Closes the standard input after the first attached session that wrote to it. */
  readonly stdinOnce?: boolean;
  readonly tty?: boolean;
  readonly linux: LinuxContainerConfig;
  /** As `SIGTERM`; the image's, else SIGTERM, when left out. */
  readonly stopSignal?: string;
}

export interface LinuxContainerConfig {
  readonly resources: LinuxContainerResources;
  readonly securityContext: LinuxContainerSecurityContext;
}

/** What is left out is not limited, or in an update not changed. */
export interface LinuxContainerResources {
  /** Microseconds; 100,000 when left out beside a quota. */
  readonly cpuPeriod?: number;
  /** Microseconds of CPU time per period. */
  readonly cpuQuota?: number;
  /** Weight relative to the siblings; 2 to 262,144. */
  readonly cpuShares?: number;
  readonly memoryLimitInBytes?: number;
  /** Memory and swap together. */
  readonly memorySwapLimitInBytes?: number;
  /** -1000 to 1000. Cut to what the host lets us set. */
  readonly oomScoreAdj?: number;
  readonly cpusetCpus?: string;
  readonly cpusetMems?: string;
  readonly hugepageLimits?: readonly { readonly pageSize: string; readonly limit: number }[];
  /** Files of the cgroup v2 directory and what to write there. */
  readonly unified?: Labels;
}

export interface LinuxContainerSecurityContext {
  readonly namespaceOptions: NamespaceOption;
  readonly privileged?: boolean;
  readonly capabilities?: {
    /** Names without `CAP_`, or `ALL`. */
    readonly addCapabilities?: readonly string[];
    readonly dropCapabilities?: readonly string[];
  };
  readonly runAsUser?: number;
  readonly runAsGroup?: number;
  /** A name from the image's `/etc/passwd`, or a number; used when `runAsUser` is left out. */
  readonly runAsUsername?: string;
  readonly supplementalGroups?: readonly number[];
  /** `Strict` leaves out the groups that the image's `/etc/group` gives the user. */
  readonly supplementalGroupsPolicy?: 'Merge' | 'Strict';
  readonly readonlyRootfs?: boolean;
  readonly noNewPrivs?: boolean;
  /** The runtime's default when left out; none when empty (`procMount: Unmasked`). */
  readonly maskedPaths?: readonly string[];
  readonly readonlyPaths?: readonly string[];
  readonly seccomp?: SecurityProfile;
  readonly apparmor?: SecurityProfile;
}

export type ContainerState = 'created' | 'running' | 'exited' | 'unknown';

export interface Container {
  readonly id: string;
  readonly podSandboxId: string;
  readonly metadata: ContainerMetadata;
  /** As it was asked for. */
  readonly image: ImageSpec;
  /** What it was resolved to: a reference with a digest where there is one, else the id. */
  readonly imageRef: string;
  readonly imageId: string;
  readonly state: ContainerState;
  readonly createdAtMs: number;
  readonly labels: Labels;
  readonly annotations: Labels;
}

export interface ContainerStatus extends Container {
  /** Set once it has started. */
  readonly startedAtMs?: number;
  /** Set once it has ended. */
  readonly finishedAtMs?: number;
  /** Set once it has ended: 0 to 255, and 128 plus the number of the signal that killed it. */
  readonly exitCode?: number;
  /** Once ended: `Completed`, `Error`, `OOMKilled`, `StartError`, or another single word. */
  readonly reason: string;
  /** For people. */
  readonly message: string;
  readonly mounts: readonly Mount[];
  /** Absolute; empty when no log is kept. */
  readonly logPath: string;
  readonly resources?: LinuxContainerResources;
  /** The identity of the first process. */
  readonly user?: {
    readonly uid: number;
    readonly gid: number;
    readonly supplementalGroups: readonly number[];
  };
  readonly stopSignal: string;
}

export interface ContainerFilter {
  readonly id?: string;
  readonly state?: ContainerState;
  readonly podSandboxId?: string;
  readonly labelSelector?: Labels;
}

export interface ExecSyncResult {
  readonly stdout: Uint8Array;
  readonly stderr: Uint8Array;
  /** 128 plus the signal's number for a command that a signal ended. */
  readonly exitCode: number;
}

/** Which streams to connect. With a terminal, standard error is part of standard output. */
export interface StreamOptions {
  readonly containerId: string;
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly tty: boolean;
}

export interface ExecOptions extends StreamOptions {
  readonly cmd: readonly string[];
}

/** Whether there is a terminal is the container's own business: `tty` must say what its configuration said. */
export type AttachOptions = StreamOptions;

/**
 * A running command, or an attachment to one. Reading slowly slows the command down; nothing is dropped.
 * Whoever opened the session calls `close`.
 */
export interface ExecSession {
  /** There when it was asked for. Ending it closes the command's standard input. */
  readonly stdin: Writable | undefined;
  readonly stdout: Readable | undefined;
  readonly stderr: Readable | undefined;
  /** Sets the size of the terminal in characters; does nothing without one. */
  resize(columns: number, rows: number): void;
  /**
   * Resolves when the command has ended and all its output is in the streams; for an attachment, when
   * the container has ended or the session was closed, or when its input is over and the container goes on.
   * Rejects with a {@link RuntimeError} when the command could not be run at all.
   */
  readonly exit: Promise<ExitResult>;
  /** Kills a command that still runs, leaves an attached container alone, and lets go of everything. Safe to call twice. */
  close(): void;
}

export interface ExitResult {
  /** As for {@link ExecSyncResult}; 0 for an attachment that ended. */
  readonly exitCode: number;
}

export type ContainerEvent =
  | ContainerChange
  /** Events were lost: list everything anew. */
  | { readonly type: 'overflow'; readonly atMs: number };

export interface ContainerChange {
  /** `oom` is told besides the `stopped` that mostly follows; `sandbox-stopped` has no container id. */
  readonly type: 'created' | 'started' | 'stopped' | 'deleted' | 'oom' | 'sandbox-stopped';
  /** Empty for an event of the sandbox itself. */
  readonly containerId: string;
  readonly podSandboxId: string;
  /** The pod's uid, from the sandbox's metadata. */
  readonly podUid: string;
  readonly atMs: number;
}

export interface Image {
  /** The digest of its configuration, `sha256:…`. */
  readonly id: string;
  /** Full names with tag, as `docker.io/library/nginx:1.27`. */
  readonly repoTags: readonly string[];
  /** Full names with digest, as `docker.io/library/nginx@sha256:…`. */
  readonly repoDigests: readonly string[];
  /** Bytes on disk, unpacked. */
  readonly size: number;
  /** The user that its process runs as, when it is a number… */
  readonly uid?: number;
  /** …or else its name; empty for root. */
  readonly username: string;
  readonly spec: ImageSpec;
  /** Never removed to make room. */
  readonly pinned: boolean;
}

export interface AuthConfig {
  readonly username?: string;
  readonly password?: string;
  /** Base64 of `username:password`. */
  readonly auth?: string;
  readonly serverAddress?: string;
  /** Traded for an access token at the registry's token endpoint. */
  readonly identityToken?: string;
  /** Sent as it is. */
  readonly registryToken?: string;
}

export interface PullImageOptions {
  readonly auth?: AuthConfig;
  readonly sandboxConfig?: PodSandboxConfig;
  readonly signal?: AbortSignal;
}

export interface ImageFsInfo {
  readonly imageFilesystems: readonly FilesystemUsage[];
  readonly containerFilesystems: readonly FilesystemUsage[];
}

/**
 * - `not-found`: no such sandbox, container or handler
 * - `already-exists`: a sandbox or container of this name and attempt is there
 * - `invalid-argument`: will never work as asked
 * - `failed-precondition`: not in the state for this call, as exec in an exited container
 * - `unavailable`: may work when tried again
 * - `deadline-exceeded`: the time given was not enough
 * - `image-not-found`, `image-unauthorized`, `registry-unavailable`: why a pull failed
 * - `internal`: the host or the low-level runtime failed; the message says how
 */
export type RuntimeErrorCode =
  | 'not-found'
  | 'already-exists'
  | 'invalid-argument'
  | 'failed-precondition'
  | 'unavailable'
  | 'deadline-exceeded'
  | 'image-not-found'
  | 'image-unauthorized'
  | 'registry-unavailable'
  | 'internal';

/** The one error of a runtime. Its message is for the user and ends up in events. */
export class RuntimeError extends Error {
  override readonly name = 'RuntimeError';
  readonly code: RuntimeErrorCode;

  constructor(code: RuntimeErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
