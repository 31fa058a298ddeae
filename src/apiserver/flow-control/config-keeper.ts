import type { ApiObject } from '#api/object.ts';
import type { ResourceType } from '#api/resource-type.ts';
import { isNotFound } from '#api/status-error.ts';
import type {
  FlowSchema,
  FlowSchemaCondition,
  PriorityLevelConfiguration,
} from '#api/types/flowcontrol.v1.ts';
import { FLOW_SCHEMA, PRIORITY_LEVEL_CONFIGURATION } from '#api/types/resources.ts';
import type { Clock } from '#base/clock.ts';
import { jsonEqual } from '#base/json-equal.ts';
import type { Logger } from '#base/log.ts';
import type { ApiCall, ApiResult } from '../endpoints/api-call.ts';
import type { ObjectReader } from '../object-reader.ts';
import { timestamp } from '../registry/metadata.ts';
import {
  AUTO_UPDATE,
  EXEMPT,
  MANDATORY_LEVELS,
  MANDATORY_SCHEMAS,
  SUGGESTED_LEVELS,
  SUGGESTED_SCHEMAS,
} from './bootstrap-config.ts';

type ConfigObject = FlowSchema | PriorityLevelConfiguration;

export interface ConfigKeeperDeps {
  readonly handle: (call: ApiCall) => Promise<ApiResult>;
  readonly reader: ObjectReader;
  readonly isDangling: (schema: FlowSchema) => boolean;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Names by which `managedFields` shows who wrote what; upstream's. */
const PRODUCER = 'api-priority-and-fairness-config-producer-v1';
const CONSUMER = 'api-priority-and-fairness-config-consumer-v1';

/** The server's objects are looked at this often: one that was deleted comes back. */
const ENSURE_MS = 60_000;

const SELF = { name: 'system:apiserver', groups: ['system:masters', 'system:authenticated'], extra: {} };

/**
 * Keeps the server's own FlowSchemas and PriorityLevelConfigurations as they should be, except where an
 * administrator took them over, and writes into every schema's status whether its level is there.
 */
export class ConfigKeeper {
  readonly #deps: ConfigKeeperDeps;
  #isEnsured = false;
  #wake: () => void = () => undefined;

  constructor(deps: ConfigKeeperDeps) {
    this.#deps = deps;
  }

  /** True once the server's own objects are all there. */
  get isEnsured(): boolean {
    return this.#isEnsured;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { reader, clock, log } = this.#deps;
    const wakeUp = (): void => this.#wake();
    const ends = [
      reader.onChange(FLOW_SCHEMA, wakeUp),
      reader.onChange(PRIORITY_LEVEL_CONFIGURATION, wakeUp),
    ];
    signal.addEventListener('abort', wakeUp);
    let ensureAtMs = clock.monotonicMs();
    try {
      while (!signal.aborted) {
        const changed = new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        try {
          if (clock.monotonicMs() >= ensureAtMs) {
            ensureAtMs = clock.monotonicMs() + ENSURE_MS;
            await this.#ensure();
          }
          await this.#writeStatuses();
        } catch (error) {
          log.warn('keep the objects of flow control', { error });
        }
        await this.#sleep(changed, ensureAtMs - clock.monotonicMs());
      }
    } finally {
      signal.removeEventListener('abort', wakeUp);
      ends.forEach((end) => end());
    }
  }

  async #sleep(changed: Promise<void>, untilMs: number): Promise<void> {
    const timer = this.#deps.clock.schedule(untilMs, () => this.#wake());
    await changed;
    timer.cancel();
  }

