import type { Node } from '#api/types/core.v1.ts';
import { NODE } from '#api/types/resources.ts';
import type { Clock } from '#base/clock.ts';
import type { CommandRunner } from '#base/command.ts';
import { Cidr } from '#base/ip.ts';
import type { Logger } from '#base/log.ts';
import { TaskGroup } from '#base/task-group.ts';
import type { Informer, Informers } from '#client/lister.ts';
import {
  peersOf,
  planOverlay,
  ROUTE_PROTOCOL,
  tunnelAddress,
  tunnelHardwareAddress,
  type OverlayEntry,
} from './overlay-plan.ts';

export interface OverlaySettings {
  readonly nodeName: string;
  /** This host's address on the network that joins the hosts. */
  readonly nodeIp: string;
  /** This node's own ranges. */
  readonly podCidrs: readonly string[];
  /** The ranges all nodes' ranges are taken from. */
  readonly clusterCidrs: readonly string[];
  /** Ranges of addresses that this host reaches without a gateway; their nodes need no tunnel. */
  readonly linkCidrs: readonly string[];
  /** At most 15 characters, and this cluster's alone. */
  readonly device: string;
  /** Number of the virtual network, 1 when left out; the same on all nodes. */
  readonly vni?: number;
  /** UDP port of the tunnels, 8472 when left out. */
  readonly port?: number;
  /** Largest packet on the network between the hosts, 1500 when left out. */
  readonly linkMtu?: number;
}

export interface OverlayDeps {
  readonly informers: Informers;
  readonly commands: CommandRunner;
  readonly clock: Clock;
  readonly log: Logger;
}

/** What the tunnel adds to each packet: outer Ethernet, IPv4, UDP and VXLAN headers. */
const TUNNEL_BYTES = 50;

/** Least time between two rounds of changes; nodes come in crowds. */
const SYNC_INTERVAL_MS_MIN = 200;

const RETRY_MS = 5_000;

/** Joins this node's pods with those of the other nodes, as Nodes come, change and go. */
export class Overlay {
  readonly #deps: OverlayDeps;
  readonly #settings: OverlaySettings;
  readonly #nodes: Informer<Node>;
  readonly #tasks: TaskGroup;
  #handler: Disposable | undefined;
  #wake = Promise.withResolvers<void>();
  readonly #firstSync = Promise.withResolvers<void>();
  /** What is in the kernel; undefined when that is not known. */
  #applied: ReadonlyMap<string, OverlayEntry> | undefined;

  constructor(deps: OverlayDeps, settings: OverlaySettings) {
    this.#deps = deps;
    this.#settings = settings;
    this.#nodes = deps.informers.of(NODE);
    this.#tasks = TaskGroup.logging(deps.log);
  }

  start(): void {
    const wake = (): void => this.#wake.resolve();
    this.#handler = this.#nodes.addHandler({ onAdd: wake, onUpdate: wake, onDelete: wake });
    this.#tasks.spawn('overlay', (signal) => this.#run(signal));
  }

  /** Resolves when the nodes known at the start can be reached. */
  whenSynced(): Promise<void> {
    return this.#firstSync.promise;
  }

  /** Stops following; what was set up stays. */
  async close(): Promise<void> {
    this.#handler?.[Symbol.dispose]();
    await this.#tasks.close();
  }

  /** Stops, and takes the device and the routes away. */
  async destroy(): Promise<void> {
    await this.close();
    await this.#clear();
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { informers, clock, log } = this.#deps;
    await informers.whenSynced(signal);
    const ended = aborted(signal);
    while (!signal.aborted) {
      this.#wake = Promise.withResolvers<void>();
      try {
        await this.#sync();
        this.#firstSync.resolve();
      } catch (error) {
        this.#applied = undefined;
        log.error('overlay could not be set up', { error });
        await clock.sleep(RETRY_MS, signal);
        continue;
      }
      await clock.sleep(SYNC_INTERVAL_MS_MIN, signal);
      await Promise.race([this.#wake.promise, ended]);
    }
  }

  async #sync(): Promise<void> {
    const { nodeName, device, linkCidrs } = this.#settings;
    const wanted = planOverlay(peersOf(this.#nodes.list(), nodeName), { device, linkCidrs });
    if (this.#applied === undefined) {
      await this.#clear();
      await this.#createDevice();
    }
    const before = this.#applied ?? new Map<string, OverlayEntry>();
    const gone = [...before].flatMap(([key, entry]) => (wanted.has(key) ? [] : [entry]));
    const added = [...wanted].flatMap(([key, entry]) => (before.has(key) ? [] : [entry]));
    await this.#batch('ip', linesOf('ip', gone, added));
    await this.#batch('bridge', linesOf('bridge', gone, added));
    this.#applied = wanted;
  }

  async #createDevice(): Promise<void> {
    const { device, nodeIp, podCidrs, vni = 1, port = 8472, linkMtu = 1500 } = this.#settings;
    const hardware = tunnelHardwareAddress(nodeIp);
    await this.#batch('ip', [
      `link add ${device} address ${hardware} mtu ${linkMtu - TUNNEL_BYTES} type vxlan id ${vni} local ${nodeIp} dstport ${port} nolearning`,
      ...podCidrs.flatMap((text) => {
        const range = Cidr.parse(text);
        const length = range?.family === 6 ? 128 : 32;
        return range === undefined ? [] : [`addr replace ${tunnelAddress(range)}/${length} dev ${device}`];
      }),
      `link set ${device} up`,
    ]);
  }

  async #clear(): Promise<void> {
    const { device, clusterCidrs } = this.#settings;
    const { commands, log } = this.#deps;
    const protocol = String(ROUTE_PROTOCOL);
    for (const cidr of clusterCidrs) {
      const family = cidr.includes(':') ? '-6' : '-4';
      await commands.run(['ip', family, 'route', 'flush', 'root', cidr, 'proto', protocol]);
    }
    const links = await commands.run(['ip', '-o', 'link', 'show', 'type', 'vxlan']);
    if (links.includes(` ${device}: `)) {
      log.debug('overlay device is replaced', { device });
      await commands.run(['ip', 'link', 'del', device]);
    }
  }

  async #batch(program: 'ip' | 'bridge', lines: readonly string[]): Promise<void> {
    if (lines.length > 0) {
      await this.#deps.commands.run([program, '-batch', '-'], { input: `${lines.join('\n')}\n` });
    }
  }
}

/** Removals first, so that a range that moved to another node is not removed after it was added. */
function linesOf(
  program: OverlayEntry['program'],
  gone: readonly OverlayEntry[],
  added: readonly OverlayEntry[],
): readonly string[] {
  const own = (entries: readonly OverlayEntry[]): readonly OverlayEntry[] =>
    entries.filter((entry) => entry.program === program);
  return [...own(gone).map(({ remove }) => remove), ...own(added).map(({ add }) => add)];
}

async function aborted(signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  if (signal.aborted) {
    return;
  }
  signal.addEventListener('abort', () => resolve(), { once: true });
  await promise;
}
