import { dnsLabelProblems, portNameProblems, portNumberProblems } from '../names.ts';
import type {
  Container,
  ContainerPort,
  EphemeralContainer,
  PodSpec,
  Volume,
  VolumeMount,
} from '../types/core.v1.ts';
import { checkEnv, checkEnvFrom } from './env-rules.ts';
import { checkDescendingPath } from './path-rules.ts';
import { checkLifecycle, checkLiveness, checkReadiness } from './probe-rules.ts';
import type { Problems } from './problems.ts';
import { checkResources } from './resource-rules.ts';
import { checkResizePolicy, checkRestartPolicy } from './restart-rules.ts';
import { checkContainerSecurity } from './security-rules.ts';
import { PULL_POLICIES } from './volume-rules.ts';

const PROTOCOLS = ['SCTP', 'TCP', 'UDP'];
const NOT_RESTARTABLE = 'may not be set for init containers without restartPolicy=Always';
const NOT_EPHEMERAL = 'cannot be set for an Ephemeral Container';

/** Fields that a debugging container may not have: it does no work of the pod. */
const EPHEMERAL_FORBIDDEN = [
  'ports',
  'resources',
  'resizePolicy',
  'restartPolicy',
  'restartPolicyRules',
  'livenessProbe',
  'readinessProbe',
  'startupProbe',
  'lifecycle',
] as const;

type Volumes = ReadonlyMap<string, Volume>;

/** What the containers of a pod can refer to. */
export interface Surroundings {
  readonly spec: PodSpec;
  /** The pod's good volumes. */
  readonly volumes: Volumes;
  /** Names of the pod's resource claims. */
  readonly claims: ReadonlySet<string>;
}

/** All containers of a pod, of every sort. */
export function checkContainers(problems: Problems, path: string, around: Surroundings): void {
  const names = new Set<string>();
  checkRegular(problems, `${path}.containers`, around, names);
  if (around.spec.initContainers !== undefined) {
    checkInit(problems, `${path}.initContainers`, around, names);
  }
  if (around.spec.ephemeralContainers !== undefined) {
    checkEphemeral(problems, `${path}.ephemeralContainers`, around, names);
  }
}

function checkRegular(problems: Problems, path: string, around: Surroundings, names: Set<string>): void {
  const { containers, terminationGracePeriodSeconds } = around.spec;
  if (containers.length === 0) {
    problems.required(path);
    return;
  }
  for (const [index, container] of containers.entries()) {
    const at = `${path}[${index}]`;
    checkContainer(problems, at, container, around);
    checkUniqueName(problems, at, container.name, names);
    checkHooks(problems, at, container, terminationGracePeriodSeconds);
    checkRestartPolicy(problems, at, container);
  }
  checkHostPorts(problems, path, containers);
}

function checkInit(problems: Problems, path: string, around: Surroundings, names: Set<string>): void {
  for (const [index, container] of (around.spec.initContainers ?? []).entries()) {
    const at = `${path}[${index}]`;
    checkContainer(problems, at, container, around);
    checkRestartPolicy(problems, at, container);
    checkUniqueName(problems, at, container.name, names);
    checkHostPorts(problems, path, [container]);
    if (container.restartPolicy === 'Always') {
      checkHooks(problems, at, container, around.spec.terminationGracePeriodSeconds);
      continue;
    }
    for (const field of ['lifecycle', 'livenessProbe', 'readinessProbe', 'startupProbe'] as const) {
      if (container[field] !== undefined) {
        problems.forbidden(`${at}.${field}`, NOT_RESTARTABLE);
      }
    }
  }
}

