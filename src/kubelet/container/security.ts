import type { AppArmorProfile, Pod, SeccompProfile } from '#api/types/core.v1.ts';
import type { Image, LinuxContainerSecurityContext, NamespaceOption, SecurityProfile } from '#runtime/cri.ts';
import type { AnyContainer } from '../pod/pod-containers.ts';
import { ConfigError } from './config-error.ts';

/** The namespaces that the pod's containers share. */
export function podNamespaces({ spec }: Pod): NamespaceOption {
  return {
    network: spec.hostNetwork === true ? 'node' : 'pod',
    pid: spec.hostPID === true ? 'node' : spec.shareProcessNamespace === true ? 'pod' : 'container',
    ipc: spec.hostIPC === true ? 'node' : 'pod',
  };
}

/**
 * A container's security settings, its own before the pod's.
 *
 * @param targetId the container whose processes an ephemeral container sees
 * @throws {ConfigError} when the image would run as root and the pod forbids that
 */
export function containerSecurity(
  pod: Pod,
  container: AnyContainer,
  image: Image | undefined,
  targetId?: string,
): LinuxContainerSecurityContext {
  const own = container.securityContext ?? {};
  const shared = pod.spec.securityContext ?? {};
  const runAsUser = own.runAsUser ?? shared.runAsUser;
  const runAsGroup = own.runAsGroup ?? shared.runAsGroup;
  if (own.runAsNonRoot ?? shared.runAsNonRoot ?? false) {
    checkNonRoot(pod, container, runAsUser, image);
  }
  const groups = [
    ...(shared.supplementalGroups ?? []),
    ...(shared.fsGroup === undefined ? [] : [shared.fsGroup]),
  ];
  const seccomp = profileOf(own.seccompProfile ?? shared.seccompProfile);
  const apparmor = profileOf(own.appArmorProfile ?? shared.appArmorProfile);
  const namespaces = podNamespaces(pod);
  return {
    namespaceOptions: targetId === undefined ? namespaces : { ...namespaces, pid: 'target', targetId },
    ...(own.privileged === true ? { privileged: true } : {}),
    ...capabilitiesOf(own),
    ...(runAsUser === undefined ? userOf(image) : { runAsUser }),
    ...(runAsGroup === undefined ? {} : { runAsGroup }),
    ...(groups.length === 0 ? {} : { supplementalGroups: groups }),
    ...(shared.supplementalGroupsPolicy === undefined
      ? {}
      : { supplementalGroupsPolicy: shared.supplementalGroupsPolicy }),
    readonlyRootfs: own.readOnlyRootFilesystem === true,
    noNewPrivs: own.allowPrivilegeEscalation === false,
    ...(own.procMount === 'Unmasked' ? { maskedPaths: [], readonlyPaths: [] } : {}),
    ...(seccomp === undefined ? {} : { seccomp }),
    ...(apparmor === undefined ? {} : { apparmor }),
  };
}

function capabilitiesOf({
  capabilities,
}: NonNullable<AnyContainer['securityContext']>): Pick<LinuxContainerSecurityContext, 'capabilities'> {
  if (capabilities === undefined) {
    return {};
  }
  const { add = [], drop = [] } = capabilities;
  return { capabilities: { addCapabilities: add, dropCapabilities: drop } };
}

function userOf(
  image: Image | undefined,
): Pick<LinuxContainerSecurityContext, 'runAsUser' | 'runAsUsername'> {
  if (image?.uid !== undefined) {
    return { runAsUser: image.uid };
  }
  return image === undefined || image.username === '' ? {} : { runAsUsername: image.username };
}

function checkNonRoot(
  pod: Pod,
  container: AnyContainer,
  runAsUser: number | undefined,
  image: Image | undefined,
): void {
  const where = `(pod: "${pod.metadata.name}_${pod.metadata.namespace}(${pod.metadata.uid})", container: ${container.name})`;
  if (runAsUser !== undefined) {
    if (runAsUser === 0) {
      throw new ConfigError(
        'CreateContainerConfigError',
        `container's runAsUser breaks non-root policy ${where}`,
      );
    }
    return;
  }
  if (image?.uid === 0 || (image?.uid === undefined && (image?.username ?? '') === '')) {
    throw new ConfigError(
      'CreateContainerConfigError',
      `container has runAsNonRoot and image will run as root ${where}`,
    );
  }
  if (image?.uid === undefined) {
    throw new ConfigError(
      'CreateContainerConfigError',
      `container has runAsNonRoot and image has non-numeric user (${image?.username}), cannot verify user is non-root ${where}`,
    );
  }
}

export function profileOf(
  profile: SeccompProfile | AppArmorProfile | undefined,
): SecurityProfile | undefined {
  if (profile === undefined) {
    return undefined;
  }
  const { type, localhostProfile } = profile;
  return { profileType: type, ...(localhostProfile === undefined ? {} : { localhostRef: localhostProfile }) };
}
