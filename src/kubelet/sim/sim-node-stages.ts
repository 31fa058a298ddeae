import type { Logger } from '#base/log.ts';
import { isConflict, isNotFound } from '#api/status-error.ts';
import type { Node } from '#api/types/core.v1.ts';
import { NODE } from '#api/types/resources.ts';
import type { Lister } from '#client/lister.ts';
import type { DelayQueue } from './delay-queue.ts';
import type { SimNode } from './sim-pods.ts';
import type { StagePlayer } from './stages/stage-player.ts';
import type { WriteLanes } from './write-lanes.ts';

export interface SimNodeStagesDeps {
  readonly log: Logger;
  readonly lister: Lister<Node>;
  readonly queue: DelayQueue;
  readonly lanes: WriteLanes;
  readonly nodes: ReadonlyMap<string, SimNode>;
  readonly stages: StagePlayer;
}

/** After a write that failed for no fault of its own. */
const RETRY_MS = 1_000;

/** Lets the simulated nodes themselves follow stages, beside the heartbeats they always have. */
export class SimNodeStages {
  readonly #deps: SimNodeStagesDeps;
  /** The stage that a node waits for, by the node's name. */
  readonly #planned = new Map<string, string>();

  constructor(deps: SimNodeStagesDeps) {
    this.#deps = deps;
  }

  consider(node: Node): void {
    const { stages, nodes, queue } = this.#deps;
    const { name } = node.metadata;
    if (nodes.get(name)?.isSilent !== false) {
      return;
    }
    const matching = stages.matching('Node', node);
    const planned = this.#planned.get(name);
    if (matching.some((stage) => stage.name === planned)) {
      return;
    }
    this.#planned.delete(name);
    const chosen = stages.choose(matching, node);
    if (chosen !== undefined) {
      this.#planned.set(name, chosen.stage.name);
      queue.add(chosen.delayMs, () => this.#play(name, chosen.stage.name));
    }
  }

  #play(name: string, stageName: string): void {
    const { lanes, lister, nodes, stages, log, queue } = this.#deps;
    lanes.send(`stage of ${name}`, async (signal) => {
      const node = lister.get(name);
      const stage = stages.named(stageName);
      const sim = nodes.get(name);
      if (this.#planned.get(name) !== stageName || node === undefined || sim === undefined || sim.isSilent) {
        return;
      }
      // Before the writes: what they change may lead to the same stage again.
      this.#planned.delete(name);
      if (stage?.matches(node) !== true) {
        this.consider(node);
        return;
      }
      try {
        const after = await stages.play(stage, NODE, node, { nodeIp: sim.ip, podIp: () => '', signal });
        if (stage.next.isImmediate && after !== undefined) {
          this.consider(after);
        }
      } catch (error) {
        if (!signal.aborted && !isNotFound(error)) {
          if (!isConflict(error)) {
            log.warn('stage of a simulated node not played', { node: name, stage: stageName, error });
          }
          queue.add(RETRY_MS, () => this.#retry(name));
        }
      }
    });
  }

  #retry(name: string): void {
    const node = this.#deps.lister.get(name);
    if (node !== undefined) {
      this.consider(node);
    }
  }
}
