import type { Container, Pod, ServiceAccount } from '#api/types/core.v1.ts';

/** The first secret a pod refers to that its account does not list; accounts can be told to be this strict. */
export function secretViolation({ spec }: Pod, account: ServiceAccount): string | undefined {
  const mountable = new Set((account.secrets ?? []).map(({ name }) => name));
  const pullable = new Set((account.imagePullSecrets ?? []).map(({ name }) => name));
  const isRefused = `is not allowed because service account ${account.metadata.name} does not reference that`;
  for (const { secret } of spec.volumes ?? []) {
    if (secret !== undefined && !mountable.has(secret.secretName)) {
      return `volume with secret.secretName=${JSON.stringify(secret.secretName)} ${isRefused} secret`;
    }
  }
  const containers: readonly (readonly [string, Container])[] = [
    ...(spec.initContainers ?? []).map((container) => ['init container', container] as const),
    ...(spec.containers ?? []).map((container) => ['container', container] as const),
  ];
  for (const [what, { name, env = [], envFrom = [] }] of containers) {
    for (const { secretRef } of envFrom) {
      if (secretRef !== undefined && !mountable.has(secretRef.name)) {
        return `${what} ${name} with envFrom referencing secret.secretName=${JSON.stringify(secretRef.name)} ${isRefused} secret`;
      }
    }
    for (const variable of env) {
      const secret = variable.valueFrom?.secretKeyRef?.name;
      if (secret !== undefined && !mountable.has(secret)) {
        return `${what} ${name} with envVar ${variable.name} referencing secret.secretName=${JSON.stringify(secret)} ${isRefused} secret`;
      }
    }
  }
  for (const [index, { name }] of (spec.imagePullSecrets ?? []).entries()) {
    if (!pullable.has(name)) {
      return `imagePullSecrets[${index}].name=${JSON.stringify(name)} ${isRefused} imagePullSecret`;
    }
  }
  return undefined;
}
