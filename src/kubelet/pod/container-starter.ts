import { dirname, join } from 'node:path';
import { describeError, type Logger } from '#base/log.ts';
import type { Pod, Service } from '#api/types/core.v1.ts';
import type { EventRecorder } from '#client/event-recorder.ts';
import type { PodSandboxConfig, RuntimeService } from '#runtime/cri.ts';
import { ConfigError } from '../container/config-error.ts';
import { containerConfig } from '../container/container-config.ts';
import type { ConfigSources } from '../container/config-sources.ts';
import type { LifecycleHooks } from '../container/lifecycle-hooks.ts';
import type { ImagePuller } from '../images/image-puller.ts';
import type { MountedVolume } from '../volumes/pod-volumes.ts';
import type { NodeView } from './node-view.ts';
import { hostNetworkHostsFile, hostsFile } from './hosts-file.ts';
import { fieldPathOf, type AnyContainer } from './pod-containers.ts';
import type { PodPaths } from './pod-paths.ts';
import type { ContainerStart } from './pod-plan.ts';
import { latestOf, type RuntimePod } from './runtime-pod.ts';

export interface ContainerStarterDeps {
  readonly runtime: RuntimeService;
  readonly puller: ImagePuller;
  readonly hooks: LifecycleHooks;
  readonly sources: ConfigSources;
  readonly services: () => readonly Service[];
  readonly node: NodeView;
  readonly paths: PodPaths;
  readonly events: EventRecorder;
  readonly log: Logger;
}

/** Where a container is started. */
export interface StartContext {
  readonly pod: Pod;
  readonly runtimePod: RuntimePod;
  readonly sandboxId: string;
  readonly sandbox: PodSandboxConfig;
  readonly podIps: readonly string[];
  readonly volumes: ReadonlyMap<string, MountedVolume>;
}

/** Seconds that a container gets to end when its postStart hook said no. */
const FAILED_HOOK_GRACE_SECONDS = 30;

/** Takes one container from its image to its postStart hook. */
export class ContainerStarter {
  readonly #deps: ContainerStarterDeps;

  constructor(deps: ContainerStarterDeps) {
    this.#deps = deps;
  }

  /** @throws {ConfigError} whose reason is the one that the status then shows */
  async start(context: StartContext, start: ContainerStart, signal: AbortSignal): Promise<void> {
    const { pod, sandbox, sandboxId } = context;
    const { container } = start;
    const image = await this.#deps.puller.ensure(pod, container, sandbox, signal);
    const config = await this.#tellFailure(pod, container, 'CreateContainerConfigError', () =>
      this.#configure(context, start, image, signal),
    );
    const containerId = await this.#tellFailure(pod, container, 'CreateContainerError', async () => {
      signal.throwIfAborted();
      await this.#deps.paths.disk.mkdir(join(sandbox.logDirectory, dirname(config.logPath)), {
        recursive: true,
      });
      return await this.#deps.runtime.createContainer(sandboxId, config, sandbox);
    });
    this.#tell(pod, container, 'Normal', 'Created', 'Container created');
    await this.#tellFailure(pod, container, 'RunContainerError', () =>
      this.#deps.runtime.startContainer(containerId),
    );
    this.#tell(pod, container, 'Normal', 'Started', 'Container started');
    await this.#postStart(context, container, containerId, signal);
  }

  async #configure(
    context: StartContext,
    { container, restartCount }: ContainerStart,
    image: Awaited<ReturnType<ImagePuller['ensure']>>,
    signal: AbortSignal,
  ): ReturnType<typeof containerConfig> {
    const { pod, runtimePod, podIps, volumes } = context;
    const { node, paths, sources, services } = this.#deps;
    const target = 'targetContainerName' in container ? container.targetContainerName : undefined;
    return await containerConfig(
      {
        pod,
        container,
        restartCount,
        image,
        volumes,
        hostsFile: await this.#writeHostsFile(pod, podIps),
        paths,
        sources,
        services: services(),
        fields: {
          nodeName: node.name,
          hostIps: node.hostIps,
          podIps: pod.spec.hostNetwork === true ? node.hostIps : podIps,
          allocatable: node.allocatable(),
        },
        memoryCapacityBytes: node.memoryCapacityBytes,
        targetId: target === undefined || target === '' ? undefined : latestOf(runtimePod, target)?.id,
        warn: (reason, message) => this.#tell(pod, container, 'Warning', reason, message),
      },
      signal,
    );
  }

  async #writeHostsFile(pod: Pod, podIps: readonly string[]): Promise<string> {
    const { paths, node } = this.#deps;
    const path = paths.hostsFile(pod.metadata.uid);
    const content =
      pod.spec.hostNetwork === true
        ? hostNetworkHostsFile(pod, (await paths.disk.readFile('/etc/hosts')).toString('utf8'))
        : hostsFile(pod, podIps, node.clusterDomain);
    await paths.disk.mkdir(dirname(path), { recursive: true });
    await paths.disk.writeFile(path, content, { mode: 0o644 });
    return path;
  }

  async #postStart(
    { pod, podIps }: StartContext,
    container: AnyContainer,
    containerId: string,
    signal: AbortSignal,
  ): Promise<void> {
    const handler = container.lifecycle?.postStart;
    if (handler === undefined) {
      return;
    }
    const podIp = podIps[0] ?? this.#deps.node.hostIps[0] ?? '';
    try {
      await this.#deps.hooks.run(handler, { container, containerId, podIp }, signal);
    } catch (error) {
      if (signal.aborted) {
        throw error;
      }
      const message = describeError(error);
      this.#deps.log.info('postStart hook failed', {
        pod: pod.metadata.name,
        container: container.name,
        error,
      });
      this.#tell(pod, container, 'Warning', 'FailedPostStartHook', 'PostStartHook failed');
      this.#tell(pod, container, 'Normal', 'Killing', 'FailedPostStartHook');
      await this.#deps.runtime.stopContainer(containerId, FAILED_HOOK_GRACE_SECONDS);
      throw new ConfigError('PostStartHookError', message, { cause: error });
    }
  }

  /** Turns what `work` throws into a status reason and an event. */
  async #tellFailure<T>(
    pod: Pod,
    container: AnyContainer,
    reason: string,
    work: () => Promise<T>,
  ): Promise<T> {
    try {
      return await work();
    } catch (error) {
      const message = describeError(error);
      this.#tell(pod, container, 'Warning', 'Failed', `Error: ${message}`);
      throw error instanceof ConfigError ? error : new ConfigError(reason, message, { cause: error });
    }
  }

  #tell(
    pod: Pod,
    container: AnyContainer,
    type: 'Normal' | 'Warning',
    reason: string,
    message: string,
  ): void {
    const target = { object: pod, fieldPath: fieldPathOf(pod, container.name) };
    this.#deps.events.event(target, type, reason, message);
  }
}
