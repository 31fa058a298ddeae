import type { Container, Pod, SecurityContext } from '#api/types/core.v1.ts';
import { CliError } from './cli-error.ts';

/** What is debugged: a pod in place, a copy of one, or a node. */
export type DebugStyle = 'ephemeral' | 'copy' | 'node';

/** Labels, annotations, probes and init containers that a copy keeps. */
export interface Kept {
  readonly labels: boolean;
  readonly annotations: boolean;
  readonly liveness: boolean;
  readonly readiness: boolean;
  readonly startup: boolean;
  readonly initContainers: boolean;
}

type Spec = Pod['spec'];

/** A pod that is being made. */
export interface DebugPod {
  readonly metadata: Partial<Pod['metadata']>;
  readonly spec: Spec;
}

type Change = (context: SecurityContext | undefined) => SecurityContext | undefined;

interface Profile {
  /** What the debugging container may do; on a node, where that is different. */
  readonly context: Change;
  readonly nodeContext?: Change;
  readonly onNode?: (pod: DebugPod, container: string) => DebugPod;
}

const unchanged: Change = (context) => context;
const cleared: Change = () => undefined;

function withCapabilities(...added: readonly string[]): Change {
  return (context) => ({
    ...context,
    capabilities: { ...context?.capabilities, add: [...(context?.capabilities?.add ?? []), ...added] },
  });
}

const hostAndRoot = (pod: DebugPod, container: string): DebugPod => inHost(withHostRoot(pod, container));

/** By upstream's names. */
const PROFILES: Readonly<Record<string, Profile>> = {
  legacy: { context: unchanged, onNode: hostAndRoot },
  general: { context: withCapabilities('SYS_PTRACE'), nodeContext: cleared, onNode: hostAndRoot },
  baseline: { context: cleared },
  restricted: {
    context: () => ({
      allowPrivilegeEscalation: false,
      capabilities: { drop: ['ALL'] },
      runAsNonRoot: true,
      seccompProfile: { type: 'RuntimeDefault' },
    }),
  },
  netadmin: { context: withCapabilities('NET_ADMIN', 'NET_RAW'), onNode: inHost },
  sysadmin: { context: (context) => ({ ...context, privileged: true }), onNode: hostAndRoot },
};

/**
 * A pod made fit for debugging by one of its containers.
 *
 * @throws {CliError} there is no such profile
 */
export function applyProfile(
  pod: DebugPod,
  {
    profile,
    container,
    style,
    kept,
  }: {
    readonly profile: string;
    readonly container: string;
    readonly style: DebugStyle;
    readonly kept: Kept;
  },
): DebugPod {
  const chosen = Object.hasOwn(PROFILES, profile) ? PROFILES[profile] : undefined;
  if (chosen === undefined) {
    throw new CliError(`unknown profile: ${profile}`);
  }
  const { context, nodeContext = context, onNode } = chosen;
  const changed = withContext(pod, container, style === 'node' ? nodeContext : context);
  switch (style) {
    case 'ephemeral':
      return changed;
    case 'node':
      return onNode?.(changed, container) ?? changed;
    case 'copy':
      return profile === 'legacy' ? withoutLabels(changed) : stripped(changed, kept);
  }
}

function withContext({ metadata, spec }: DebugPod, name: string, change: Change): DebugPod {
  const apply = <T extends Pick<Container, 'name' | 'securityContext'>>(container: T): T => {
    if (container.name !== name) {
      return container;
    }
    const { securityContext, ...rest } = container;
    const changed = change(securityContext);
    // The fields that are left are those of the container.
    return { ...rest, ...(changed === undefined ? {} : { securityContext: changed }) } as T;
  };
  return {
    metadata,
    spec: {
      ...spec,
      containers: spec.containers.map(apply),
      ...(spec.ephemeralContainers === undefined
        ? {}
        : { ephemeralContainers: spec.ephemeralContainers.map(apply) }),
    },
  };
}

function inHost({ metadata, spec }: DebugPod): DebugPod {
  return { metadata, spec: { ...spec, hostIPC: true, hostNetwork: true, hostPID: true } };
}

const HOST_ROOT = 'host-root';

function withHostRoot({ metadata, spec }: DebugPod, name: string): DebugPod {
  return {
    metadata,
    spec: {
      ...spec,
      containers: spec.containers.map((container) =>
        container.name === name
          ? {
              ...container,
              volumeMounts: [...(container.volumeMounts ?? []), { mountPath: '/host', name: HOST_ROOT }],
            }
          : container,
      ),
      volumes: [...(spec.volumes ?? []), { hostPath: { path: '/' }, name: HOST_ROOT }],
    },
  };
}

function withoutLabels({ metadata: { labels: _left, ...metadata }, spec }: DebugPod): DebugPod {
  return { metadata, spec };
}

/** A copy must not be taken for the pod that it copies. */
function stripped({ metadata, spec }: DebugPod, kept: Kept): DebugPod {
  const { labels, annotations, ...identity } = metadata;
  const { initContainers, containers, ...rest } = spec;
  return {
    metadata: {
      ...identity,
      ...(kept.labels && labels !== undefined ? { labels } : {}),
      ...(kept.annotations && annotations !== undefined ? { annotations } : {}),
    },
    spec: {
      shareProcessNamespace: true,
      ...rest,
      containers: containers.map(({ livenessProbe, readinessProbe, startupProbe, ...container }) => ({
        ...container,
        ...(kept.liveness && livenessProbe !== undefined ? { livenessProbe } : {}),
        ...(kept.readiness && readinessProbe !== undefined ? { readinessProbe } : {}),
        ...(kept.startup && startupProbe !== undefined ? { startupProbe } : {}),
      })),
      ...(kept.initContainers && initContainers !== undefined ? { initContainers } : {}),
    },
  };
}
