import type {
  Affinity,
  Container,
  Node,
  NodeSelectorRequirement,
  NodeSelectorTerm,
  Pod,
  PodAffinityTerm,
  Taint,
  Toleration,
  TopologySpreadConstraint,
} from '#api/types/core.v1.ts';
import type { LabelSelector } from '#api/types/meta.v1.ts';
import type { Random } from '#base/random.ts';
import { aNode, aPod } from '../cluster.fixture.ts';

const ZONE = 'topology.kubernetes.io/zone';
const HOSTNAME = 'kubernetes.io/hostname';
const MIB = 1024 * 1024;

/** Random nodes and pods from small vocabularies, so that they often have to do with each other. */
export class RandomObjects {
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  pick<T>(items: readonly [T, ...T[]]): T {
    return items[this.#random.int(items.length)] ?? items[0];
  }

  maybe<T>(chance: number, make: () => T): T | undefined {
    return this.#random.float() < chance ? make() : undefined;
  }

  some<T>(max: number, make: () => T): T[] {
    return Array.from({ length: this.#random.int(max + 1) }, make);
  }

  node(name: string): Node {
    const taints = this.maybe(0.3, () => this.some(2, () => this.#taint()));
    return aNode(name, {
      cpu: this.pick(['1', '2', '4', '3500m', '0']),
      memory: this.pick(['1Gi', '2Gi', '4Gi', '3000M']),
      pods: this.pick(['3', '10', '110']),
      labels: {
        ...this.maybe(0.85, () => ({ [ZONE]: this.pick(['z1', 'z2', 'z3']) })),
        ...this.maybe(0.5, () => ({ disk: this.pick(['ssd', 'hdd']) })),
        ...this.maybe(0.4, () => ({ generation: this.pick(['1', '2', '10']) })),
      },
      ...(taints === undefined ? {} : { taints }),
      isCordoned: this.#random.float() < 0.08,
      allocatable: {
        ...this.maybe(0.3, () => ({ 'example.com/gpu': this.pick(['1', '2']) })),
        ...this.maybe(0.5, () => ({ 'ephemeral-storage': '10Gi' })),
      },
      images: ['app:1', 'db:1'].flatMap(
        (name) =>
          this.maybe(0.4, () => ({
            names: [name],
            sizeBytes: this.pick([30 * MIB, 500 * MIB, 2000 * MIB]),
          })) ?? [],
      ),
    });
  }

  pod(name: string, nodeName?: string): Pod {
    const labels = this.#labels();
    const affinity = this.maybe(0.6, () => this.#affinity());
    const tolerations = this.maybe(0.4, () => this.some(2, () => this.#toleration()));
    const spread = this.maybe(0.4, () => this.some(2, () => this.#spread()));
    const hostPort = this.maybe(0.1, () => this.pick([80, 443]));
    const initContainers = this.maybe(0.2, () => [this.#initContainer()]);
    return aPod(name, {
      namespace: this.pick(['default', 'prod', 'test']),
      labels,
      requests: {
        ...this.maybe(0.7, () => ({ cpu: this.pick(['100m', '250m', '1', '1500m']) })),
        ...this.maybe(0.6, () => ({ memory: this.pick(['64Mi', '300M', '1Gi']) })),
        ...this.maybe(0.1, () => ({ 'example.com/gpu': '1' })),
        ...this.maybe(0.1, () => ({ 'ephemeral-storage': '4Gi' })),
      },
      image: this.pick(['app:1', 'db:1', 'none:1']),
      isTerminating: nodeName !== undefined && this.#random.float() < 0.1,
      ...(nodeName === undefined ? {} : { nodeName }),
      ...(hostPort === undefined ? {} : { hostPort }),
      spec: {
        ...(affinity === undefined ? {} : { affinity }),
        ...(tolerations === undefined ? {} : { tolerations }),
        ...(spread === undefined ? {} : { topologySpreadConstraints: spread }),
        ...(initContainers === undefined ? {} : { initContainers }),
        ...this.maybe(0.15, () => ({ nodeSelector: { disk: this.pick(['ssd', 'hdd']) } })),
      },
    });
  }

  namespaceLabels(): Readonly<Record<string, string>> {
    return this.maybe(0.6, () => ({ team: this.pick(['a', 'b']) })) ?? {};
  }

  #labels(): Readonly<Record<string, string>> {
    return {
      ...this.maybe(0.8, () => ({ app: this.pick(['web', 'db', 'cache']) })),
      ...this.maybe(0.4, () => ({ version: this.pick(['1', '2']) })),
    };
  }

  #taint(): Taint {
    const effect = this.pick(['NoSchedule', 'PreferNoSchedule', 'NoExecute'] as const);
    return { key: this.pick(['dedicated', 'gpu']), value: this.pick(['a', 'b']), effect };
  }

  #toleration(): Toleration {
    const effect = this.maybe(0.5, () => this.pick(['NoSchedule', 'PreferNoSchedule', 'NoExecute'] as const));
    return {
      ...(effect === undefined ? {} : { effect }),
      ...this.pick<Toleration>([
        { operator: 'Exists' },
        { key: 'gpu', operator: 'Exists' },
        { key: 'dedicated', operator: 'Equal', value: 'a' },
        { key: 'node.kubernetes.io/unschedulable', operator: 'Exists' },
      ]),
    };
  }

  #initContainer(): Container {
    return {
      name: 'init',
      image: 'app:1',
      resources: { requests: { cpu: this.pick(['500m', '2']), memory: '100Mi' } },
    };
  }

  #selector(): LabelSelector {
    return this.pick<LabelSelector>([
      { matchLabels: { app: this.pick(['web', 'db']) } },
      { matchExpressions: [{ key: 'app', operator: 'In', values: ['web', 'cache'] }] },
      { matchExpressions: [{ key: 'version', operator: this.pick(['Exists', 'DoesNotExist']) }] },
      { matchExpressions: [{ key: 'app', operator: 'NotIn', values: ['db'] }] },
      {},
    ]);
  }

  #term(): PodAffinityTerm {
    const labelSelector = this.maybe(0.95, () => this.#selector());
    const namespaces = this.maybe(0.2, () => [this.pick(['default', 'prod'])]);
    const namespaceSelector = this.maybe(0.25, () =>
      this.pick<LabelSelector>([{}, { matchLabels: { team: 'a' } }]),
    );
    return {
      topologyKey: this.pick([HOSTNAME, ZONE, 'disk']),
      ...(labelSelector === undefined ? {} : { labelSelector }),
      ...(namespaces === undefined ? {} : { namespaces }),
      ...(namespaceSelector === undefined ? {} : { namespaceSelector }),
    };
  }

  #affinity(): Affinity {
    const weighted = () => ({ weight: 1 + this.#random.int(100), podAffinityTerm: this.#term() });
    const nodeTerm = (): NodeSelectorTerm => ({
      ...this.maybe(0.3, () => ({
        matchFields: [
          {
            key: 'metadata.name',
            operator: this.pick(['In', 'In', 'NotIn'] as const),
            values: this.some(2, () => `node-${1 + this.#random.int(6)}`),
          },
        ],
      })),
      matchExpressions: [
        this.pick<NodeSelectorRequirement>([
          { key: 'disk', operator: 'In', values: ['ssd'] },
          { key: 'generation', operator: 'Gt', values: ['1'] },
          { key: 'generation', operator: 'Lt', values: ['10'] },
          { key: ZONE, operator: 'NotIn', values: ['z1'] },
        ]),
      ],
    });
    return {
      ...this.maybe(0.3, () => ({
        nodeAffinity: {
          ...this.maybe(0.4, () => ({
            requiredDuringSchedulingIgnoredDuringExecution: {
              nodeSelectorTerms: [nodeTerm(), ...this.some(1, nodeTerm)],
            },
          })),
          preferredDuringSchedulingIgnoredDuringExecution: this.some(2, () => ({
            weight: 1 + this.#random.int(100),
            preference: nodeTerm(),
          })),
        },
      })),
      ...this.maybe(0.4, () => ({
        podAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution:
            this.maybe(0.4, () => this.some(2, () => this.#term())) ?? [],
          preferredDuringSchedulingIgnoredDuringExecution: this.some(2, weighted),
        },
      })),
      ...this.maybe(0.4, () => ({
        podAntiAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution:
            this.maybe(0.5, () => this.some(1, () => this.#term())) ?? [],
          preferredDuringSchedulingIgnoredDuringExecution: this.some(2, weighted),
        },
      })),
    };
  }

  #spread(): TopologySpreadConstraint {
    const isHard = this.#random.float() < 0.5;
    return {
      maxSkew: 1 + this.#random.int(3),
      topologyKey: this.pick([HOSTNAME, ZONE, 'disk']),
      whenUnsatisfiable: isHard ? 'DoNotSchedule' : 'ScheduleAnyway',
      labelSelector: this.#selector(),
      ...(isHard ? this.maybe(0.2, () => ({ minDomains: 1 + this.#random.int(4) })) : {}),
      ...this.maybe(0.3, () => ({ nodeAffinityPolicy: this.pick(['Honor', 'Ignore'] as const) })),
      ...this.maybe(0.3, () => ({ nodeTaintsPolicy: this.pick(['Honor', 'Ignore'] as const) })),
      ...this.maybe(0.2, () => ({ matchLabelKeys: ['version'] })),
    };
  }
}
