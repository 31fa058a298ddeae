import type { Random } from '#base/random.ts';

export const WORKLOAD_KINDS = [
  'Deployment',
  'ReplicaSet',
  'StatefulSet',
  'DaemonSet',
  'Job',
  'Service',
] as const;

export type WorkloadKind = (typeof WORKLOAD_KINDS)[number];

const REPLICAS_BOUND = 5;
const IMAGES = 3;

/** A manifest of random size; applied again it scales and updates. */
export function workload(
  kind: WorkloadKind,
  { namespace, name }: { readonly namespace: string; readonly name: string },
  random: Random,
): object {
  const app = `${kind.toLowerCase()}-${name}`;
  const metadata = { namespace, name };
  const replicas = random.int(REPLICAS_BOUND);
  const template = {
    metadata: { labels: { app } },
    spec: { containers: [{ name: 'main', image: `app:${random.int(IMAGES)}` }] },
  };
  const selector = { matchLabels: { app } };
  switch (kind) {
    case 'Deployment':
    case 'ReplicaSet':
      return { apiVersion: 'apps/v1', kind, metadata, spec: { replicas, selector, template } };
    case 'StatefulSet':
      return {
        apiVersion: 'apps/v1',
        kind,
        metadata,
        spec: { replicas, serviceName: name, selector, template },
      };
    case 'DaemonSet':
      return { apiVersion: 'apps/v1', kind, metadata, spec: { selector, template } };
    case 'Job':
      return {
        apiVersion: 'batch/v1',
        kind,
        metadata,
        spec: {
          completions: 1 + random.int(3),
          parallelism: 2,
          backoffLimit: 50,
          // What a Job's pods are may not change, so every one of a name is the same.
          template: {
            metadata: { labels: { app } },
            spec: { restartPolicy: 'Never', containers: [{ name: 'main', image: 'job:1' }] },
          },
        },
      };
    case 'Service':
      return {
        apiVersion: 'v1',
        kind,
        metadata,
        spec: { selector: { app: `deployment-${name}` }, ports: [{ port: 80 }] },
      };
    default:
      return kind satisfies never;
  }
}
