import type { Container, Pod, Volume, VolumeMount } from '#api/types/core.v1.ts';
import { INJECTED_EXPIRATION_SECONDS } from '../../authn/token-issuer.ts';

const VOLUME_NAME_PREFIX = 'kube-api-access-';
const MOUNT_PATH = '/var/run/secrets/kubernetes.io/serviceaccount';
/** Read and write for the owner, read for the others. */
const FILE_MODE = 0o644;

/**
 * Gives every container of a pod the token, the cluster's certificate and the namespace's name at the place
 * where client libraries look for them, except those that mount something else there.
 *
 * @param suffix makes the volume's name unlike any other
 */
export function withTokenVolume(pod: Pod, suffix: string): Pod {
  const volumes = pod.spec.volumes ?? [];
  const present = volumes.find(
    ({ name, projected }) => projected !== undefined && name.startsWith(VOLUME_NAME_PREFIX),
  );
  const mount: VolumeMount = {
    name: present?.name ?? `${VOLUME_NAME_PREFIX}${suffix}`,
    readOnly: true,
    mountPath: MOUNT_PATH,
  };
  const containers = (pod.spec.containers ?? []).map((container) => withMount(container, mount));
  const initContainers = pod.spec.initContainers?.map((container) => withMount(container, mount));
  const isUnchanged =
    isSameList(containers, pod.spec.containers ?? []) &&
    isSameList(initContainers ?? [], pod.spec.initContainers ?? []);
  if (isUnchanged) {
    return pod;
  }
  return {
    ...pod,
    spec: {
      ...pod.spec,
      containers,
      ...(initContainers === undefined ? {} : { initContainers }),
      volumes: present === undefined ? [...volumes, tokenVolume(mount.name)] : volumes,
    },
  };
}

function isSameList(left: readonly Container[], right: readonly Container[]): boolean {
  return left.every((container, index) => container === right[index]);
}

function withMount(container: Container, mount: VolumeMount): Container {
  const mounts = container.volumeMounts ?? [];
  return mounts.some(({ mountPath }) => mountPath === MOUNT_PATH)
    ? container
    : { ...container, volumeMounts: [...mounts, mount] };
}

function tokenVolume(name: string): Volume {
  return {
    name,
    projected: {
      sources: [
        { serviceAccountToken: { expirationSeconds: INJECTED_EXPIRATION_SECONDS, path: 'token' } },
        { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
        {
          downwardAPI: {
            items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }],
          },
        },
      ],
      defaultMode: FILE_MODE,
    },
  };
}
