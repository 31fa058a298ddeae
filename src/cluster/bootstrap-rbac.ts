import {
  bootstrapPolicy,
  reconciledRules,
  reconciledSubjects,
} from '#apiserver/authz/bootstrap/bootstrap-policy.ts';
import type { ApiObject, NewObject } from '#api/object.ts';
import type { ResourceType } from '#api/resource-type.ts';
import { CLUSTER_ROLE, CLUSTER_ROLE_BINDING, ROLE, ROLE_BINDING } from '#api/types/resources.ts';
import type { Client } from '#client/client.ts';

const RBAC_GROUP = 'rbac.authorization.k8s.io';
const DNS_NAME = 'system:coredns';

/** What cluster DNS may read, as kubeadm grants it with the add-on. */
const DNS_ROLE = {
  metadata: { name: DNS_NAME },
  rules: [
    { apiGroups: [''], resources: ['endpoints', 'services', 'pods', 'namespaces'], verbs: ['list', 'watch'] },
    { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: ['list', 'watch'] },
  ],
};
const DNS_BINDING = {
  metadata: { name: DNS_NAME },
  roleRef: { apiGroup: RBAC_GROUP, kind: 'ClusterRole', name: DNS_NAME },
  subjects: [{ kind: 'ServiceAccount', name: 'coredns', namespace: 'kube-system' }],
};

const SIM_NAME = 'system:sim-nodes';

/** What the one agent of all simulated nodes does for each of them. */
const SIM_ROLE = {
  metadata: { name: SIM_NAME },
  rules: [
    {
      apiGroups: [''],
      resources: ['nodes'],
      verbs: ['create', 'get', 'list', 'watch', 'update', 'patch', 'delete'],
    },
    { apiGroups: [''], resources: ['nodes/status', 'pods/status'], verbs: ['update', 'patch'] },
    { apiGroups: [''], resources: ['pods'], verbs: ['get', 'list', 'watch', 'patch', 'delete'] },
    { apiGroups: [''], resources: ['events'], verbs: ['create', 'update', 'patch'] },
    {
      apiGroups: ['coordination.k8s.io'],
      resources: ['leases'],
      verbs: ['create', 'get', 'update', 'patch'],
    },
  ],
};
const SIM_BINDING = {
  metadata: { name: SIM_NAME },
  roleRef: { apiGroup: RBAC_GROUP, kind: 'ClusterRole', name: SIM_NAME },
  subjects: [{ apiGroup: RBAC_GROUP, kind: 'User', name: SIM_NAME }],
};

/**
 * Creates the default roles and bindings, and adds to those that are there what a newer version needs.
 * Rules that an administrator added stay; roles marked as not to be kept up to date are left alone.
 */
export async function reconcileRbac(client: Client): Promise<void> {
  const policy = bootstrapPolicy();
  await Promise.all([
    reconcile(client, CLUSTER_ROLE, [...policy.clusterRoles, DNS_ROLE, SIM_ROLE], (stored, wanted) =>
      withChange(stored, 'rules', reconciledRules(stored, wanted)),
    ),
    reconcile(client, ROLE, policy.roles, (stored, wanted) =>
      withChange(stored, 'rules', reconciledRules(stored, wanted)),
    ),
  ]);
  await Promise.all([
    reconcile(
      client,
      CLUSTER_ROLE_BINDING,
      [...policy.clusterRoleBindings, DNS_BINDING, SIM_BINDING],
      (stored, wanted) => withChange(stored, 'subjects', reconciledSubjects(stored, wanted)),
    ),
    reconcile(client, ROLE_BINDING, policy.roleBindings, (stored, wanted) =>
      withChange(stored, 'subjects', reconciledSubjects(stored, wanted)),
    ),
  ]);
}

async function reconcile<
  T extends ApiObject,
  W extends { readonly metadata: { readonly name: string; readonly namespace?: string } },
>(
  client: Client,
  resource: ResourceType<T>,
  wanted: readonly W[],
  mend: (stored: T, wanted: W) => T | undefined,
): Promise<void> {
  const objects = client.of(resource);
  const stored = new Map((await objects.list('')).items.map((object) => [keyOf(object), object]));
  await Promise.all(
    wanted.map(async (role) => {
      const present = stored.get(keyOf(role));
      if (present === undefined) {
        // Roles and bindings of the policy are complete but for what the server stamps.
        await objects.create(role as unknown as NewObject<T>);
        return;
      }
      const mended = mend(present, role);
      if (mended !== undefined) {
        await objects.update(mended);
      }
    }),
  );
}

function keyOf({
  metadata: { name, namespace = '' },
}: {
  readonly metadata: { readonly name: string; readonly namespace?: string };
}): string {
  return `${namespace}/${name}`;
}

function withChange<T>(stored: T, field: string, value: unknown): T | undefined {
  return value === undefined ? undefined : { ...stored, [field]: value };
}
