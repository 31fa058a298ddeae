import { dnsLabelProblems, portNameProblems, portNumberProblems } from '../names.ts';
import type { Container, ContainerPort, EphemeralContainer, PodSpec, Volume } from '../types/core.v1.ts';
import { checkEnv, checkEnvFrom } from './env-rules.ts';
import { checkDescendingPath, checkNoBacksteps } from './path-rules.ts';
import { checkLifecycle, checkLiveness, checkReadiness } from './probe-rules.ts';
import type { Problems } from './problems.ts';
import { checkResources } from './resource-rules.ts';
import { checkContainerSecurity } from './security-rules.ts';

const PROTOCOLS = ['SCTP', 'TCP', 'UDP'];
const NOT_RESTARTABLE = 'may not be set for init containers without restartPolicy=Always';
const NOT_EPHEMERAL = 'cannot be set for an Ephemeral Container';

/** Fields that a debugging container may not have: it does no work of the pod. */
const EPHEMERAL_FORBIDDEN = [
  'ports',
  'lifecycle',
  'livenessProbe',
  'readinessProbe',
  'startupProbe',
  'restartPolicy',
  'resizePolicy',
] as const;

type Volumes = ReadonlyMap<string, Volume>;

/** All containers of a pod, of every sort. */
export function checkContainers(problems: Problems, path: string, spec: PodSpec): void {
  const volumes: Volumes = new Map((spec.volumes ?? []).map((volume) => [volume.name, volume]));
  const names = new Set<string>();
  checkRegular(problems, `${path}.containers`, spec, { volumes, names });
  checkInit(problems, `${path}.initContainers`, spec, { volumes, names });
  checkEphemeral(problems, `${path}.ephemeralContainers`, spec, { volumes, names });
}

interface Known {
  readonly volumes: Volumes;
  /** Names of the containers seen so far. */
  readonly names: Set<string>;
}

function checkRegular(problems: Problems, path: string, spec: PodSpec, { volumes, names }: Known): void {
  if (spec.containers.length === 0) {
    problems.required(path);
  }
  for (const [index, container] of spec.containers.entries()) {
    const at = `${path}[${index}]`;
    checkContainer(problems, at, container, volumes);
    checkUniqueName(problems, at, container.name, names);
    checkHooks(problems, at, container, spec.terminationGracePeriodSeconds);
    if (container.restartPolicy !== undefined) {
      problems.oneOf(`${at}.restartPolicy`, container.restartPolicy, ['Always', 'Never', 'OnFailure']);
    }
  }
  checkHostPorts(problems, path, spec.containers);
}

function checkInit(problems: Problems, path: string, spec: PodSpec, { volumes, names }: Known): void {
  for (const [index, container] of (spec.initContainers ?? []).entries()) {
    const at = `${path}[${index}]`;
    checkContainer(problems, at, container, volumes);
    checkUniqueName(problems, at, container.name, names);
    checkHostPorts(problems, path, [container]);
    if (container.restartPolicy !== undefined) {
      problems.oneOf(`${at}.restartPolicy`, container.restartPolicy, ['Always', 'Never', 'OnFailure']);
    }
    if (container.restartPolicy === 'Always') {
      checkHooks(problems, at, container, spec.terminationGracePeriodSeconds);
      continue;
    }
    for (const field of ['lifecycle', 'livenessProbe', 'readinessProbe', 'startupProbe'] as const) {
      if (container[field] !== undefined) {
        problems.forbidden(`${at}.${field}`, NOT_RESTARTABLE);
      }
    }
  }
}

function checkEphemeral(problems: Problems, path: string, spec: PodSpec, { volumes, names }: Known): void {
  const targets = new Set(names);
  for (const [index, container] of (spec.ephemeralContainers ?? []).entries()) {
    const at = `${path}[${index}]`;
    checkContainer(problems, at, container, volumes);
    checkUniqueName(problems, at, container.name, names);
    const { targetContainerName: target } = container;
    if (target !== undefined && !targets.has(target)) {
      problems.notFound(`${at}.targetContainerName`, target);
    }
    for (const field of EPHEMERAL_FORBIDDEN) {
      if (container[field] !== undefined) {
        problems.forbidden(`${at}.${field}`, NOT_EPHEMERAL);
      }
    }
    if (Object.keys(container.resources ?? {}).length > 0) {
      problems.forbidden(`${at}.resources`, NOT_EPHEMERAL);
    }
    for (const [mountIndex, mount] of (container.volumeMounts ?? []).entries()) {
      for (const field of ['subPath', 'subPathExpr'] as const) {
        if (mount[field] !== undefined) {
          problems.forbidden(`${at}.volumeMounts[${mountIndex}].${field}`, NOT_EPHEMERAL);
        }
      }
    }
  }
}

function checkUniqueName(problems: Problems, path: string, name: string, names: Set<string>): void {
  if (names.has(name)) {
    problems.duplicate(`${path}.name`, name);
  } else if (name !== '') {
    names.add(name);
  }
}

function checkHooks(
  problems: Problems,
  path: string,
  container: Container,
  graceSeconds: number | undefined,
): void {
  checkLifecycle(problems, `${path}.lifecycle`, container.lifecycle, graceSeconds);
  checkLiveness(problems, `${path}.livenessProbe`, container.livenessProbe);
  checkReadiness(problems, `${path}.readinessProbe`, container.readinessProbe);
  checkLiveness(problems, `${path}.startupProbe`, container.startupProbe);
}

