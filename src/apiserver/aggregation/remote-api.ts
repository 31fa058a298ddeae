import type { APIService } from '#api/types/apiregistration.v1.ts';
import { isAvailable } from './api-service-conditions.ts';

/** One group and version that a server behind a Service answers. */
export interface RemoteApi {
  /** The APIService's: `v1beta1.metrics.k8s.io`. */
  readonly name: string;
  readonly group: string;
  readonly version: string;
  readonly service: { readonly namespace: string; readonly name: string; readonly port: number };
  /** PEM; left out, the authorities that the system trusts. */
  readonly authorityPem: string | undefined;
  readonly isInsecure: boolean;
  readonly isAvailable: boolean;
  readonly groupPriority: number;
  readonly versionPriority: number;
}

const PORT_DEFAULT = 443;

/** Undefined for a group that this server answers itself. */
export function remoteApiOf(registered: APIService): RemoteApi | undefined {
  const { metadata, spec } = registered;
  if (spec.service === undefined) {
    return undefined;
  }
  const { namespace = '', name = '', port = PORT_DEFAULT } = spec.service;
  return {
    name: metadata.name,
    group: spec.group ?? '',
    version: spec.version ?? '',
    service: { namespace, name, port },
    authorityPem: spec.caBundle === undefined ? undefined : Buffer.from(spec.caBundle, 'base64').toString(),
    isInsecure: spec.insecureSkipTLSVerify === true,
    isAvailable: isAvailable(registered),
    groupPriority: spec.groupPriorityMinimum,
    versionPriority: spec.versionPriority,
  };
}

/** Where the version's discovery, and everything below it, is served. */
export function rootPathOf({ group, version }: Pick<RemoteApi, 'group' | 'version'>): string {
  return group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
}
