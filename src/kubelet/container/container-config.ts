import type { Pod, Service } from '#api/types/core.v1.ts';
import type { ContainerConfig, Image } from '#runtime/cri.ts';
import { containerNamed, type AnyContainer } from '../pod/pod-containers.ts';
import { containerLogPath, type PodPaths } from '../pod/pod-paths.ts';
import { containerAnnotations, containerLabels } from '../pod/runtime-labels.ts';
import { containerResources } from '../resources/linux-resources.ts';
import type { MountedVolume } from '../volumes/pod-volumes.ts';
import { ConfigError } from './config-error.ts';
import type { ConfigSources } from './config-sources.ts';
import { containerMounts } from './container-mounts.ts';
import { containerEnvironment } from './environment.ts';
import { expandVariables } from './expansion.ts';
import type { FieldContext } from './field-values.ts';
import { containerSecurity } from './security.ts';

export interface ContainerConfigInput {
  readonly pod: Pod;
  readonly container: AnyContainer;
  readonly restartCount: number;
  readonly image: { readonly ref: string; readonly image: Image | undefined };
  readonly volumes: ReadonlyMap<string, MountedVolume>;
  readonly hostsFile: string | undefined;
  readonly paths: PodPaths;
  readonly sources: ConfigSources;
  readonly services: readonly Service[];
  readonly fields: FieldContext;
  readonly memoryCapacityBytes: number;
  /** The running container whose processes an ephemeral container sees. */
  readonly targetId: string | undefined;
  readonly warn: (reason: string, message: string) => void;
}

/** @throws {ConfigError} when the pod asks for something that is missing or not possible */
export async function containerConfig(
  input: ContainerConfigInput,
  signal: AbortSignal,
): Promise<ContainerConfig> {
  const { pod, container, restartCount, image, paths } = input;
  refuseUnsupported(pod, container);
  const environment = await containerEnvironment(pod, container, input, signal);
  const expand = (text: string): string => expandVariables(text, environment);
  const mounts = await containerMounts({
    ...input,
    environment,
    terminationLog: paths.terminationLog(pod.metadata.uid, container.name, restartCount),
    disk: paths.disk,
  });
  const { command, args, workingDir, stdin, stdinOnce, tty, lifecycle } = container;
  return {
    metadata: { name: container.name, attempt: restartCount },
    image: { image: image.ref, userSpecifiedImage: container.image ?? '' },
    ...(command === undefined ? {} : { command: command.map(expand) }),
    ...(args === undefined ? {} : { args: args.map(expand) }),
    ...(workingDir === undefined ? {} : { workingDir }),
    envs: [...environment].map(([key, value]) => ({ key, value })),
    mounts,
    labels: containerLabels(pod, container.name),
    annotations: containerAnnotations(pod, container, restartCount),
    logPath: containerLogPath(container.name, restartCount),
    stdin: stdin === true,
    stdinOnce: stdinOnce === true,
    tty: tty === true,
    linux: {
      resources: containerResources(pod, container, input.memoryCapacityBytes),
      securityContext: containerSecurity(pod, container, image.image, input.targetId),
    },
    ...(lifecycle?.stopSignal === undefined ? {} : { stopSignal: lifecycle.stopSignal }),
  };
}

function refuseUnsupported(pod: Pod, container: AnyContainer): void {
  const { volumeDevices = [], resources } = container;
  const problem =
    volumeDevices.length > 0
      ? 'raw block volumes'
      : (resources.claims ?? []).length > 0
        ? 'dynamic resource allocation'
        : pod.spec.hostUsers === false
          ? 'user namespaces'
          : undefined;
  if (problem !== undefined) {
    throw new ConfigError('CreateContainerConfigError', `${problem} are not supported by Coracle yet`);
  }
  const target = 'targetContainerName' in container ? container.targetContainerName : undefined;
  if (target !== undefined && target !== '' && containerNamed(pod, target) === undefined) {
    throw new ConfigError('CreateContainerConfigError', `unable to find target container ${target}`);
  }
}
