import assert from 'node:assert/strict';
import { test } from 'node:test';
import { labelSelectorFromSet, EVERYTHING } from '#api/label-selector.ts';
import type { Node, Pod } from '#api/types/core.v1.ts';
import { SeededRandom } from '#base/random.ts';
import { Client } from '#client/client.ts';
import { Nominations } from '../framework/nominations.ts';
import { NodeSelection } from '../framework/node-selection.ts';
import { profilePlugins } from '../profile.ts';
import { ClusterState } from '../state/cluster-state.ts';
import { RandomObjects } from './random-objects.fixture.ts';
import type { ReferenceCluster } from './reference-matching.fixture.ts';
import { referenceSchedule } from './reference-scheduler.fixture.ts';

/** Pods compared with the reference; a million and more on demand. */
const CASES = Number(process.env['SCHEDULER_CASES'] ?? 10_000);
/** Replays a run. */
const SEED = Number(process.env['SCHEDULER_SEED'] ?? 20260121);
const STEPS_PER_CLUSTER = 40;
const NAMESPACES = ['default', 'prod', 'test'] as const;

/** Pods labelled `app` spread by default like those of a service that chooses by it. */
const ownLabels = ({ app }: Readonly<Record<string, string>> = {}):
  | Readonly<Record<string, string>>
  | undefined => (app === undefined ? undefined : { app });

/** One cluster that lives through random changes, seen by both schedulers. */
class World {
  readonly state = new ClusterState();
  readonly selection: NodeSelection;
  readonly #objects: RandomObjects;
  readonly #random: SeededRandom;
  readonly #nodes = new Map<string, Node>();
  readonly #pods = new Map<string, Pod>();
  readonly #namespaceLabels = new Map<string, Readonly<Record<string, string>>>();
  /** Few, and asked about again and again, so that kept answers are put to the test. */
  readonly #incoming: readonly Pod[];
  #named = 0;

  constructor(seed: number) {
    this.#random = new SeededRandom(seed);
    this.#objects = new RandomObjects(this.#random);
    this.selection = createSelection(this.#random);
    this.#incoming = Array.from({ length: 6 }, (_, index) => this.#objects.pod(`new-${index}`));
    NAMESPACES.forEach((namespace) => this.#labelNamespace(namespace));
    for (let count = this.#random.int(8); count >= 0; count--) {
      this.#addNode();
    }
    for (let count = this.#random.int(25); count > 0; count--) {
      this.#addPod();
    }
  }

  /** Changes something, then asks both about one pod. */
  step(): void {
    this.#change();
    const pod = this.#objects.pick(this.#incoming as readonly [Pod, ...Pod[]]);
    this.#compare(this.#random.float() < 0.3 ? this.#objects.pod('fresh') : pod);
  }

  #compare(pod: Pod): void {
    const reference = referenceSchedule(this.#reference(), pod);
    const context = { pod, shape: this.state.shapes.of(pod), state: this.state };
    const { rejections, scored } = this.selection.survey(context);
    const nameOf = (row: number): string => this.state.nodes.nameOf(row);
    const rejected = rejections.flatMap((rejection, row): [string, string][] =>
      rejection === undefined ? [] : [[nameOf(row), [...rejection.reasons].sort().join(', ')]],
    );
    assert.deepEqual(sorted(rejected), sorted(reference.rejected));
    const scores = scored.map(({ row, scores: parts }): [string, Record<string, number>] => [
      nameOf(row),
      Object.fromEntries(parts.map(({ plugin, score }) => [plugin, score])),
    ]);
    assert.deepEqual(sorted(scores), sorted(reference.scores));

    const selection = this.selection.select(context);
    const totals = new Map([...reference.scores].map(([name, parts]) => [name, sum(Object.values(parts))]));
    assert.equal(
      selection.kind === 'found' ? totals.get(nameOf(selection.row)) : undefined,
      totals.size === 0 ? undefined : Math.max(...totals.values()),
    );
  }

  #reference(): ReferenceCluster {
    return {
      nodes: [...this.#nodes.values()],
      pods: [...this.#pods.values()],
      namespaceLabels: this.#namespaceLabels,
      ownSelector: ({ metadata }) => ownLabels(metadata.labels),
    };
  }

  #change(): void {
    const draw = this.#random.int(20);
    if (draw < 8) {
      this.#addPod();
    } else if (draw < 13) {
      this.#removePod();
    } else if (draw < 15) {
      this.#addNode();
    } else if (draw < 17) {
      this.#changeNode();
    } else if (draw < 18) {
      this.#removeNode();
    } else if (draw < 19) {
      this.#terminatePod();
    } else {
      this.#labelNamespace(this.#objects.pick(NAMESPACES));
    }
  }

  #addNode(): void {
    this.#named += 1;
    this.#setNode(this.#objects.node(`node-${this.#named}`));
  }

  #changeNode(): void {
    const name = this.#anyOf(this.#nodes);
    if (name !== undefined) {
      this.#setNode(this.#objects.node(name));
    }
  }