  async #ensure(): Promise<void> {
    await Promise.all([
      this.#ensureAll(PRIORITY_LEVEL_CONFIGURATION, SUGGESTED_LEVELS, false),
      this.#ensureAll(PRIORITY_LEVEL_CONFIGURATION, MANDATORY_LEVELS, true),
      this.#ensureAll(FLOW_SCHEMA, SUGGESTED_SCHEMAS, false),
      this.#ensureAll(FLOW_SCHEMA, MANDATORY_SCHEMAS, true),
    ]);
    await this.#removeUnwanted(FLOW_SCHEMA, [...SUGGESTED_SCHEMAS, ...MANDATORY_SCHEMAS]);
    await this.#removeUnwanted(PRIORITY_LEVEL_CONFIGURATION, [...SUGGESTED_LEVELS, ...MANDATORY_LEVELS]);
    this.#isEnsured = true;
  }

  async #ensureAll<T extends ConfigObject>(
    type: ResourceType<T>,
    objects: readonly T[],
    isMandatory: boolean,
  ): Promise<void> {
    await Promise.all(objects.map((wanted) => this.#ensureOne(type, wanted, isMandatory)));
  }

  async #ensureOne<T extends ConfigObject>(
    type: ResourceType<T>,
    wanted: T,
    isMandatory: boolean,
  ): Promise<void> {
    const current = this.#deps.reader.get(type, '', wanted.metadata.name);
    if (current === undefined) {
      const { name, annotations } = wanted.metadata;
      await this.#send(
        type,
        { verb: 'create', manager: PRODUCER },
        { ...wanted, metadata: { name, annotations } },
      );
      return;
    }
    const revised = revise(current, wanted, isMandatory);
    if (revised !== undefined) {
      await this.#send(type, { verb: 'update', name: wanted.metadata.name, manager: PRODUCER }, revised);
    }
  }

  /** Objects of an earlier version that this one no longer has, unless they were taken over. */
  async #removeUnwanted<T extends ConfigObject>(type: ResourceType<T>, wanted: readonly T[]): Promise<void> {
    const names = new Set(wanted.map(({ metadata }) => metadata.name));
    for (const { metadata } of this.#deps.reader.list(type, '')) {
      if (!names.has(metadata.name) && metadata.annotations?.[AUTO_UPDATE] === 'true') {
        await this.#send(type, { verb: 'delete', name: metadata.name, manager: PRODUCER }, undefined);
      }
    }
  }

  async #writeStatuses(): Promise<void> {
    const { reader, isDangling, clock } = this.#deps;
    const writes = reader.list(FLOW_SCHEMA, '').map(async (schema) => {
      const wanted = danglingCondition(schema, isDangling(schema));
      const current = schema.status.conditions?.find(({ type }) => type === 'Dangling');
      if (
        current?.status !== wanted.status ||
        current?.reason !== wanted.reason ||
        current?.message !== wanted.message
      ) {
        await this.#applyStatus(schema, { ...wanted, lastTransitionTime: timestamp(clock) });
      }
    });
    await Promise.all(writes);
  }

  async #applyStatus(
    { apiVersion, kind, metadata }: FlowSchema,
    condition: FlowSchemaCondition,
  ): Promise<void> {
    const body = { apiVersion, kind, metadata: { name: metadata.name }, status: { conditions: [condition] } };
    await this.#send(
      FLOW_SCHEMA,
      { verb: 'patch', name: metadata.name, subresource: 'status', manager: CONSUMER },
      body,
    );
  }

  /** What is gone already needs nothing more; everything else is tried again at the next look. */
  async #send<T extends ApiObject>(
    type: ResourceType<T>,
    request: SelfRequest,
    body: unknown,
  ): Promise<void> {
    try {
      await this.#deps.handle(callOf(type, request, body));
    } catch (error) {
      if (!isNotFound(error)) {
        throw error;
      }
    }
  }
}

interface SelfRequest {
  readonly verb: 'create' | 'update' | 'patch' | 'delete';
  readonly name?: string;
  readonly subresource?: string;
  readonly manager: string;
}

/** An apply is the only patch that is sent here. */
function callOf(
  { group, version, resource }: ResourceType<unknown>,
  { verb, name = '', subresource = '', manager }: SelfRequest,
  object: unknown,
): ApiCall {
  const path = ['/apis', group, version, resource, name, subresource].filter((part) => part !== '').join('/');
  const isApply = verb === 'patch';
  return {
    info: {
      verb,
      path,
      isResource: true,
      group,
      version,
      resource,
      subresource,
      namespace: '',
      name,
      rest: [],
    },
    query: new URLSearchParams({ fieldManager: manager, ...(isApply ? { force: 'true' } : {}) }),
    user: SELF,
    userAgent: 'kube-apiserver',
    body:
      object === undefined
        ? undefined
        : {
            kind: 'object',
            object,
            contentType: isApply ? 'application/apply-patch+yaml' : 'application/json',
          },
    wantsAggregatedDiscovery: false,
    signal: new AbortController().signal,
    warnings: [],
  };
}

/** Undefined where nothing is to be changed. An administrator takes an object over by its annotation, or by a change. */
function revise<T extends ConfigObject>(current: T, wanted: T, isMandatory: boolean): T | undefined {
  const said = current.metadata.annotations?.[AUTO_UPDATE];
  const isKept =
    isMandatory ||
    (said === 'true' || said === 'false' ? said === 'true' : current.metadata.generation === 1);
  const isMarked = said === String(isKept);
  const isCurrent = !isKept || jsonEqual(withKeptShares(wanted, current).spec, current.spec);
  if (isMarked && isCurrent) {
    return undefined;
  }
  const annotations = { ...current.metadata.annotations, [AUTO_UPDATE]: String(isKept) };
  return {
    ...current,
    metadata: { ...current.metadata, annotations },
    spec: isCurrent ? current.spec : wanted.spec,
  };
}

/** How many seats the exempt level counts for is the administrator's to say. */
function withKeptShares<T extends ConfigObject>(wanted: T, current: T): T {
  return wanted.metadata.name === EXEMPT && 'exempt' in wanted.spec && 'exempt' in current.spec
    ? { ...wanted, spec: { ...wanted.spec, exempt: current.spec.exempt } }
    : wanted;
}

function danglingCondition({ spec }: FlowSchema, isDangling: boolean): FlowSchemaCondition {
  const level = JSON.stringify(spec.priorityLevelConfiguration.name);
  const sentence = `This FlowSchema references the PriorityLevelConfiguration object named ${level}`;
  return {
    type: 'Dangling',
    status: isDangling ? 'True' : 'False',
    reason: isDangling ? 'NotFound' : 'Found',
    message: isDangling ? `${sentence} but there is no such object` : `${sentence} and it exists`,
  };
}
