import type { NewObject } from '#api/object.ts';
import type { Service } from '#api/types/core.v1.ts';
import type { Client } from '#client/client.ts';
import { isAlreadyExists } from '#api/status-error.ts';
import { ENDPOINTS, ENDPOINT_SLICE, NAMESPACE, PRIORITY_CLASS, SERVICE } from '#api/types/resources.ts';

/** Namespaces that every cluster has. */
export const SYSTEM_NAMESPACES = ['default', 'kube-system', 'kube-public', 'kube-node-lease'] as const;

/** Priorities that components of the cluster itself run at. */
const SYSTEM_PRIORITIES = [
  {
    name: 'system-node-critical',
    value: 2_000_001_000,
    description: 'Used for system critical pods that must not be moved from their current node.',
  },
  {
    name: 'system-cluster-critical',
    value: 2_000_000_000,
    description:
      'Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.',
  },
];

export interface KubernetesServiceOptions {
  /** The first address of the service range. */
  readonly clusterIp: string;
  /** Where the API server really listens. */
  readonly endpoint: { readonly ip: string; readonly port: number };
}

/** Creates what every cluster starts with; what is there already stays as it is. */
export async function createBootstrapObjects(client: Client): Promise<void> {
  await Promise.all(
    SYSTEM_NAMESPACES.map((name) => unlessThere(client.of(NAMESPACE).create({ metadata: { name } }))),
  );
  await Promise.all(
    SYSTEM_PRIORITIES.map(({ name, value, description }) =>
      unlessThere(
        client.of(PRIORITY_CLASS).create({ metadata: { name }, value, description, globalDefault: false }),
      ),
    ),
  );
}

/** Keeps `default/kubernetes` leading to this API server: a Service without a selector and its endpoints. */
export async function reconcileKubernetesService(
  client: Client,
  { clusterIp, endpoint }: KubernetesServiceOptions,
): Promise<void> {
  const labels = { component: 'apiserver', provider: 'kubernetes' };
  const metadata = { name: 'kubernetes', namespace: 'default' };
  await createService(client, {
    metadata: { ...metadata, labels },
    spec: {
      type: 'ClusterIP',
      clusterIP: clusterIp,
      sessionAffinity: 'None',
      ports: [{ name: 'https', port: 443, protocol: 'TCP', targetPort: endpoint.port }],
    },
  });
  const endpoints = {
    metadata: { ...metadata, labels: { 'endpointslice.kubernetes.io/skip-mirror': 'true' } },
  };
  const subsets = [
    {
      addresses: [{ ip: endpoint.ip }],
      ports: [{ name: 'https', port: endpoint.port, protocol: 'TCP' as const }],
    },
  ];
  await client
    .of(ENDPOINTS)
    .patch(
      'default',
      'kubernetes',
      { apiVersion: 'v1', kind: 'Endpoints', ...endpoints, subsets },
      { type: 'apply', force: true },
    );
  await client.of(ENDPOINT_SLICE).patch(
    'default',
    'kubernetes',
    {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { ...metadata, labels: { 'kubernetes.io/service-name': 'kubernetes' } },
      addressType: endpoint.ip.includes(':') ? 'IPv6' : 'IPv4',
      endpoints: [{ addresses: [endpoint.ip], conditions: { ready: true } }],
      ports: [{ name: 'https', port: endpoint.port, protocol: 'TCP' }],
    },
    { type: 'apply', force: true },
  );
}

/** The Service behind which cluster DNS answers; pods find it by its fixed address. */
export async function reconcileDnsService(client: Client, clusterIp: string): Promise<void> {
  await createService(client, {
    metadata: {
      name: 'kube-dns',
      namespace: 'kube-system',
      labels: {
        'k8s-app': 'kube-dns',
        'kubernetes.io/cluster-service': 'true',
        'kubernetes.io/name': 'CoreDNS',
      },
    },
    spec: {
      clusterIP: clusterIp,
      ports: [
        { name: 'dns', port: 53, protocol: 'UDP', targetPort: 53 },
        { name: 'dns-tcp', port: 53, protocol: 'TCP', targetPort: 53 },
      ],
    },
  });
}

/** A Service with a fixed address has to be looked for first: its own address would be refused as taken. */
async function createService(
  client: Client,
  service: NewObject<Service> & { metadata: { namespace: string; name: string } },
): Promise<void> {
  const { namespace, name } = service.metadata;
  const { items } = await client.of(SERVICE).list(namespace, { fieldSelector: `metadata.name=${name}` });
  if (items.length === 0) {
    await unlessThere(client.of(SERVICE).create(service));
  }
}

async function unlessThere(creation: Promise<unknown>): Promise<void> {
  try {
    await creation;
  } catch (error) {
    if (!isAlreadyExists(error)) {
      throw error;
    }
  }
}
