import { parseQuantity } from '../quantity.ts';
import type {
  Container,
  ContainerPort,
  EnvVar,
  PersistentVolumeClaimSpec,
  PodSpec,
  PodTemplateSpec,
  ResourceList,
  Volume,
  VolumeProjection,
} from '../types/core.v1.ts';
import type { ObjectMeta } from '../types/meta.v1.ts';
import { labelDeprecation, termWarnings } from './node-labels.ts';

/** Collects sentences that a client is to see, though nothing is wrong. */
type Warn = (text: string) => void;

const ANNOTATIONS: ReadonlyMap<string, string> = new Map([
  [
    'scheduler.alpha.kubernetes.io/critical-pod',
    'non-functional in v1.16+; use the "priorityClassName" field instead',
  ],
  ['security.alpha.kubernetes.io/sysctls', 'non-functional in v1.11+; use the "sysctls" field instead'],
  [
    'security.alpha.kubernetes.io/unsafe-sysctls',
    'non-functional in v1.11+; use the "sysctls" field instead',
  ],
]);
const SECCOMP_OF_POD = 'seccomp.security.alpha.kubernetes.io/pod';
const SECCOMP_OF_CONTAINER = 'container.seccomp.security.alpha.kubernetes.io/';
const APP_ARMOR_OF_CONTAINER = 'container.apparmor.security.beta.kubernetes.io/';
const USE_SECCOMP = 'non-functional in v1.27+; use the "seccompProfile" field instead';

/** Volume plugins that have gone, or will. */
export const VOLUME_DEPRECATIONS = {
  photonPersistentDisk: 'deprecated in v1.11, non-functional in v1.16+',
  gitRepo: 'deprecated in v1.11',
  scaleIO: 'deprecated in v1.16, non-functional in v1.22+',
  flocker: 'deprecated in v1.22, non-functional in v1.25+',
  storageos: 'deprecated in v1.22, non-functional in v1.25+',
  quobyte: 'deprecated in v1.22, non-functional in v1.25+',
  glusterfs: 'deprecated in v1.25, non-functional in v1.26+',
  cephfs: 'deprecated in v1.28, non-functional in v1.31+',
  rbd: 'deprecated in v1.28, non-functional in v1.31+',
} as const;

const NO_SELECTOR = 'a null labelSelector results in matching no pod';

/** @param path where the template stands, with the dot after it; empty for a pod */
export function podWarnings(
  { metadata, spec }: Pick<PodTemplateSpec, 'metadata' | 'spec'>,
  path = '',
): readonly string[] {
  const found: string[] = [];
  const warn = (text: string): void => void found.push(`${path}${text}`);
  nodeWarnings(spec, warn);
  annotationWarnings(metadata, warn);
  for (const [index, volume] of (spec.volumes ?? []).entries()) {
    volumeWarnings(volume, `spec.volumes[${index}]`, warn);
  }
  tokenPathWarnings(spec.volumes ?? [], warn);
  listWarnings(spec, warn);
  const isPod = path === '';
  const { annotations } = metadata;
  if (spec.securityContext?.seccompProfile === undefined && annotations?.[SECCOMP_OF_POD] !== undefined) {
    warn(`metadata.annotations[${SECCOMP_OF_POD}]: ${USE_SECCOMP}`);
  }
  eachContainer(spec, (container, at) => {
    containerAnnotationWarnings(container, { spec, annotations, isPod }, warn);
    fractionWarnings(container.resources.limits, `${at}.resources.limits`, warn);
    fractionWarnings(container.resources.requests, `${at}.resources.requests`, warn);
    envWarnings(container.env ?? [], at, warn);
  });
  portWarnings(spec, path, warn);
  if ((spec.terminationGracePeriodSeconds ?? 0) < 0) {
    warn(
      'spec.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and will be treated as 1',
    );
  }
  affinityWarnings(spec, warn);
  return found;
}

/** What a claim asks for comes in whole bytes. */
export function claimWarnings({ resources }: PersistentVolumeClaimSpec, path: string): readonly string[] {
  const found: string[] = [];
  const warn = (text: string): void => void found.push(text);
  fractionWarning(resources.requests, 'storage', `${path}.resources.requests`, warn);
  fractionWarning(resources.limits, 'storage', `${path}.resources.limits`, warn);
  return found;
}

function nodeWarnings({ nodeSelector, affinity, topologySpreadConstraints }: PodSpec, warn: Warn): void {
  for (const label of Object.keys(nodeSelector ?? {})) {
    const text = labelDeprecation(label);
    if (text !== undefined) {
      warn(`spec.nodeSelector[${label}]: ${text}`);
    }
  }
  const node = affinity?.nodeAffinity;
  const at = 'spec.affinity.nodeAffinity';
  const required = node?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  for (const [index, term] of required.entries()) {
    const path = `${at}.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[${index}]`;
    termWarnings(term, path).forEach(warn);
  }
  const preferred = node?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
  for (const [index, { preference }] of preferred.entries()) {
    const path = `${at}.preferredDuringSchedulingIgnoredDuringExecution[${index}].preference`;
    termWarnings(preference, path).forEach(warn);
  }
  for (const [index, { topologyKey, labelSelector }] of (topologySpreadConstraints ?? []).entries()) {
    const path = `spec.topologySpreadConstraints[${index}]`;
    const text = labelDeprecation(topologyKey);
    if (text !== undefined) {
      warn(`${path}.topologyKey: ${topologyKey} is ${text}`);
    }
    if (labelSelector === undefined) {
      warn(`${path}.labelSelector: ${NO_SELECTOR}`);
    }
  }
}

