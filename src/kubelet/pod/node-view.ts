import type { DnsSettings } from './pod-dns.ts';

/** What pods need to know of their node. */
export interface NodeView {
  readonly name: string;
  /** The node's own addresses, the first one of each family. */
  readonly hostIps: readonly string[];
  readonly clusterDomain: string;
  readonly dns: DnsSettings;
  readonly memoryCapacityBytes: number;
  allocatable(): Readonly<Record<string, string>>;
}
