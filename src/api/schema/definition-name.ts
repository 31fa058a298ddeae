/** Where OpenAPI places the types of tables that are not plain API groups. */
const PACKAGES: Readonly<Record<string, string>> = {
  meta: 'io.k8s.apimachinery.pkg.apis.meta',
  version: 'io.k8s.apimachinery.pkg.version',
  apiextensions: 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions',
  apiregistration: 'io.k8s.kube-aggregator.pkg.apis.apiregistration',
  metrics: 'io.k8s.metrics.pkg.apis.metrics',
};

/** `core.v1.Pod` → `io.k8s.api.core.v1.Pod`. */
export function definitionName(name: string): string {
  const dot = name.indexOf('.');
  const group = name.slice(0, dot);
  return `${PACKAGES[group] ?? `io.k8s.api.${group}`}${name.slice(dot)}`;
}
