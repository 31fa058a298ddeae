import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import type { Random } from '#base/random.ts';
import { createInformers } from '#client/informer.ts';
import type { Informers } from '#client/lister.ts';
import { createSimNodes, type SimNodes } from '#kubelet/sim/sim-nodes.ts';
import type { Stage } from '#kubelet/sim/stages/stage.ts';
import { SIM_NODES } from './component-users.ts';
import type { ControlPlane } from './control-plane.ts';

export interface SimNodeSetDeps {
  readonly plane: ControlPlane;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

/** Simulated nodes of a cluster, and the way to their pods' streams. */
export class SimNodeSet implements AsyncDisposable {
  readonly #nodes: SimNodes;
  readonly #informers: Informers;
  readonly #registrations = new DisposableStack();

  private constructor(nodes: SimNodes, informers: Informers) {
    this.#nodes = nodes;
    this.#informers = informers;
  }

  get names(): readonly string[] {
    return this.#nodes.names;
  }

  /** The node's agent falls silent: no Lease, no status, nothing of its pods. */
  silence(name: string): void {
    this.#nodes.silence(name);
  }

  /** Undoes {@link silence}. A node that `hasRestarted` starts the containers of its pods anew. */
  revive(name: string, options: { readonly hasRestarted: boolean }): void {
    this.#nodes.revive(name, options);
  }

  /** A rule of how pods or nodes live, in place of one of its name. It goes before what is built in. */
  addStage(stage: Stage): void {
    this.#nodes.addStage(stage);
  }

  /** Registers the nodes; resolves when all are ready. */
  static async start(
    { plane, clock, random, log }: SimNodeSetDeps,
    count: number,
    stages: readonly Stage[] = [],
  ): Promise<SimNodeSet> {
    const transport = plane.transportOf(SIM_NODES, 'kubelet');
    const informers = createInformers({ transport, clock, random, log });
    const nodes = createSimNodes({
      client: plane.clientOf(SIM_NODES, 'kubelet'),
      informers,
      clock,
      random,
      log: log.with({ component: 'sim-nodes' }),
      count,
      stages,
    });
    const set = new SimNodeSet(nodes, informers);
    for (const name of nodes.names) {
      set.#registrations.use(plane.server.nodes.register(name, nodes.streams));
    }
    await nodes.start();
    return set;
  }

  async close(): Promise<void> {
    this.#registrations.dispose();
    await this.#nodes.close();
    await this.#informers.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
