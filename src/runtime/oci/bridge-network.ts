import { networkInterfaces } from 'node:os';
import { closeSync, openSync, writeFileSync } from 'node:fs';
import { AddressPool } from '../address-pool.ts';
import { RuntimeError } from '../cri.ts';
import { Ipv4Range } from '../ipv4-range.ts';
import type { InstancePaths } from './instance-paths.ts';
import type { Libc } from './libc.ts';
import { Netlink } from './netlink.ts';
import { hostPortScript, podTableScript } from './nft-rules.ts';
import type { HostPort, NetworkedSandbox, PodNetwork } from './pod-network.ts';
import { runToSuccess } from './run-program.ts';

export interface BridgeNetworkOptions {
  readonly libc: Libc;
  readonly paths: InstancePaths;
  /** Absolute path of `nft`. */
  readonly nft: string;
  /** This node's pods, as `10.244.0.0/24`. */
  readonly podCidr: string;
  /** All nodes' pods; this node's when left out. */
  readonly clusterCidr?: string;
}

interface Attachment {
  readonly ip: string;
  readonly ports: readonly HostPort[];
}

/**
 * One bridge a node with a link to each pod, addresses from the node's range, the way out by masquerading
 * and host ports by translation. Which pod holds which address stands in the sandboxes' own records.
 */
export class BridgeNetwork implements PodNetwork {
  readonly #options: BridgeNetworkOptions;
  readonly #attachments = new Map<string, Attachment>();
  #range: Ipv4Range;
  #pool: AddressPool;
  #problem = 'the pod network has not been started';

  constructor(options: BridgeNetworkOptions) {
    this.#options = options;
    this.#range = Ipv4Range.parse(options.podCidr);
    this.#pool = new AddressPool(this.#range);
  }

  problem(): string {
    return this.#problem;
  }

  async start(): Promise<void> {
    const { bridge } = this.#options.paths;
    using links = new Netlink(this.#options.libc);
    if (!links.hasLink(bridge)) {
      links.addBridge(bridge, macOf(this.#range.gateway));
    }
    links.addAddress(bridge, this.#range.gateway, this.#range.prefixLength);
    links.setUp(bridge);
    writeFileSync('/proc/sys/net/ipv4/ip_forward', '1');
    // Lets connections to 127.0.0.1:hostPort be translated to a pod.
    writeFileSync(`/proc/sys/net/ipv4/conf/${bridge}/route_localnet`, '1');
    await this.#nft(podTableScript(this.#table()) + this.#allHostPorts());
    this.#problem = '';
  }

  async setRange(podCidr: string): Promise<void> {
    const range = Ipv4Range.parse(podCidr.split(',')[0] ?? '');
    if (range.toString() === this.#range.toString()) {
      return;
    }
    this.#range = range;
    this.#pool = new AddressPool(range);
    for (const { ip } of this.#attachments.values()) {
      this.#pool.adopt(ip);
    }
    if (this.#problem === '') {
      await this.start();
    }
  }

  async attach(sandbox: NetworkedSandbox, netns: string): Promise<readonly string[]> {
    this.#refuseTakenPorts(sandbox);
    const ip = this.#pool.allocate();
    this.#attachments.set(sandbox.id, { ip, ports: sandbox.portMappings });
    try {
      this.#connect(sandbox.id, ip, netns);
      await this.#nft(hostPortScript('add', this.#options.paths.nftTable, ip, sandbox.portMappings));
    } catch (error) {
      await this.detach(sandbox.id);
      throw new RuntimeError('internal', `failed to setup network for sandbox "${sandbox.id}"`, {
        cause: error,
      });
    }
    return [ip];
  }

  adopt(sandbox: NetworkedSandbox, ips: readonly string[]): void {
    for (const ip of ips) {
      this.#pool.adopt(ip);
      this.#attachments.set(sandbox.id, { ip, ports: sandbox.portMappings });
    }
  }

  async detach(sandboxId: string): Promise<void> {
    // The link goes with the namespace, in the kernel's own time: deleting it here would stop this thread for
    // the 15 to 30 ms that the kernel waits for packets on their way.
    const attachment = this.#attachments.get(sandboxId);
    if (attachment === undefined) {
      return;
    }
    this.#attachments.delete(sandboxId);
    if (attachment.ports.some(({ hostPort }) => hostPort > 0)) {
      // The whole table at once: it also heals elements that were lost or left by a crash.
      await this.#nft(podTableScript(this.#table()) + this.#allHostPorts());
    }
    this.#pool.release(attachment.ip);
  }

  async destroy(): Promise<void> {
    const { libc, paths } = this.#options;
    this.#problem = 'the pod network was removed';
    using links = new Netlink(libc);
    links.deleteLink(paths.bridge);
    await this.#nft(`table ip ${paths.nftTable}\ndelete table ip ${paths.nftTable}\n`);
  }

  #connect(sandboxId: string, ip: string, netns: string): void {
    const { libc, paths } = this.#options;
    const veth = paths.veth(sandboxId);
    const netnsFd = openSync(netns, 'r');
    try {
      using links = new Netlink(libc);
      links.addVethPair(veth, { name: 'eth0', mac: macOf(ip), netnsFd });
      links.joinBridge(veth, paths.bridge);
    } finally {
      closeSync(netnsFd);
    }
    libc.inNetworkNamespace(netns, () => {
      using inside = new Netlink(libc);
      inside.addAddress('eth0', ip, this.#range.prefixLength);
      inside.setUp('eth0');
      inside.addDefaultRoute(this.#range.gateway);
    });
  }

  #refuseTakenPorts({ portMappings }: NetworkedSandbox): void {
    for (const wanted of portMappings) {
      for (const { ports } of this.#attachments.values()) {
        if (wanted.hostPort > 0 && ports.some((port) => isSamePort(port, wanted))) {
          throw new RuntimeError('unavailable', `host port ${wanted.hostPort}/${wanted.protocol} is taken`);
        }
      }
    }
  }

  #allHostPorts(): string {
    return [...this.#attachments.values()]
      .map(({ ip, ports }) => hostPortScript('add', this.#options.paths.nftTable, ip, ports))
      .join('');
  }

  #table(): Parameters<typeof podTableScript>[0] {
    const podCidr = this.#range.toString();
    const { bridge, nftTable: table } = this.#options.paths;
    const clusterCidr = this.#options.clusterCidr ?? podCidr;
    return { table, bridge, podCidr, clusterCidr, hostAddresses: ipv4Addresses(this.#range.gateway) };
  }

  async #nft(script: string): Promise<void> {
    if (script !== '') {
      await runToSuccess(this.#options.nft, ['-f', '-'], { input: script });
    }
  }
}

function isSamePort(left: HostPort, right: HostPort): boolean {
  return (
    left.hostPort === right.hostPort &&
    left.protocol === right.protocol &&
    (left.hostIp ?? '') === (right.hostIp ?? '')
  );
}

/** A locally administered address made of the IP address: it moves with it, so no neighbour entry gets stale. */
function macOf(ip: string): string {
  const parts = ip.split('.').map((part) => Number(part).toString(16).padStart(2, '0'));
  return ['0a', '58', ...parts].join(':');
}

/** The host's own IPv4 addresses, the bridge's among them even while it has no carrier. */
function ipv4Addresses(gateway: string): readonly string[] {
  const found = Object.values(networkInterfaces()).flatMap((list) =>
    (list ?? [])
      .filter(({ family, internal }) => family === 'IPv4' && !internal)
      .map(({ address }) => address),
  );
  return [...new Set([gateway, ...found])];
}
