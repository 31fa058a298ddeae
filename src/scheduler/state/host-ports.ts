import type { PodSpec } from '#api/types/core.v1.ts';

export interface HostPort {
  readonly ip: string;
  readonly protocol: string;
  readonly port: number;
}

const ANY_IP = '0.0.0.0';

/** The ports of the node that the pod's containers (and sidecars) take. */
export function hostPortsOf({ containers, initContainers = [] }: PodSpec): readonly HostPort[] {
  const sidecars = initContainers.filter(({ restartPolicy }) => restartPolicy === 'Always');
  return [...containers, ...sidecars].flatMap(({ ports = [] }) =>
    ports
      .filter(({ hostPort = 0 }) => hostPort > 0)
      .map(({ hostPort = 0, hostIP = '', protocol = '' }) => ({
        ip: hostIP === '' ? ANY_IP : hostIP,
        protocol: protocol === '' ? 'TCP' : protocol,
        port: hostPort,
      })),
  );
}

/** The host ports in use on one node. The same port may be held once per address; all addresses clash with any. */
export class HostPortUse {
  /** `protocol/port` to the addresses that hold it, each with its number of holders. */
  readonly #holders = new Map<string, Map<string, number>>();

  add(ports: readonly HostPort[]): void {
    for (const { ip, protocol, port } of ports) {
      const slot = `${protocol}/${port}`;
      const byIp = this.#holders.get(slot) ?? new Map<string, number>();
      byIp.set(ip, (byIp.get(ip) ?? 0) + 1);
      this.#holders.set(slot, byIp);
    }
  }

  remove(ports: readonly HostPort[]): void {
    for (const { ip, protocol, port } of ports) {
      const slot = `${protocol}/${port}`;
      const byIp = this.#holders.get(slot);
      const left = (byIp?.get(ip) ?? 0) - 1;
      if (left > 0) {
        byIp?.set(ip, left);
      } else {
        byIp?.delete(ip);
      }
      if (byIp?.size === 0) {
        this.#holders.delete(slot);
      }
    }
  }

  clashesWith(ports: readonly HostPort[]): boolean {
    return ports.some(({ ip, protocol, port }) => {
      const byIp = this.#holders.get(`${protocol}/${port}`);
      return byIp !== undefined && (ip === ANY_IP || byIp.has(ip) || byIp.has(ANY_IP));
    });
  }
}
