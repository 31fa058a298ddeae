import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DnsConfig, PodSandboxConfig } from '../cri.ts';
import type { Libc } from './libc.ts';

/** Size of a pod's shared memory, unless its containers mount something else there. */
const SHM_BYTES = 64 * 1024 * 1024;

export interface SandboxFiles {
  readonly resolvConf: string;
  readonly hostname: string;
  readonly shm: string;
}

export function sandboxFiles(directory: string, hasOwnIpc: boolean): SandboxFiles {
  return {
    resolvConf: join(directory, 'resolv.conf'),
    hostname: join(directory, 'hostname'),
    shm: hasOwnIpc ? join(directory, 'shm') : '/dev/shm',
  };
}

/** Writes the files that every container of a sandbox sees, and mounts its shared memory. */
export function writeSandboxFiles(
  libc: Libc,
  directory: string,
  hostname: string,
  config: PodSandboxConfig,
): void {
  const hasOwnIpc = config.linux.securityContext.namespaceOptions.ipc === 'pod';
  const files = sandboxFiles(directory, hasOwnIpc);
  mkdirSync(directory, { recursive: true });
  writeFileSync(files.resolvConf, resolvConf(config.dnsConfig));
  writeFileSync(files.hostname, `${hostname}\n`);
  if (hasOwnIpc) {
    mkdirSync(files.shm, { recursive: true });
    libc.mount('shm', files.shm, { type: 'tmpfs', flags: 0b1110n, data: `mode=1777,size=${SHM_BYTES}` });
    chmodSync(files.shm, 0o1777);
  }
}

/** The text of `/etc/resolv.conf`; the host's own without a configuration. */
export function resolvConf(dns: DnsConfig | undefined): string {
  if (dns === undefined) {
    return readFileSync('/etc/resolv.conf', 'utf8');
  }
  const lines = dns.servers.map((server) => `nameserver ${server}\n`);
  if (dns.searches.length > 0) {
    lines.unshift(`search ${dns.searches.join(' ')}\n`);
  }
  if (dns.options.length > 0) {
    lines.push(`options ${dns.options.join(' ')}\n`);
  }
  return lines.join('');
}
