import type { FlowSchema, PriorityLevelConfiguration } from '#api/types/flowcontrol.v1.ts';
import { assert } from '#base/assert.ts';
import type { Clock } from '#base/clock.ts';
import { CATCH_ALL, EXEMPT, MANDATORY_LEVELS, MANDATORY_SCHEMAS } from './bootstrap-config.ts';
import type { FlowMetrics, FlowSeries } from './flow-metrics.ts';
import { isUsable, limitsOf, sharesOf } from './level-limits.ts';
import { PriorityLevel } from './priority-level.ts';

/** Everything a request of one schema needs, put together once. */
export interface Flow {
  readonly schema: FlowSchema;
  readonly level: PriorityLevel;
  readonly series: FlowSeries;
  /** Say which objects decided, by UID: names could tell a client more than it should know. */
  readonly headers: Readonly<Record<string, string>>;
}

export interface FlowConfigDeps {
  readonly metrics: FlowMetrics;
  readonly clock: Clock;
  /** Seats of the whole server. */
  readonly serverSeats: number;
}

/** The stored FlowSchemas and PriorityLevelConfigurations, as the levels and the order of rules they come to. */
export class FlowConfig {
  readonly #deps: FlowConfigDeps;
  #levels: ReadonlyMap<string, PriorityLevel> = new Map();
  #flows: readonly Flow[] = [];
  #catchAll: Flow | undefined;

  constructor(deps: FlowConfigDeps) {
    this.#deps = deps;
  }

  get levels(): ReadonlyMap<string, PriorityLevel> {
    return this.#levels;
  }

  /** In the order in which they are tried. */
  get flows(): readonly Flow[] {
    return this.#flows;
  }

  /** Where a request goes that nothing matches. */
  get catchAll(): Flow {
    assert(this.#catchAll !== undefined, 'the mandatory schemas are always there');
    return this.#catchAll;
  }

  /** True while the schema's level is not there, or contradicts itself. */
  isDangling({ spec }: FlowSchema): boolean {
    const level = this.#levels.get(spec.priorityLevelConfiguration.name);
    return level === undefined || level.isQuiescing || level.config.metadata.uid === '';
  }

  digest(configs: readonly PriorityLevelConfiguration[], schemas: readonly FlowSchema[]): void {
    const fresh = this.#digestLevels(configs.filter(isUsable));
    this.#setLimits(fresh);
    this.#flows = this.#orderFlows(schemas);
    this.#catchAll = this.#flows.find(({ schema }) => schema.metadata.name === CATCH_ALL);
  }

  /** Levels that are new; the rest keep their queues, and deleted ones stay until they are empty. */
  #digestLevels(configs: readonly PriorityLevelConfiguration[]): ReadonlySet<PriorityLevel> {
    const wanted = new Map(configs.map((config) => [config.metadata.name, config]));
    for (const imagined of MANDATORY_LEVELS) {
      const { name } = imagined.metadata;
      wanted.set(name, wanted.get(name) ?? imagined);
    }
    const levels = new Map<string, PriorityLevel>();
    const fresh = new Set<PriorityLevel>();
    for (const [name, config] of wanted) {
      let level = this.#levels.get(name);
      if (level === undefined) {
        level = new PriorityLevel(config, this.#deps.clock.monotonicMs());
        fresh.add(level);
      }
      level.config = config;
      level.isQuiescing = false;
      levels.set(name, level);
    }
    for (const [name, level] of this.#levels) {
      if (!levels.has(name) && !level.queues.isIdle) {
        level.isQuiescing = true;
        levels.set(name, level);
      }
    }
    this.#levels = levels;
    return fresh;
  }

  #setLimits(fresh: ReadonlySet<PriorityLevel>): void {
    const { metrics, serverSeats } = this.#deps;
    const shareSum = [...this.#levels.values()].reduce((sum, { config }) => sum + sharesOf(config), 0);
    for (const level of this.#levels.values()) {
      level.configure(limitsOf(level.config, { serverSeats, shareSum }), fresh.has(level));
      metrics.setLimits(level.name, level.limits);
    }
  }

  #orderFlows(schemas: readonly FlowSchema[]): readonly Flow[] {
    const usable = schemas
      .filter(({ spec }) => {
        const level = this.#levels.get(spec.priorityLevelConfiguration.name);
        return level !== undefined && !level.isQuiescing;
      })
      .toSorted(byPrecedence);
    const names = new Set(usable.map(({ metadata }) => metadata.name));
    const imagined = MANDATORY_SCHEMAS.filter(({ metadata }) => !names.has(metadata.name));
    const first = imagined.filter(({ metadata }) => metadata.name === EXEMPT);
    const last = imagined.filter(({ metadata }) => metadata.name !== EXEMPT);
    return [...first, ...usable, ...last].map((schema) => this.#flowOf(schema));
  }

  #flowOf(schema: FlowSchema): Flow {
    const level = this.#levels.get(schema.spec.priorityLevelConfiguration.name);
    assert(level !== undefined, 'a schema in use has its level');
    return {
      schema,
      level,
      series: level.seriesOf(schema.metadata.name, this.#deps.metrics),
      headers: {
        'x-kubernetes-pf-flowschema-uid': schema.metadata.uid,
        'x-kubernetes-pf-prioritylevel-uid': level.config.metadata.uid,
      },
    };
  }
}

/** Smaller numbers first, and names where those are the same. */
function byPrecedence(left: FlowSchema, right: FlowSchema): number {
  return (
    left.spec.matchingPrecedence - right.spec.matchingPrecedence ||
    (left.metadata.name < right.metadata.name ? -1 : 1)
  );
}
