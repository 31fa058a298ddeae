import type { ClusterRoleBinding, Role, RoleBinding, ClusterRole } from '#api/types/rbac.v1.ts';
import type {
  ConfigMap,
  Event,
  LimitRange,
  Namespace,
  Node,
  ResourceQuota,
  Secret,
  ServiceAccount,
  ComponentStatus,
} from '#api/types/core.v1.ts';
import type { Lease } from '#api/types/coordination.v1.ts';
import type { CertificateSigningRequest } from '#api/types/certificates.v1.ts';
import type { RuntimeClass } from '#api/types/node.v1.ts';
import type { PriorityClass } from '#api/types/scheduling.v1.ts';
import type { CustomResourceDefinition } from '#api/types/apiextensions.v1.ts';
import type { APIService } from '#api/types/apiregistration.v1.ts';
import type { FlowSchema, PriorityLevelConfiguration } from '#api/types/flowcontrol.v1.ts';
import type { TablePrinter } from '../table.ts';
import { AGE, ageText, NONE, orNone, printer, type ColumnOf } from './printer.ts';

export const NAMESPACE_PRINTER = printer<Namespace>([
  { name: 'Status', cell: ({ status }) => status.phase ?? '' },
  AGE,
]);

export const CONFIG_MAP_PRINTER = printer<ConfigMap>([
  {
    name: 'Data',
    type: 'integer',
    cell: ({ data, binaryData }) => Object.keys(data ?? {}).length + Object.keys(binaryData ?? {}).length,
  },
  AGE,
]);

export const SECRET_PRINTER = printer<Secret>([
  { name: 'Type', cell: ({ type }) => type ?? '' },
  { name: 'Data', type: 'integer', cell: ({ data }) => Object.keys(data ?? {}).length },
  AGE,
]);

export const SERVICE_ACCOUNT_PRINTER = printer<ServiceAccount>([
  { name: 'Secrets', type: 'integer', cell: ({ secrets }) => (secrets ?? []).length },
  AGE,
]);

const ROLE_LABEL_PREFIX = 'node-role.kubernetes.io/';

function nodeRoles({ metadata }: Node): string {
  const labels = metadata.labels ?? {};
  const prefixed = Object.keys(labels).flatMap((key) =>
    key.startsWith(ROLE_LABEL_PREFIX) ? [key.slice(ROLE_LABEL_PREFIX.length)] : [],
  );
  const plain = labels['kubernetes.io/role'];
  const roles = [...new Set([...prefixed, ...(plain === undefined ? [] : [plain])])]
    .filter((role) => role !== '')
    .toSorted();
  return roles.length === 0 ? NONE : roles.join(',');
}

function nodeStatus({ spec, status }: Node): string {
  const ready = (status.conditions ?? []).find(({ type }) => type === 'Ready');
  const text = ready === undefined ? 'Unknown' : ready.status === 'True' ? 'Ready' : 'NotReady';
  return spec.unschedulable === true ? `${text},SchedulingDisabled` : text;
}

function nodeAddress(wanted: string): ColumnOf<Node>['cell'] {
  return ({ status }) => orNone((status.addresses ?? []).find(({ type }) => type === wanted)?.address);
}

const UNKNOWN = '<unknown>';

export const NODE_PRINTER = printer<Node>([
  { name: 'Status', cell: nodeStatus },
  { name: 'Roles', cell: nodeRoles },
  AGE,
  { name: 'Version', cell: ({ status }) => status.nodeInfo.kubeletVersion },
  { name: 'Internal-IP', isWide: true, cell: nodeAddress('InternalIP') },
  { name: 'External-IP', isWide: true, cell: nodeAddress('ExternalIP') },
  { name: 'OS-Image', isWide: true, cell: ({ status }) => status.nodeInfo.osImage || UNKNOWN },
  { name: 'Kernel-Version', isWide: true, cell: ({ status }) => status.nodeInfo.kernelVersion || UNKNOWN },
  {
    name: 'Container-Runtime',
    isWide: true,
    cell: ({ status }) => status.nodeInfo.containerRuntimeVersion || UNKNOWN,
  },
]);

function subject({ involvedObject: { kind, name, fieldPath } }: Event): { object: string; part: string } {
  return { object: `${(kind ?? '').toLowerCase()}/${name ?? ''}`, part: fieldPath ?? '' };
}

