import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NodeConnection } from '#apiserver/endpoints/node-directory.ts';
import { defined } from '#base/assert.ts';
import type { Logger } from '#base/log.ts';
import type { Random } from '#base/random.ts';
import { TaskGroup } from '#base/task-group.ts';
import type { VirtualClock } from '#base/virtual-clock.ts';
import { nodeUser } from '#cluster/component-users.ts';
import type { ControlPlane } from '#cluster/control-plane.ts';
import { inTime } from '../in-time.ts';
import type { ContainerFunction } from './container-function.ts';
import { CutTransport } from './cut-transport.ts';
import { FunctionImages } from './function-images.ts';
import { FunctionNode } from './function-node.ts';
import { PodNetwork } from './pod-network.ts';
import { ServiceRequests } from './service-requests.ts';

export interface FunctionNodesDeps {
  readonly plane: ControlPlane;
  readonly clock: VirtualClock;
  readonly random: Random;
  readonly log: Logger;
}

interface Slot {
  readonly way: CutTransport;
  readonly index: number;
  /** Undefined while the machine is down. */
  node: FunctionNode | undefined;
  lives: number;
}

/** Nodes whose containers are functions, and the way to them. */
export class FunctionNodes implements AsyncDisposable {
  readonly names: readonly string[];
  readonly requests: ServiceRequests;
  readonly #deps: FunctionNodesDeps;
  readonly #images: FunctionImages;
  readonly #network = new PodNetwork();
  readonly #slots = new Map<string, Slot>();
  readonly #tasks: TaskGroup;
  readonly #directory: string;
  readonly #registrations = new DisposableStack();

  private constructor(
    deps: FunctionNodesDeps,
    images: Readonly<Record<string, ContainerFunction>>,
    count: number,
  ) {
    this.#deps = deps;
    this.#images = new FunctionImages(images);
    this.#tasks = TaskGroup.logging(deps.log);
    this.names = Array.from({ length: count }, (_, index) => `sim-${index}`);
    this.requests = new ServiceRequests(deps.plane.client, this.#network);
    this.#directory = mkdtempSync(join(tmpdir(), 'coracle-functions-'));
  }

  /** Resolves when the nodes are about to register. */
  static async start(
    deps: FunctionNodesDeps,
    images: Readonly<Record<string, ContainerFunction>>,
    count: number,
  ): Promise<FunctionNodes> {
    const nodes = new FunctionNodes(deps, images, count);
    for (const [index, name] of nodes.names.entries()) {
      const way = new CutTransport(deps.plane.transportOf(nodeUser(name), 'kubelet'));
      nodes.#slots.set(name, { way, index, node: undefined, lives: 0 });
      await nodes.#boot(name);
    }
    return nodes;
  }

  /** The way to the API server is cut; a machine that crashed has lost its containers as well. */
  silence(name: string, { hasCrashed }: { readonly hasCrashed: boolean }): void {
    const slot = defined(this.#slots.get(name), 'a node of this cluster');
    slot.way.cut();
    const { node } = slot;
    if (hasCrashed && node !== undefined) {
      slot.node = undefined;
      node.kill();
      this.#tasks.spawn('crash', () => node.close());
    }
  }

  /** Undoes {@link silence}; a machine that had crashed starts with nothing running. */
  revive(name: string): void {
    const slot = defined(this.#slots.get(name), 'a node of this cluster');
    slot.way.mend();
    if (slot.node === undefined) {
      this.#tasks.spawn('boot', () => this.#boot(name));
    }
  }

  async close(): Promise<void> {
    this.#registrations.dispose();
    const nodes = [...this.#slots.values()].flatMap(({ node }) => node ?? []);
    nodes.forEach((node) => node.kill());
    // It may first have to wait for time to pass: a probe under way, for its answer.
    const closing = Promise.all([...nodes.map((node) => node.close()), this.#tasks.close()]);
    await inTime(this.#deps.clock, closing);
    rmSync(this.#directory, { recursive: true, force: true });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #boot(name: string): Promise<void> {
    const slot = defined(this.#slots.get(name), 'a node of this cluster');
    const { way, index } = slot;
    // A machine that crashed has kept nothing: the kubelet would look for pods of its past.
    const directory = join(this.#directory, `${name}-${slot.lives++}`);
    const node = new FunctionNode({
      ...this.#deps,
      images: this.#images,
      network: this.#network,
      requests: this.requests,
      way,
      name,
      index,
      directory,
    });
    slot.node = node;
    this.#registrations.use(this.#deps.plane.server.nodes.register(name, connectionTo(slot)));
    await node.kubelet.start();
  }
}

function connectionTo(slot: Slot): NodeConnection {
  const kubelet = (): FunctionNode['kubelet'] => {
    if (slot.node === undefined) {
      throw Object.assign(new Error('connect EHOSTUNREACH: the node is down'), { code: 'EHOSTUNREACH' });
    }
    return slot.node.kubelet;
  };
  return {
    logs: async (target, options, signal) => await kubelet().streams.logs(target, options, signal),
    exec: async (target, request) => await kubelet().streams.exec(target, request),
    attach: async (target, wanted) => await kubelet().streams.attach(target, wanted),
    portForward: async (target, port) => await kubelet().streams.portForward(target, port),
    get: async (path, query, signal) => await kubelet().http.get(path, query, signal),
  };
}
