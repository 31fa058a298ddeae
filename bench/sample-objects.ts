/** A ConfigMap of about 1.5 KiB; `{n}` numbers it. */
export function sampleConfigMap(name: string): object {
  const data = Object.fromEntries(
    Array.from({ length: 12 }, (_, index) => [`setting-${index}`, `${index}`.padEnd(96, 'abcdefgh')]),
  );
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, labels: { app: 'bench' } }, data };
}

/** A pod as a ReplicaSet would write it. Every tenth is of team `red`, when numbered by its last digit. */
export function samplePod(
  name: string,
  labels: Readonly<Record<string, string>> = {},
  spec: object = {},
): object {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, labels: { app: 'bench', ...labels } },
    spec: {
      containers: [
        {
          name: 'main',
          image: 'registry.example/app:1.0',
          ports: [{ containerPort: 8080 }],
          env: [{ name: 'MODE', value: 'bench' }],
          resources: { requests: { cpu: '100m', memory: '200Mi' } },
        },
      ],
      ...spec,
    },
  };
}

/** A Deployment of pods like {@link samplePod}'s. */
export function sampleDeployment(name: string, replicas: number): object {
  const { metadata, spec } = samplePod(name) as { readonly metadata: object; readonly spec: object };
  const labels = { app: 'bench' };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { ...metadata, labels },
    spec: { replicas, selector: { matchLabels: labels }, template: { metadata: { labels }, spec } },
  };
}
