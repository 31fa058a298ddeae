import assert from 'node:assert/strict';
import { test } from 'node:test';
import { internalError } from '#api/status-error.ts';
import type { Node, Pod } from '#api/types/core.v1.ts';
import { NAMESPACE, NODE, POD } from '#api/types/resources.ts';
import { SeededRandom } from '#base/random.ts';
import { TestCluster } from './cluster.fixture.ts';
import { RandomObjects } from './reference/random-objects.fixture.ts';
import type { ReferenceCluster } from './reference/reference-matching.fixture.ts';
import { referenceSchedule } from './reference/reference-scheduler.fixture.ts';

/** Replays a run. */
const SEED = Number(process.env['SCHEDULER_SEED'] ?? 20260121);
const WALKS = Number(process.env['SCHEDULER_WALKS'] ?? 25);
const STEPS = 60;

/** A cluster in which things happen at random while the scheduler works: pods and nodes come, go and change; bindings fail. */
class Walk implements AsyncDisposable {
  readonly cluster = new TestCluster();
  readonly #random: SeededRandom;
  readonly #objects: RandomObjects;
  #named = 0;

  constructor(seed: number) {
    this.#random = new SeededRandom(seed);
    this.#objects = new RandomObjects(this.#random);
    for (const name of ['default', 'prod', 'test']) {
      this.cluster.informers.set(NAMESPACE, { metadata: { name, labels: this.#objects.namespaceLabels() } });
    }
    for (let count = 0; count < 4; count++) {
      this.#addNode();
    }
  }

  async step(): Promise<void> {
    const { cluster } = this;
    const draw = this.#random.int(12);
    if (draw < 6) {
      this.#named += 1;
      cluster.addPods(withoutPriorities(this.#objects.pod(`pod-${this.#named}`)));
    } else if (draw < 8) {
      this.#withAny(this.#pods(), (pod) => cluster.informers.delete(POD, keyOf(pod)));
    } else if (draw < 9) {
      this.#withAny(this.#pods(), (pod) =>
        cluster.informers.set(POD, { ...pod, status: { ...pod.status, phase: 'Succeeded' } }),
      );
    } else if (draw < 10) {
      this.#addNode();
    } else if (draw < 11) {
      this.#withAny(cluster.informers.of(NODE).list(), (node) => this.#changeNode(node));
    } else {
      cluster.bindError = this.#random.float() < 0.5 ? internalError('try again') : undefined;
    }
    await cluster.clock.advance(this.#random.int(3000));
  }

  /** Everything works again and every back-off ends; the five-minute sweep, which would hide a missed event, does not come. */
  async heal(): Promise<void> {
    this.cluster.bindError = undefined;
    await this.cluster.clock.advance(25_000);
  }

  /** Pods that still have no node although one could take them. */
  stranded(): readonly string[] {
    const pods = this.#pods();
    const reference: ReferenceCluster = {
      nodes: this.cluster.informers.of(NODE).list(),
      pods: pods.filter(({ spec, status }) => spec.nodeName !== undefined && status.phase !== 'Succeeded'),
      namespaceLabels: new Map(
        this.cluster.informers
          .of(NAMESPACE)
          .list()
          .map(({ metadata }) => [metadata.name, metadata.labels ?? {}]),
      ),
      ownSelector: () => undefined,
    };
    return pods
      .filter(({ spec, status }) => spec.nodeName === undefined && status.phase !== 'Succeeded')
      .filter((pod) => referenceSchedule(reference, pod).scores.size > 0)
      .map(keyOf);
  }

  /** Nodes with more pods than they take. */
  overfull(): readonly string[] {
    return this.cluster.informers
      .of(NODE)
      .list()
      .flatMap(({ metadata, status }) => {
        const there = this.#pods().filter(
          (pod) => pod.spec.nodeName === metadata.name && pod.status.phase !== 'Succeeded',
        );
        return there.length > Number(status.allocatable?.['pods']) ? [metadata.name] : [];
      });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.cluster[Symbol.asyncDispose]();
  }

  #pods(): readonly Pod[] {
    return this.cluster.informers.of(POD).list();
  }

  #addNode(): void {
    this.#named += 1;
    this.cluster.addNodes(this.#objects.node(`node-${this.#named}`));
  }

  /** A new state with the old capacity, so that no node becomes overfull by itself; or the node goes, with its pods. */
  #changeNode(node: Node): void {
    const { informers } = this.cluster;
    const { name } = node.metadata;
    if (this.#random.float() < 0.6) {
      informers.set(NODE, { ...this.#objects.node(name), status: node.status });
      return;
    }
    informers.delete(NODE, name);
    for (const pod of this.#pods().filter(({ spec }) => spec.nodeName === name)) {
      informers.delete(POD, keyOf(pod));
    }
  }

  #withAny<T>(items: readonly T[], act: (item: T) => unknown): void {
    const item = items[this.#random.int(Math.max(1, items.length))];
    if (item !== undefined) {
      act(item);
    }
  }
}

function keyOf({ metadata }: Pod): string {
  return `${metadata.namespace}/${metadata.name}`;
}

/** All pods equal: with priorities, who ends up where depends on more than what fits. */
function withoutPriorities(pod: Pod): Pod {
  return { ...pod, spec: { ...pod.spec, priority: 0 } };
}

for (let walk = 0; walk < WALKS; walk++) {
  const seed = SEED + walk;
  test(`scheduler: whatever happens, no pod is left that fits and no node is overfull, seed ${seed}`, async () => {
    await using given = new Walk(seed);
    for (let step = 0; step < STEPS; step++) {
      await given.step();
      assert.deepEqual(given.overfull(), []);
    }
    await given.heal();
    assert.deepEqual(
      { stranded: given.stranded(), overfull: given.overfull() },
      { stranded: [], overfull: [] },
    );
  });
}