  #setNode(node: Node): void {
    this.#nodes.set(node.metadata.name, node);
    this.state.nodes.set(node);
  }

  #removeNode(): void {
    const name = this.#anyOf(this.#nodes);
    if (name !== undefined && this.#nodes.size > 1) {
      this.#nodes.delete(name);
      this.state.nodes.remove(name);
    }
  }

  #addPod(): void {
    const nodeName = this.#anyOf(this.#nodes);
    if (nodeName !== undefined) {
      this.#named += 1;
      const pod = this.#objects.pod(`pod-${this.#named}`, nodeName);
      this.#pods.set(pod.metadata.uid, pod);
      if (this.#random.float() < 0.5 && pod.metadata.deletionTimestamp === undefined) {
        this.state.assume(pod, nodeName);
      }
      this.state.setPod(pod);
    }
  }

  #removePod(): void {
    const uid = this.#anyOf(this.#pods);
    if (uid !== undefined) {
      this.#pods.delete(uid);
      this.state.removePod(uid);
    }
  }

  #terminatePod(): void {
    const pod = this.#pods.get(this.#anyOf(this.#pods) ?? '');
    if (pod !== undefined) {
      const leaving = { ...pod, metadata: { ...pod.metadata, deletionTimestamp: '2026-01-01T00:00:30Z' } };
      this.#pods.set(pod.metadata.uid, leaving);
      this.state.setPod(leaving);
    }
  }

  #labelNamespace(namespace: string): void {
    const labels = this.#objects.namespaceLabels();
    this.#namespaceLabels.set(namespace, labels);
    this.state.setNamespace(namespace, labels);
  }

  #anyOf(map: ReadonlyMap<string, unknown>): string | undefined {
    return map.size === 0 ? undefined : [...map.keys()][this.#random.int(map.size)];
  }
}

function createSelection(random: SeededRandom): NodeSelection {
  const nominations = new Nominations();
  const client = new Client({
    request: () => Promise.reject(new Error('nothing is sent')),
    watch: async function* () {
      // Nothing is watched.
    },
  });
  const plugins = profilePlugins({
    client,
    random,
    nominations,
    ownSelectors: {
      of: ({ labelSet }) => {
        const labels = ownLabels(labelSet.labels);
        return labels === undefined ? EVERYTHING : labelSelectorFromSet(labels);
      },
    },
    budgets: () => [],
    volumePlugins: [],
  });
  return new NodeSelection({ plugins, nominations, random, nodesToFind: (count) => count });
}

function sorted<T>(entries: Iterable<readonly [string, T]>): readonly (readonly [string, T])[] {
  return [...entries].sort(([left], [right]) => (left < right ? -1 : 1));
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

test(`scheduler: filters and scores agree with the reference on ${CASES} random cases, seed ${SEED}`, () => {
  for (let done = 0; done < CASES; done += STEPS_PER_CLUSTER) {
    const seed = SEED + done;
    const world = new World(seed);
    for (let step = 0; step < STEPS_PER_CLUSTER; step++) {
      try {
        world.step();
      } catch (error) {
        throw new Error(`seed ${seed}, step ${step}`, { cause: error });
      }
    }
  }
});