function lastSeen(event: Event, nowMs: number): string {
  const last = event.series?.lastObservedTime ?? event.lastTimestamp ?? event.eventTime;
  return ageText(last ?? event.metadata.creationTimestamp, nowMs);
}

const EVENT_COLUMNS = printer<Event>([
  { name: 'Last Seen', cell: lastSeen },
  { name: 'Type', cell: ({ type }) => type ?? '' },
  { name: 'Reason', cell: ({ reason }) => reason ?? '' },
  { name: 'Object', cell: (event) => subject(event).object },
  { name: 'Subobject', isWide: true, cell: (event) => subject(event).part },
  {
    name: 'Source',
    isWide: true,
    cell: ({ source, reportingComponent }) =>
      [source.component ?? reportingComponent ?? '', source.host ?? '']
        .filter((part) => part !== '')
        .join(', '),
  },
  { name: 'Message', cell: ({ message }) => (message ?? '').trim() },
  {
    name: 'First Seen',
    isWide: true,
    cell: ({ firstTimestamp, eventTime, metadata }, nowMs) =>
      ageText(firstTimestamp ?? eventTime ?? metadata.creationTimestamp, nowMs),
  },
  { name: 'Count', type: 'integer', isWide: true, cell: ({ count, series }) => series?.count ?? count ?? 1 },
  { name: 'Name', isWide: true, cell: ({ metadata }) => metadata.name },
]);

/** Events are read by when they happened; their generated names come last and only when asked for. */
export const EVENT_PRINTER: TablePrinter = {
  columns: EVENT_COLUMNS.columns.slice(1),
  cells: (object, nowMs) => EVENT_COLUMNS.cells(object, nowMs).slice(1),
};

export const RESOURCE_QUOTA_PRINTER = printer<ResourceQuota>([
  {
    name: 'Request',
    cell: ({ spec, status }) =>
      Object.keys(spec.hard ?? {})
        .filter((name) => !name.startsWith('limits.'))
        .toSorted()
        .map(
          (name) =>
            `${name}: ${status.used?.[name] ?? '0'}/${status.hard?.[name] ?? spec.hard?.[name] ?? ''}`,
        )
        .join(', '),
  },
  {
    name: 'Limit',
    cell: ({ spec, status }) =>
      Object.keys(spec.hard ?? {})
        .filter((name) => name.startsWith('limits.'))
        .toSorted()
        .map(
          (name) =>
            `${name}: ${status.used?.[name] ?? '0'}/${status.hard?.[name] ?? spec.hard?.[name] ?? ''}`,
        )
        .join(', '),
  },
  AGE,
]);

export const LIMIT_RANGE_PRINTER = printer<LimitRange>([
  { name: 'Created At', cell: ({ metadata }) => metadata.creationTimestamp },
]);

export const COMPONENT_STATUS_PRINTER = printer<ComponentStatus>([
  {
    name: 'Status',
    cell: ({ conditions }) => (conditions?.[0]?.status === 'True' ? 'Healthy' : 'Unhealthy'),
  },
  { name: 'Message', cell: ({ conditions }) => conditions?.[0]?.message ?? '' },
  { name: 'Error', cell: ({ conditions }) => conditions?.[0]?.error ?? '' },
]);

const CREATED_AT = {
  name: 'Created At',
  cell: ({ metadata }: { metadata: { creationTimestamp: string } }) => metadata.creationTimestamp,
};

export const ROLE_PRINTER = printer<Role>([CREATED_AT]);
export const CLUSTER_ROLE_PRINTER = printer<ClusterRole>([CREATED_AT]);

type AnyBinding = RoleBinding | ClusterRoleBinding;

function subjectsOf(kind: string): (binding: AnyBinding) => string {
  return ({ subjects }) =>
    (subjects ?? [])
      .filter((one) => one.kind === kind)
      .map(({ name, namespace = '' }) => (kind === 'ServiceAccount' ? `${namespace}/${name}` : name))
      .join(', ');
}

