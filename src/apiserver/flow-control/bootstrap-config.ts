import type {
  FlowSchema,
  FlowSchemaSpec,
  NonResourcePolicyRule,
  PriorityLevelConfiguration,
  PriorityLevelConfigurationSpec,
  ResourcePolicyRule,
  Subject,
} from '#api/types/flowcontrol.v1.ts';
import {
  ALL_AUTHENTICATED,
  ALL_SERVICE_ACCOUNTS,
  ALL_UNAUTHENTICATED,
  NODES_GROUP,
  SYSTEM_MASTERS,
} from '../authn/user.ts';

/** `true` where the server may bring the spec up to date; an administrator sets it to `false`. */
export const AUTO_UPDATE = 'apf.kubernetes.io/autoupdate-spec';

export const EXEMPT = 'exempt';
export const CATCH_ALL = 'catch-all';

const API_VERSION = 'flowcontrol.apiserver.k8s.io/v1';
const CONTROLLER_MANAGER = 'system:kube-controller-manager';
const SCHEDULER = 'system:kube-scheduler';

const ALL: ResourcePolicyRule = {
  verbs: ['*'],
  apiGroups: ['*'],
  resources: ['*'],
  namespaces: ['*'],
  clusterScope: true,
};
const LEASES = { apiGroups: ['coordination.k8s.io'], resources: ['leases'], namespaces: ['*'] };
const ALL_PATHS: NonResourcePolicyRule = { verbs: ['*'], nonResourceURLs: ['*'] };
const EVERYTHING = { resourceRules: [ALL], nonResourceRules: [ALL_PATHS] };
const EVERYBODY = [group(ALL_UNAUTHENTICATED), group(ALL_AUTHENTICATED)];
const SYSTEM_ACCOUNTS: Subject = {
  kind: 'ServiceAccount',
  serviceAccount: { name: '*', namespace: 'kube-system' },
};

/** Without these two levels and schemas a request might find no place; they are imagined when they are not stored. */
export const MANDATORY_LEVELS: readonly PriorityLevelConfiguration[] = [
  level(CATCH_ALL, {
    type: 'Limited',
    limited: { nominalConcurrencyShares: 5, lendablePercent: 0, limitResponse: { type: 'Reject' } },
  }),
  level(EXEMPT, { type: 'Exempt', exempt: { nominalConcurrencyShares: 0, lendablePercent: 0 } }),
];

/** An administrator may change these, or delete them until the next look at them. */
export const SUGGESTED_LEVELS: readonly PriorityLevelConfiguration[] = [
  queued('system', { shares: 30, lendable: 33, queues: 64, hand: 6 }),
  queued('node-high', { shares: 40, lendable: 25, queues: 64, hand: 6 }),
  queued('leader-election', { shares: 10, lendable: 0, queues: 16, hand: 4 }),
  queued('workload-high', { shares: 40, lendable: 50, queues: 128, hand: 6 }),
  queued('workload-low', { shares: 100, lendable: 90, queues: 128, hand: 6 }),
  queued('global-default', { shares: 20, lendable: 50, queues: 128, hand: 6 }),
];

export const MANDATORY_SCHEMAS: readonly FlowSchema[] = [
  schema({ name: EXEMPT, level: EXEMPT, precedence: 1 }, [
    { subjects: [group(SYSTEM_MASTERS)], ...EVERYTHING },
  ]),
  schema({ name: CATCH_ALL, level: CATCH_ALL, precedence: 10_000, flows: 'ByUser' }, [
    { subjects: EVERYBODY, ...EVERYTHING },
  ]),
];

