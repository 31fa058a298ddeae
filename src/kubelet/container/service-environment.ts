import type { Service } from '#api/types/core.v1.ts';

/** The Docker-links style variables of services, as every container of a namespace gets them. */
export function serviceEnvironment(
  services: readonly Service[],
  namespace: string,
  areLinksEnabled: boolean,
): ReadonlyMap<string, string> {
  const variables = new Map<string, string>();
  for (const service of services) {
    const { name, namespace: home } = service.metadata;
    const isMaster = home === 'default' && name === 'kubernetes';
    const { clusterIP = '', ports = [] } = service.spec;
    const isVisible = isMaster || (areLinksEnabled && home === namespace);
    if (!isVisible || clusterIP === '' || clusterIP === 'None' || ports.length === 0) {
      continue;
    }
    for (const [key, value] of variablesOf(service, clusterIP)) {
      // A service of the pod's own namespace goes before the one of the same name in `default`.
      if (!variables.has(key) || home === namespace) {
        variables.set(key, value);
      }
    }
  }
  return variables;
}

function variablesOf(service: Service, clusterIp: string): readonly (readonly [string, string])[] {
  const prefix = variableName(service.metadata.name);
  const ports = service.spec.ports ?? [];
  const host = clusterIp.includes(':') ? `[${clusterIp}]` : clusterIp;
  const first = ports[0];
  const variables: (readonly [string, string])[] = [
    [`${prefix}_SERVICE_HOST`, clusterIp],
    [`${prefix}_SERVICE_PORT`, String(first?.port ?? '')],
  ];
  for (const { name = '', port } of ports) {
    if (name !== '') {
      variables.push([`${prefix}_SERVICE_PORT_${variableName(name)}`, String(port)]);
    }
  }
  for (const [index, { port, protocol = 'TCP' }] of ports.entries()) {
    const scheme = protocol.toLowerCase();
    const url = `${scheme}://${host}:${port}`;
    const portPrefix = `${prefix}_PORT_${port}_${protocol.toUpperCase()}`;
    if (index === 0) {
      variables.push([`${prefix}_PORT`, url]);
    }
    variables.push(
      [portPrefix, url],
      [`${portPrefix}_PROTO`, scheme],
      [`${portPrefix}_PORT`, String(port)],
      [`${portPrefix}_ADDR`, clusterIp],
    );
  }
  return variables;
}

function variableName(name: string): string {
  return name.replaceAll('-', '_').toUpperCase();
}