function annotationWarnings({ annotations }: Pick<ObjectMeta, 'annotations'>, warn: Warn): void {
  if (annotations === undefined) {
    return;
  }
  for (const [key, text] of ANNOTATIONS) {
    if (annotations[key] !== undefined) {
      warn(`metadata.annotations[${key}]: ${text}`);
    }
  }
}

function volumeWarnings(volume: Volume, path: string, warn: Warn): void {
  const { name: _name, ...sources } = volume;
  for (const source of Object.keys(sources)) {
    if (source === 'ephemeral') {
      const claim = volume.ephemeral?.volumeClaimTemplate?.spec;
      const found =
        claim === undefined ? [] : claimWarnings(claim, `${path}.ephemeral.volumeClaimTemplate.spec`);
      found.forEach(warn);
    } else if (Object.hasOwn(VOLUME_DEPRECATIONS, source)) {
      const name = source === 'storageos' ? 'storageOS' : source;
      warn(`${path}.${name}: ${VOLUME_DEPRECATIONS[source as keyof typeof VOLUME_DEPRECATIONS]}`);
    }
  }
}

/** Two files of a projected volume at one path: one hides the other. */
function tokenPathWarnings(volumes: readonly Volume[], warn: Warn): void {
  const tokens = new Set<string>();
  for (const { projected } of volumes) {
    for (const { serviceAccountToken: token } of projected?.sources ?? []) {
      if (token !== undefined) {
        tokens.add(token.path);
      }
    }
  }
  if (tokens.size === 0) {
    return;
  }
  for (const [index, { projected }] of volumes.entries()) {
    for (const source of projected?.sources ?? []) {
      tokenSourceWarnings(source, `spec.volumes[${index}].projected.sources`, tokens, warn);
    }
  }
}

function tokenSourceWarnings(
  { configMap, secret, downwardAPI, clusterTrustBundle }: VolumeProjection,
  at: string,
  tokens: ReadonlySet<string>,
  warn: Warn,
): void {
  const check = (path: string, place: string): void => {
    if (tokens.has(path)) {
      warn(`${at}.${place}: has duplicated path with ServiceAccountToken ${JSON.stringify(path)}`);
    }
  };
  configMap?.items?.forEach(({ path }, index) => check(path, `configMap[${index}]`));
  secret?.items?.forEach(({ path }, index) => check(path, `secrets[${index}]`));
  downwardAPI?.items?.forEach(({ path }, index) => check(path, `downwardAPI[${index}]`));
  if (clusterTrustBundle !== undefined) {
    check(clusterTrustBundle.path, 'ClusterTrustBundle');
  }
}

function listWarnings({ hostAliases, imagePullSecrets, overhead }: PodSpec, warn: Warn): void {
  repeated((hostAliases ?? []).map(({ ip }) => ip)).forEach(([index, ip]) =>
    warn(`spec.hostAliases[${index}].ip: duplicate ip ${JSON.stringify(ip)}`),
  );
  const secrets = (imagePullSecrets ?? []).map(({ name }) => name ?? '');
  repeated(secrets).forEach(([index, name]) =>
    warn(`spec.imagePullSecrets[${index}].name: duplicate name ${JSON.stringify(name)}`),
  );
  for (const [index, name] of secrets.entries()) {
    if (name === '') {
      warn(`spec.imagePullSecrets[${index}].name: invalid empty name ""`);
    }
  }
  fractionWarnings(overhead, 'spec.overhead', warn);
}

function repeated(values: readonly string[]): readonly (readonly [index: number, value: string])[] {
  if (values.length < 2) {
    return [];
  }
  return [...values.entries()].filter(([index, value]) => values.indexOf(value) < index);
}

type AnyContainer = Pick<Container, 'name' | 'securityContext' | 'resources' | 'env' | 'ports'>;

const CONTAINER_LISTS = ['initContainers', 'containers', 'ephemeralContainers'] as const;

function eachContainer(spec: PodSpec, visit: (container: AnyContainer, path: string) => void): void {
  for (const list of CONTAINER_LISTS) {
    for (const [index, container] of (spec[list] ?? []).entries()) {
      visit(container, `spec.${list}[${index}]`);
    }
  }
}

interface PodContext {
  readonly spec: PodSpec;
  readonly annotations: Readonly<Record<string, string>> | undefined;
  readonly isPod: boolean;
}