const BINDING_COLUMNS: readonly ColumnOf<AnyBinding>[] = [
  { name: 'Role', cell: ({ roleRef }) => `${roleRef.kind}/${roleRef.name}` },
  AGE,
  { name: 'Users', isWide: true, cell: subjectsOf('User') },
  { name: 'Groups', isWide: true, cell: subjectsOf('Group') },
  { name: 'ServiceAccounts', isWide: true, cell: subjectsOf('ServiceAccount') },
];

export const ROLE_BINDING_PRINTER = printer<AnyBinding>(BINDING_COLUMNS);

export const LEASE_PRINTER = printer<Lease>([
  { name: 'Holder', cell: ({ spec }) => spec.holderIdentity ?? '' },
  AGE,
]);

export const PRIORITY_CLASS_PRINTER = printer<PriorityClass>([
  { name: 'Value', type: 'integer', cell: ({ value }) => value },
  { name: 'Global-Default', type: 'boolean', cell: ({ globalDefault }) => globalDefault ?? false },
  AGE,
  { name: 'PreemptionPolicy', cell: ({ preemptionPolicy }) => preemptionPolicy ?? '' },
]);

export const RUNTIME_CLASS_PRINTER = printer<RuntimeClass>([
  { name: 'Handler', cell: ({ handler }) => handler },
  AGE,
]);

function requestCondition({ status }: CertificateSigningRequest): string {
  const types = new Set((status.conditions ?? []).map(({ type }) => type));
  const verdict = types.has('Denied') ? 'Denied' : types.has('Approved') ? 'Approved' : 'Pending';
  const parts = [
    verdict,
    ...(types.has('Failed') ? ['Failed'] : []),
    ...(status.certificate === undefined ? [] : ['Issued']),
  ];
  return parts.join(',');
}

export const SIGNING_REQUEST_PRINTER = printer<CertificateSigningRequest>([
  AGE,
  { name: 'SignerName', cell: ({ spec }) => spec.signerName },
  { name: 'Requestor', cell: ({ spec }) => spec.username ?? '' },
  {
    name: 'RequestedDuration',
    cell: ({ spec }) => (spec.expirationSeconds === undefined ? NONE : `${spec.expirationSeconds}s`),
  },
  { name: 'Condition', cell: requestCondition },
]);

export const CRD_PRINTER = printer<CustomResourceDefinition>([CREATED_AT]);

export const API_SERVICE_PRINTER = printer<APIService>([
  {
    name: 'Service',
    cell: ({ spec: { service } }) =>
      service === undefined ? 'Local' : `${service.namespace}/${service.name}`,
  },
  {
    name: 'Available',
    cell: ({ status }) => {
      const available = (status.conditions ?? []).find(({ type }) => type === 'Available');
      return available === undefined || available.status === 'True'
        ? (available?.status ?? '')
        : `${available.status} (${available.reason ?? ''})`;
    },
  },
  AGE,
]);

export const FLOW_SCHEMA_PRINTER = printer<FlowSchema>([
  { name: 'PriorityLevel', cell: ({ spec }) => spec.priorityLevelConfiguration.name },
  { name: 'MatchingPrecedence', type: 'integer', cell: ({ spec }) => spec.matchingPrecedence },
  { name: 'DistinguisherMethod', cell: ({ spec }) => spec.distinguisherMethod?.type ?? NONE },
  AGE,
  {
    name: 'MissingPL',
    cell: ({ status }) => (status.conditions ?? []).find(({ type }) => type === 'Dangling')?.status ?? '?',
  },
]);

export const PRIORITY_LEVEL_PRINTER = printer<PriorityLevelConfiguration>([
  { name: 'Type', cell: ({ spec }) => spec.type },
  {
    name: 'NominalConcurrencyShares',
    type: 'integer',
    cell: ({ spec }) => spec.limited?.nominalConcurrencyShares ?? NONE,
  },
  {
    name: 'Queues',
    type: 'integer',
    cell: ({ spec }) => spec.limited?.limitResponse.queuing?.queues ?? NONE,
  },
  {
    name: 'HandSize',
    type: 'integer',
    cell: ({ spec }) => spec.limited?.limitResponse.queuing?.handSize ?? NONE,
  },
  {
    name: 'QueueLengthLimit',
    type: 'integer',
    cell: ({ spec }) => spec.limited?.limitResponse.queuing?.queueLengthLimit ?? NONE,
  },
  AGE,
]);
