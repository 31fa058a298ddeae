import { objectKey, type ApiObject } from '#api/object.ts';
import type { ResourceType } from '#api/resource-type.ts';
import {
  CONFIG_MAP,
  CONTROLLER_REVISION,
  DAEMON_SET,
  DEPLOYMENT,
  ENDPOINTS,
  ENDPOINT_SLICE,
  JOB,
  NAMESPACE,
  POD,
  REPLICA_SET,
  SERVICE,
  SERVICE_ACCOUNT,
  STATEFUL_SET,
} from '#api/types/resources.ts';
import { isAvailable, isComplete, type TestCluster } from '#testing/testing.ts';

const NAMESPACED: readonly ResourceType<ApiObject>[] = [
  CONFIG_MAP,
  CONTROLLER_REVISION,
  DAEMON_SET,
  DEPLOYMENT,
  ENDPOINTS,
  ENDPOINT_SLICE,
  JOB,
  POD,
  REPLICA_SET,
  SERVICE,
  SERVICE_ACCOUNT,
  STATEFUL_SET,
];

/** What is not as it should be in a cluster that came to rest. */
export async function findProblems(cluster: TestCluster): Promise<readonly string[]> {
  return [
    ...(await unfinished(cluster)),
    ...(await orphans(cluster)),
    ...(await wrongEndpoints(cluster)),
    ...unorderedRevisions(cluster),
  ];
}

async function unfinished(cluster: TestCluster): Promise<readonly string[]> {
  const workloads: readonly ApiObject[] = [
    ...(await cluster.list(DEPLOYMENT)),
    ...(await cluster.list(REPLICA_SET)),
    ...(await cluster.list(STATEFUL_SET)),
    ...(await cluster.list(DAEMON_SET)),
  ];
  const going = (await Promise.all([NAMESPACE, ...NAMESPACED].map((resource) => cluster.list(resource))))
    .flat()
    .filter(({ metadata }) => metadata.deletionTimestamp !== undefined);
  return [
    ...workloads
      .filter((object) => !isAvailable(object))
      .map((object) => `not available: ${withStatus(object)}`),
    ...(await cluster.list(JOB))
      .filter((job) => !isComplete(job))
      .map((job) => `not complete: ${withStatus(job)}`),
    ...going.map((object) => `still going: ${withStatus(object)}`),
  ];
}

/** Objects whose namespace or whose every owner is gone, and pods of a workload that is not there. */
async function orphans(cluster: TestCluster): Promise<readonly string[]> {
  const objects = (await Promise.all(NAMESPACED.map((resource) => cluster.list(resource)))).flat();
  const uids = new Set(objects.map(({ metadata }) => metadata.uid));
  (await cluster.list('nodes')).forEach(({ metadata }) => uids.add(metadata.uid));
  const namespaces = new Set((await cluster.list(NAMESPACE)).map(({ metadata }) => metadata.name));
  return objects.flatMap((object) => {
    const { ownerReferences = [], namespace = '' } = object.metadata;
    const text = `${object.kind} ${objectKey(object)}`;
    return [
      ...(namespaces.has(namespace) ? [] : [`${text} is in a namespace that is gone`]),
      ...(ownerReferences.length > 0 && !ownerReferences.some(({ uid }) => uids.has(uid))
        ? [`${text} outlived its owner ${ownerReferences[0]?.kind} ${ownerReferences[0]?.name}`]
        : []),
    ];
  });
}

/** Services whose endpoints are not exactly the ready pods they select. */
async function wrongEndpoints(cluster: TestCluster): Promise<readonly string[]> {
  const pods = await cluster.list(POD);
  const slices = await cluster.list(ENDPOINT_SLICE);
  return (await cluster.list(SERVICE)).flatMap((service) => {
    const { namespace, name } = service.metadata;
    const { selector } = service.spec;
    if (selector === undefined) {
      return [];
    }
    const wanted = pods
      .filter((pod) => pod.metadata.namespace === namespace)
      .filter((pod) => Object.entries(selector).every(([key, value]) => pod.metadata.labels?.[key] === value))
      .filter((pod) =>
        pod.status.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True'),
      )
      .map((pod) => pod.status.podIP ?? '');
    const given = slices
      .filter(({ metadata }) => metadata.namespace === namespace)
      .filter(({ metadata }) => metadata.labels?.['kubernetes.io/service-name'] === name)
      .flatMap(({ endpoints }) => endpoints ?? [])
      .filter(({ conditions }) => conditions?.ready === true)
      .flatMap(({ addresses }) => addresses);
    const [left, right] = [wanted.toSorted().join(), given.toSorted().join()];
    return left === right
      ? []
      : [`Service ${namespace}/${name} leads to [${right}], its ready pods are [${left}]`];
  });
}

function unorderedRevisions(cluster: TestCluster): readonly string[] {
  let last = 0;
  return cluster.transcript().flatMap((line) => {
    const revision = Number.parseInt(line, 10);
    const isNext = last === 0 || revision === last + 1;
    const problem = isNext ? [] : [`revision ${revision} came after ${last}`];
    last = revision;
    return problem;
  });
}

function withStatus(object: ApiObject): string {
  const { spec, status } = object as ApiObject & {
    readonly spec?: { replicas?: number };
    readonly status?: unknown;
  };
  const { finalizers, deletionTimestamp } = object.metadata;
  return `${object.kind} ${objectKey(object)} ${JSON.stringify({ finalizers, deletionTimestamp, replicas: spec?.replicas, status })}`;
}
