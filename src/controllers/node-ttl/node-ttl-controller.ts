import type { Node } from '#api/types/core.v1.ts';
import { NODE } from '#api/types/resources.ts';
import { isNotFound } from '#api/status-error.ts';
import type { Informer } from '#client/lister.ts';
import type { ControllerDeps } from '../runner/controller-deps.ts';
import {
  type Controller,
  DONE,
  enqueueOnChange,
  type KeyQueue,
  type ReconcileResult,
} from '../runner/controller.ts';

/** How long, in seconds, a kubelet may keep what it has read of Secrets and ConfigMaps. */
const TTL_ANNOTATION = 'node.alpha.kubernetes.io/ttl';

interface Step {
  /** Below this many nodes the step before holds. */
  readonly sizeMin: number;
  /** Above this many the next one does. The steps overlap, so that a cluster at an edge does not go to and fro. */
  readonly sizeMax: number;
  readonly ttlSeconds: number;
}

/** Upstream's: the more nodes there are, the less often each may ask. */
const STEPS: readonly Step[] = [
  { sizeMin: 0, sizeMax: 100, ttlSeconds: 0 },
  { sizeMin: 90, sizeMax: 500, ttlSeconds: 15 },
  { sizeMin: 450, sizeMax: 1000, ttlSeconds: 30 },
  { sizeMin: 900, sizeMax: 2000, ttlSeconds: 60 },
  { sizeMin: 1800, sizeMax: Infinity, ttlSeconds: 300 },
];

/** The step for so many nodes, coming from another one. */
export function stepFor(count: number, current: number): number {
  let step = current;
  while (count > (STEPS[step]?.sizeMax ?? Infinity)) {
    step += 1;
  }
  while (count < (STEPS[step]?.sizeMin ?? 0)) {
    step -= 1;
  }
  return step;
}

/** Tells every node, by an annotation, how long it may keep what it has read. */
export class NodeTtlController implements Controller {
  readonly name = 'ttlcontroller';
  readonly workers = 1;
  readonly #deps: ControllerDeps;
  readonly #nodes: Informer<Node>;
  #count = 0;
  #step = 0;

  constructor(deps: ControllerDeps) {
    this.#deps = deps;
    this.#nodes = deps.informers.of(NODE);
  }

  connect(queue: KeyQueue): readonly Disposable[] {
    const resize = (change: number): void => {
      this.#count += change;
      const step = stepFor(this.#count, this.#step);
      if (step !== this.#step) {
        this.#step = step;
        this.#nodes.list().forEach(({ metadata }) => queue.add(metadata.name));
      }
    };
    return [
      this.#nodes.addHandler({ onAdd: () => resize(1), onDelete: () => resize(-1) }),
      enqueueOnChange(this.#nodes, queue, (node) => (this.#isRight(node) ? [] : [node.metadata.name])),
    ];
  }

  async reconcile(name: string, signal: AbortSignal): Promise<ReconcileResult> {
    const node = this.#nodes.get(name);
    if (node === undefined || node.metadata.deletionTimestamp !== undefined || this.#isRight(node)) {
      return DONE;
    }
    const patch = { metadata: { annotations: { [TTL_ANNOTATION]: this.#ttl } } };
    try {
      await this.#deps.client.of(NODE).patch('', name, patch, { type: 'strategic' }, signal);
    } catch (error) {
      if (!isNotFound(error)) {
        throw error;
      }
    }
    return DONE;
  }

  get #ttl(): string {
    return String(STEPS[this.#step]?.ttlSeconds ?? 0);
  }

  #isRight({ metadata }: Node): boolean {
    return metadata.annotations?.[TTL_ANNOTATION] === this.#ttl;
  }
}
