import type { Node } from '#api/types/core.v1.ts';
import type { Clock } from '#base/clock.ts';
import { isNodeReady } from './node-health.ts';

const ZONE_LABEL = 'topology.kubernetes.io/zone';
const REGION_LABEL = 'topology.kubernetes.io/region';
/** One node in ten seconds loses its pods while most of its zone is well… */
const INTERVAL_MS = 10_000;
/** …one in a hundred seconds in a large zone that is not, and none in a small one. */
const INTERVAL_DISRUPTED_MS = 100_000;
const UNHEALTHY_SHARE = 0.55;
const LARGE_ZONE = 50;

/**
 * How fast nodes may lose their pods, zone by zone. When many nodes fall silent at once the network is the
 * likelier culprit, and moving their pods would only make it worse.
 */
export class EvictionPace {
  readonly #clock: Clock;
  readonly #nextMs = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Zero when the node's turn is now, and then its turn is taken; else milliseconds to wait; undefined for "not at all". */
  waitMs(node: Node, allNodes: readonly Node[]): number | undefined {
    const zone = zoneOf(node);
    const intervalMs = intervalOf(allNodes.filter((other) => zoneOf(other) === zone));
    if (intervalMs === undefined) {
      return undefined;
    }
    const nowMs = this.#clock.monotonicMs();
    const nextMs = this.#nextMs.get(zone) ?? nowMs;
    if (nextMs > nowMs) {
      return nextMs - nowMs;
    }
    this.#nextMs.set(zone, nowMs + intervalMs);
    return 0;
  }
}

function intervalOf(zone: readonly Node[]): number | undefined {
  const unready = zone.filter((node) => !isNodeReady(node)).length;
  const isDisrupted = unready > 2 && unready / zone.length >= UNHEALTHY_SHARE;
  if (!isDisrupted || unready === zone.length) {
    // A zone without any node that works is taken for one whose pods are better off elsewhere.
    return INTERVAL_MS;
  }
  return zone.length > LARGE_ZONE ? INTERVAL_DISRUPTED_MS : undefined;
}

function zoneOf({ metadata }: Node): string {
  return `${metadata.labels?.[REGION_LABEL] ?? ''}:${metadata.labels?.[ZONE_LABEL] ?? ''}`;
}