function checkContainer(
  problems: Problems,
  path: string,
  container: Container | EphemeralContainer,
  volumes: Volumes,
): void {
  problems.requiredName(`${path}.name`, container.name, dnsLabelProblems);
  if (container.image === undefined || container.image === '') {
    problems.required(`${path}.image`);
  }
  problems.requiredOneOf(`${path}.terminationMessagePolicy`, container.terminationMessagePolicy, [
    'File',
    'FallbackToLogsOnError',
  ]);
  checkPorts(problems, `${path}.ports`, container.ports);
  checkEnv(problems, `${path}.env`, container.env);
  checkEnvFrom(problems, `${path}.envFrom`, container.envFrom);
  checkMounts(problems, path, container, volumes);
  checkDevices(problems, path, container, volumes);
  problems.requiredOneOf(`${path}.imagePullPolicy`, container.imagePullPolicy, [
    'Always',
    'IfNotPresent',
    'Never',
  ]);
  checkResources(problems, `${path}.resources`, container.resources);
  checkContainerSecurity(problems, `${path}.securityContext`, container.securityContext);
}

function checkPorts(problems: Problems, path: string, ports: readonly ContainerPort[] | undefined): void {
  const names = new Set<string>();
  for (const [index, { name = '', containerPort, hostPort = 0, protocol }] of (ports ?? []).entries()) {
    const at = `${path}[${index}]`;
    if (name !== '') {
      problems.names(`${at}.name`, name, portNameProblems(name));
      if (names.has(name)) {
        problems.duplicate(`${at}.name`, name);
      }
      names.add(name);
    }
    if (containerPort === 0) {
      problems.required(`${at}.containerPort`);
    } else {
      for (const problem of portNumberProblems(containerPort)) {
        problems.invalid(`${at}.containerPort`, containerPort, problem);
      }
    }
    if (hostPort !== 0) {
      for (const problem of portNumberProblems(hostPort)) {
        problems.invalid(`${at}.hostPort`, hostPort, problem);
      }
    }
    problems.requiredOneOf(`${at}.protocol`, protocol, PROTOCOLS);
  }
}

function checkHostPorts(problems: Problems, path: string, containers: readonly Container[]): void {
  const taken = new Set<string>();
  for (const [index, container] of containers.entries()) {
    for (const [portIndex, { hostPort = 0, hostIP = '', protocol = '' }] of (
      container.ports ?? []
    ).entries()) {
      const key = `${protocol}/${hostIP}/${hostPort}`;
      if (hostPort !== 0 && taken.has(key)) {
        problems.duplicate(`${path}[${index}].ports[${portIndex}].hostPort`, key);
      }
      taken.add(key);
    }
  }
}

function checkMounts(
  problems: Problems,
  containerPath: string,
  { volumeMounts, volumeDevices, securityContext }: Container | EphemeralContainer,
  volumes: Volumes,
): void {
  const mountPaths = new Set<string>();
  for (const [index, mount] of (volumeMounts ?? []).entries()) {
    const list = `${containerPath}.volumeMounts`;
    const at = `${list}[${index}]`;
    if (mount.name === '') {
      problems.required(`${at}.name`);
    }
    if (!volumes.has(mount.name)) {
      problems.notFound(`${at}.name`, mount.name);
    }
    if (mount.mountPath === '') {
      problems.required(`${at}.mountPath`);
    }
    if (mountPaths.has(mount.mountPath)) {
      problems.invalid(`${at}.mountPath`, mount.mountPath, 'must be unique');
    }
    mountPaths.add(mount.mountPath);
    if (volumeDevices?.some((device) => device.name === mount.name) === true) {
      problems.invalid(`${at}.name`, mount.name, 'must not already exist in volumeDevices');
    }
    if (mount.subPath !== undefined) {
      checkDescendingPath(problems, `${list}.subPath`, mount.subPath);
    }
    if (mount.subPathExpr !== undefined) {
      if (mount.subPath !== undefined) {
        problems.invalid(
          `${at}.subPathExpr`,
          mount.subPathExpr,
          'subPathExpr and subPath are mutually exclusive',
        );
      }
      checkDescendingPath(problems, `${list}.subPathExpr`, mount.subPathExpr);
    }
    if (mount.mountPropagation !== undefined) {
      problems.oneOf(`${list}.mountPropagation`, mount.mountPropagation, [
        'Bidirectional',
        'HostToContainer',
        'None',
      ]);
    }
    if (mount.mountPropagation === 'Bidirectional' && securityContext?.privileged !== true) {
      problems.forbidden(
        `${list}.mountPropagation`,
        'Bidirectional mount propagation is available only to privileged containers',
      );
    }
  }
}

function checkDevices(
  problems: Problems,
  path: string,
  { volumeDevices, volumeMounts }: Container | EphemeralContainer,
  volumes: Volumes,
): void {
  const seen = { names: new Set<string>(), paths: new Set<string>() };
  for (const [index, { name, devicePath }] of (volumeDevices ?? []).entries()) {
    const at = `${path}.volumeDevices[${index}]`;
    const volume = volumes.get(name);
    if (name === '') {
      problems.required(`${at}.name`);
    }
    if (seen.names.has(name)) {
      problems.invalid(`${at}.name`, name, 'must be unique');
    }
    if (volume === undefined) {
      problems.notFound(`${at}.name`, name);
    } else if (volume.persistentVolumeClaim === undefined && volume.ephemeral === undefined) {
      problems.invalid(
        `${at}.name`,
        name,
        'can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode',
      );
    }
    if (devicePath === '') {
      problems.required(`${at}.devicePath`);
    }
    if (seen.paths.has(devicePath)) {
      problems.invalid(`${at}.devicePath`, devicePath, 'must be unique');
    }
    checkNoBacksteps(problems, `${at}.devicePath`, devicePath);
    if (volumeMounts?.some((mount) => mount.name === name) === true) {
      problems.invalid(`${at}.name`, name, 'must not already exist in volumeMounts');
    }
    seen.names.add(name);
    seen.paths.add(devicePath);
  }
}