function containerAnnotationWarnings(
  { name, securityContext }: AnyContainer,
  { spec, annotations, isPod }: PodContext,
  warn: Warn,
): void {
  if (annotations === undefined) {
    return;
  }
  const seccomp = `${SECCOMP_OF_CONTAINER}${name}`;
  if (securityContext?.seccompProfile === undefined && annotations[seccomp] !== undefined) {
    warn(`metadata.annotations[${seccomp}]: ${USE_SECCOMP}`);
  }
  const appArmor = `${APP_ARMOR_OF_CONTAINER}${name}`;
  const hasField =
    spec.securityContext?.appArmorProfile !== undefined || securityContext?.appArmorProfile !== undefined;
  if (!isPod && !hasField && annotations[appArmor] !== undefined) {
    warn(
      `metadata.annotations[${appArmor}]: deprecated since v1.30; use the "appArmorProfile" field instead`,
    );
  }
}

function fractionWarnings(list: ResourceList | undefined, path: string, warn: Warn): void {
  fractionWarning(list, 'memory', path, warn);
  fractionWarning(list, 'ephemeral-storage', path, warn);
}

const NANOS = 1_000_000_000n;

function fractionWarning(list: ResourceList | undefined, name: string, path: string, warn: Warn): void {
  const amount = list?.[name];
  // Nearly all amounts can be seen to be whole.
  if (amount !== undefined && /[.mune]/.test(amount) && parseQuantity(amount).nanos % NANOS !== 0n) {
    warn(`${path}[${name}]: fractional byte value ${JSON.stringify(amount)} is invalid, must be an integer`);
  }
}

function envWarnings(env: readonly EnvVar[], path: string, warn: Warn): void {
  if (env.length < 2) {
    return;
  }
  const names = new Set<string>();
  for (const [index, { name, value = '', valueFrom }] of env.entries()) {
    const reference = `$(${name})`;
    const builds = valueFrom === undefined && value !== reference && value.includes(reference);
    if (names.has(name) && !builds) {
      warn(
        `${path}.env[${index}]: hides previous definition of ${JSON.stringify(name)}, which may be dropped when using apply`,
      );
    }
    names.add(name);
  }
}

interface PlacedPort {
  readonly port: ContainerPort;
  readonly at: string;
}

function portWarnings(spec: PodSpec, path: string, warn: Warn): void {
  const [only, ...others] = spec.containers;
  const isPlain = others.length === 0 && (only?.ports ?? []).length < 2 && spec.initContainers === undefined;
  if (isPlain && only?.ports?.[0]?.hostIP === undefined && spec.ephemeralContainers === undefined) {
    return;
  }
  const placed = new Map<string, PlacedPort[]>();
  eachContainer(spec, ({ ports }, container) => {
    for (const [index, port] of (ports ?? []).entries()) {
      const at = `${container}.ports[${index}]`;
      const { containerPort, protocol = 'TCP', hostIP = '', hostPort = 0, name = '' } = port;
      if (hostIP !== '' && hostPort === 0) {
        warn(
          `${at}: hostIP set without hostPort: {Name:${name} HostPort:0 ContainerPort:${containerPort} Protocol:${protocol} HostIP:${hostIP}}`,
        );
      }
      const key = `${containerPort}/${protocol}`;
      const others = placed.get(key) ?? [];
      for (const other of others) {
        const conflict = portConflict(port, other.port);
        if (conflict !== undefined) {
          warn(`${at}: ${conflict} port definition with ${path}${other.at}`);
        }
      }
      placed.set(key, [...others, { port, at }]);
    }
  });
}

function portConflict(left: ContainerPort, right: ContainerPort): string | undefined {
  const [ip, otherIp] = [left.hostIP ?? '', right.hostIP ?? ''];
  const [port, otherPort] = [left.hostPort ?? 0, right.hostPort ?? 0];
  if (ip === otherIp && port === otherPort) {
    return 'duplicate';
  }
  if (port === 0 || otherPort === 0) {
    return 'overlapping';
  }
  return port === otherPort && (ip === '') !== (otherIp === '') ? 'dangerously ambiguous' : undefined;
}

function affinityWarnings({ affinity }: PodSpec, warn: Warn): void {
  for (const name of ['podAffinity', 'podAntiAffinity'] as const) {
    const terms = affinity?.[name];
    const at = `spec.affinity.${name}`;
    for (const [index, term] of (terms?.requiredDuringSchedulingIgnoredDuringExecution ?? []).entries()) {
      if (term.labelSelector === undefined) {
        warn(`${at}.requiredDuringSchedulingIgnoredDuringExecution[${index}].labelSelector: ${NO_SELECTOR}`);
      }
    }
    const preferred = terms?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
    for (const [index, { podAffinityTerm }] of preferred.entries()) {
      if (podAffinityTerm.labelSelector === undefined) {
        warn(
          `${at}.preferredDuringSchedulingIgnoredDuringExecution[${index}].podAffinityTerm.labelSelector: ${NO_SELECTOR}`,
        );
      }
    }
  }
}