export const SUGGESTED_SCHEMAS: readonly FlowSchema[] = [
  schema({ name: 'system-nodes', level: 'system', precedence: 500, flows: 'ByUser' }, [
    { subjects: [group(NODES_GROUP)], ...EVERYTHING },
  ]),
  schema({ name: 'system-node-high', level: 'node-high', precedence: 400, flows: 'ByUser' }, [
    {
      subjects: [group(NODES_GROUP)],
      resourceRules: [
        { ...ALL, apiGroups: [''], resources: ['nodes', 'nodes/status'] },
        { ...LEASES, verbs: ['*'] },
      ],
    },
  ]),
  schema({ name: 'probes', level: EXEMPT, precedence: 2 }, [
    {
      subjects: EVERYBODY,
      nonResourceRules: [{ verbs: ['get'], nonResourceURLs: ['/healthz', '/readyz', '/livez'] }],
    },
  ]),
  schema({ name: 'system-leader-election', level: 'leader-election', precedence: 100, flows: 'ByUser' }, [
    {
      subjects: [user(CONTROLLER_MANAGER), user(SCHEDULER), SYSTEM_ACCOUNTS],
      resourceRules: [{ ...LEASES, verbs: ['get', 'create', 'update'] }],
    },
  ]),
  schema({ name: 'kube-controller-manager', level: 'workload-high', precedence: 800, flows: 'ByNamespace' }, [
    { subjects: [user(CONTROLLER_MANAGER)], ...EVERYTHING },
  ]),
  schema({ name: 'kube-scheduler', level: 'workload-high', precedence: 800, flows: 'ByNamespace' }, [
    { subjects: [user(SCHEDULER)], ...EVERYTHING },
  ]),
  schema(
    { name: 'kube-system-service-accounts', level: 'workload-high', precedence: 900, flows: 'ByNamespace' },
    [{ subjects: [SYSTEM_ACCOUNTS], ...EVERYTHING }],
  ),
  schema({ name: 'service-accounts', level: 'workload-low', precedence: 9000, flows: 'ByUser' }, [
    { subjects: [group(ALL_SERVICE_ACCOUNTS)], ...EVERYTHING },
  ]),
  schema({ name: 'global-default', level: 'global-default', precedence: 9900, flows: 'ByUser' }, [
    { subjects: EVERYBODY, ...EVERYTHING },
  ]),
];

function group(name: string): Subject {
  return { kind: 'Group', group: { name } };
}

function user(name: string): Subject {
  return { kind: 'User', user: { name } };
}

function metadataOf(name: string): FlowSchema['metadata'] {
  return {
    name,
    uid: '',
    resourceVersion: '',
    creationTimestamp: '',
    annotations: { [AUTO_UPDATE]: 'true' },
  };
}

function level(name: string, spec: PriorityLevelConfigurationSpec): PriorityLevelConfiguration {
  return {
    apiVersion: API_VERSION,
    kind: 'PriorityLevelConfiguration',
    metadata: metadataOf(name),
    spec,
    status: {},
  };
}

function queued(
  name: string,
  {
    shares,
    lendable,
    queues,
    hand,
  }: {
    readonly shares: number;
    readonly lendable: number;
    readonly queues: number;
    readonly hand: number;
  },
): PriorityLevelConfiguration {
  const queuing = { queues, handSize: hand, queueLengthLimit: 50 };
  return level(name, {
    type: 'Limited',
    limited: {
      nominalConcurrencyShares: shares,
      lendablePercent: lendable,
      limitResponse: { type: 'Queue', queuing },
    },
  });
}

function schema(
  wanted: {
    readonly name: string;
    readonly level: string;
    readonly precedence: number;
    readonly flows?: 'ByUser' | 'ByNamespace';
  },
  rules: FlowSchemaSpec['rules'] & {},
): FlowSchema {
  return {
    apiVersion: API_VERSION,
    kind: 'FlowSchema',
    metadata: metadataOf(wanted.name),
    spec: {
      priorityLevelConfiguration: { name: wanted.level },
      matchingPrecedence: wanted.precedence,
      ...(wanted.flows === undefined ? {} : { distinguisherMethod: { type: wanted.flows } }),
      rules,
    },
    status: {},
  };
}
