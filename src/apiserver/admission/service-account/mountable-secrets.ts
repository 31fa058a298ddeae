import type { Container, Pod, ServiceAccount } from '#api/types/core.v1.ts';

/** The first secret a pod refers to that its account does not list; accounts can be told to be this strict. */
export function secretViolation({ spec }: Pod, account: ServiceAccount): string | undefined {
  const mountable = new Set((account.secrets ?? []).map(({ name }) => name));
  const pullable = new Set((account.imagePullSecrets ?? []).map(({ name }) => name));
  const isRefused = refusalBy(account);
  for (const { secret } of spec.volumes ?? []) {
    if (secret !== undefined && !mountable.has(secret.secretName)) {
      return `volume with secret.secretName=${JSON.stringify(secret.secretName)} ${isRefused} secret`;
    }
  }
  const containers: readonly NamedContainer[] = [
    ...(spec.initContainers ?? []).map((container) => ['init container', container] as const),
    ...(spec.containers ?? []).map((container) => ['container', container] as const),
  ];
  const used = containerViolation(containers, mountable, account);
  if (used !== undefined) {
    return used;
  }
  for (const [index, { name }] of (spec.imagePullSecrets ?? []).entries()) {
    if (!pullable.has(name)) {
      return `imagePullSecrets[${index}].name=${JSON.stringify(name)} ${isRefused} imagePullSecret`;
    }
  }
  return undefined;
}

/** The same for the containers that are added to a running pod. */
export function ephemeralSecretViolation({ spec }: Pod, account: ServiceAccount): string | undefined {
  const mountable = new Set((account.secrets ?? []).map(({ name }) => name));
  const containers = (spec.ephemeralContainers ?? []).map(
    (container) => ['ephemeral container', container] as const,
  );
  return containerViolation(containers, mountable, account);
}

type NamedContainer = readonly [what: string, container: Pick<Container, 'name' | 'env' | 'envFrom'>];

function containerViolation(
  containers: readonly NamedContainer[],
  mountable: ReadonlySet<string | undefined>,
  account: ServiceAccount,
): string | undefined {
  const isRefused = refusalBy(account);
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
  return undefined;
}

function refusalBy({ metadata }: ServiceAccount): string {
  return `is not allowed because service account ${metadata.name} does not reference that`;
}