function checkEphemeral(problems: Problems, path: string, around: Surroundings, names: Set<string>): void {
  const targets = new Set(names);
  for (const [index, container] of (around.spec.ephemeralContainers ?? []).entries()) {
    const at = `${path}[${index}]`;
    checkContainer(problems, at, container, around);
    checkImageSpaces(problems, at, container.image);
    checkUniqueName(problems, at, container.name, names);
    const { targetContainerName: target = '' } = container;
    if (target !== '' && !targets.has(target)) {
      problems.notFound(`${at}.targetContainerName`, target);
    }
    for (const field of EPHEMERAL_FORBIDDEN) {
      if (Object.keys(container[field] ?? {}).length > 0) {
        problems.forbidden(`${at}.${field}`, NOT_EPHEMERAL);
      }
    }
    for (const [mountIndex, mount] of (container.volumeMounts ?? []).entries()) {
      for (const field of ['subPath', 'subPathExpr'] as const) {
        if ((mount[field] ?? '') !== '') {
          problems.forbidden(`${at}.volumeMounts[${mountIndex}].${field}`, NOT_EPHEMERAL);
        }
      }
    }
  }
}

/** Checked for containers of pods only: templates have long been taken with them. */
export function checkImageSpaces(problems: Problems, path: string, image = ''): void {
  if (image.trim() !== image) {
    problems.invalid(`${path}.image`, image, 'must not have leading or trailing whitespace');
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
  { spec, volumes, claims }: Surroundings,
): void {
  problems.requiredName(`${path}.name`, container.name, dnsLabelProblems);
  problems.requiredText(`${path}.image`, container.image);
  problems.requiredOneOf(
    `${path}.terminationMessagePolicy`,
    container.terminationMessagePolicy,
    MESSAGE_POLICIES,
  );
  checkPorts(problems, `${path}.ports`, container.ports);
  checkEnv(problems, `${path}.env`, container.env);
  checkEnvFrom(problems, `${path}.envFrom`, container.envFrom);
  if (container.volumeMounts !== undefined) {
    checkMounts(problems, path, container, volumes);
  }
  if (container.volumeDevices !== undefined) {
    checkDevices(problems, path, container, volumes);
  }
  problems.requiredOneOf(`${path}.imagePullPolicy`, container.imagePullPolicy, PULL_POLICIES);
  checkResources(problems, `${path}.resources`, container.resources, { claims });
  checkResizePolicy(problems, `${path}.resizePolicy`, container.resizePolicy, spec.restartPolicy);
  checkContainerSecurity(
    problems,
    `${path}.securityContext`,
    container.securityContext,
    spec.hostUsers !== false,
  );
}

const MESSAGE_POLICIES = ['File', 'FallbackToLogsOnError'];

function checkPorts(problems: Problems, path: string, ports: readonly ContainerPort[] | undefined): void {
  if (ports === undefined) {
    return;
  }
  const names = new Set<string>();
  for (const [index, { name = '', containerPort, hostPort = 0, protocol }] of ports.entries()) {
    const at = `${path}[${index}]`;
    if (name !== '') {
      const wrong = portNameProblems(name);
      problems.names(`${at}.name`, name, wrong);
      if (wrong.length === 0 && names.has(name)) {
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
  { volumeMounts, volumeDevices = [], securityContext }: Container | EphemeralContainer,
  volumes: Volumes,
): void {
  const mountPaths = new Set<string>();
  const list = `${containerPath}.volumeMounts`;
  for (const [index, mount] of (volumeMounts ?? []).entries()) {
    const at = `${list}[${index}]`;
    const { name, mountPath } = mount;
    problems.requiredText(`${at}.name`, name);
    if (!volumes.has(name)) {
      problems.notFound(`${at}.name`, name);
    }
    problems.requiredText(`${at}.mountPath`, mountPath);
    if (mountPaths.has(mountPath)) {
      problems.invalid(`${at}.mountPath`, mountPath, 'must be unique');
    }
    mountPaths.add(mountPath);
    if (volumeDevices.some((device) => device.name === name)) {
      problems.invalid(`${at}.name`, name, 'must not already exist in volumeDevices');
    }
    if (volumeDevices.some((device) => device.devicePath === mountPath)) {
      problems.invalid(`${at}.mountPath`, mountPath, 'must not already exist as a path in volumeDevices');
    }
    const isImage = volumes.get(name)?.image !== undefined;
    checkSubPaths(problems, [list, at], mount, isImage);
    checkPropagation(problems, list, mount, securityContext?.privileged === true);
  }
}

const NOT_OF_IMAGES = 'not allowed in image volume sources';

/** Upstream names the list and not the entry where the path itself is wrong. */
function checkSubPaths(
  problems: Problems,
  [list, at]: readonly [string, string],
  { subPath = '', subPathExpr = '' }: VolumeMount,
  isImage: boolean,
): void {
  if (isImage) {
    for (const [field, value] of Object.entries({ subPath, subPathExpr })) {
      if (value !== '') {
        problems.invalid(`${at}.${field}`, value, NOT_OF_IMAGES);
      }
    }
  }
  if (subPath !== '') {
    checkDescendingPath(problems, `${list}.subPath`, subPath);
  }
  if (subPathExpr !== '') {
    if (subPath !== '') {
      problems.invalid(`${at}.subPathExpr`, subPathExpr, 'subPathExpr and subPath are mutually exclusive');
    }
    checkDescendingPath(problems, `${list}.subPathExpr`, subPathExpr);
  }
}

function checkPropagation(
  problems: Problems,
  list: string,
  { mountPropagation, recursiveReadOnly, readOnly }: VolumeMount,
  isPrivileged: boolean,
): void {
  if (mountPropagation !== undefined) {
    problems.oneOf(`${list}.mountPropagation`, mountPropagation, PROPAGATIONS);
    if (mountPropagation === 'Bidirectional' && !isPrivileged) {
      problems.forbidden(
        `${list}.mountPropagation`,
        'Bidirectional mount propagation is available only to privileged containers',
      );
    }
  }
  if (recursiveReadOnly === undefined || recursiveReadOnly === 'Disabled') {
    return;
  }
  const path = `${list}.recursiveReadOnly`;
  if (recursiveReadOnly !== 'Enabled' && recursiveReadOnly !== 'IfPossible') {
    problems.oneOf(path, recursiveReadOnly, ['Disabled', 'Enabled', 'IfPossible']);
    return;
  }
  if (readOnly !== true) {
    problems.forbidden(path, 'may only be specified when readOnly is true');
  }
  if (mountPropagation !== undefined && mountPropagation !== 'None') {
    problems.forbidden(path, 'may only be specified when mountPropagation is None or not specified');
  }
}

const PROPAGATIONS = ['Bidirectional', 'HostToContainer', 'None'];

function checkDevices(
  problems: Problems,
  path: string,
  { volumeDevices, volumeMounts = [] }: Container | EphemeralContainer,
  volumes: Volumes,
): void {
  const seen = { names: new Set<string>(), paths: new Set<string>() };
  for (const [index, { name, devicePath }] of (volumeDevices ?? []).entries()) {
    const at = `${path}.volumeDevices[${index}]`;
    const volume = volumes.get(name);
    problems.requiredText(`${at}.name`, name);
    if (seen.names.has(name)) {
      problems.invalid(`${at}.name`, name, 'must be unique');
    }
    if (volume === undefined) {
      problems.notFound(`${at}.name`, name);
    } else if (volume.persistentVolumeClaim === undefined && volume.ephemeral === undefined) {
      problems.invalid(`${at}.name`, name, NOT_BLOCK);
    }
    problems.requiredText(`${at}.devicePath`, devicePath);
    if (seen.paths.has(devicePath)) {
      problems.invalid(`${at}.devicePath`, devicePath, 'must be unique');
    }
    if (devicePath.split('/').includes('..')) {
      problems.invalid(`${at}.devicePath`, devicePath, "can not contain backsteps ('..')");
    } else {
      seen.paths.add(devicePath);
    }
    if (volumeMounts.some((mount) => mount.name === name)) {
      problems.invalid(`${at}.name`, name, 'must not already exist in volumeMounts');
    }
    if (volumeMounts.some((mount) => mount.mountPath === devicePath)) {
      problems.invalid(`${at}.devicePath`, devicePath, 'must not already exist as a path in volumeMounts');
    }
    if (name !== '') {
      seen.names.add(name);
    }
  }
}

const NOT_BLOCK = 'can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode';
