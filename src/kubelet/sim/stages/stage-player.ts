import type { ApiObject, DeepPartial } from '#api/object.ts';
import type { ResourceType } from '#api/resource-type.ts';
import type { Clock } from '#base/clock.ts';
import type { Random } from '#base/random.ts';
import type { Client } from '#client/client.ts';
import type { EventRecorder } from '#client/event-recorder.ts';
import type { Stage, StageNext } from './stage.ts';
import type { TemplateContext } from './stage-template.ts';

export interface StagePlayerDeps {
  readonly client: Client;
  readonly clock: Clock;
  readonly random: Random;
  /** Made when the first stage with an event is played. */
  readonly events: () => EventRecorder;
}

/** The rules simulated objects live by, beside those built in, and the means to follow them. */
export class StagePlayer {
  readonly #deps: StagePlayerDeps;
  readonly #stages = new Map<string, Stage>();

  constructor(deps: StagePlayerDeps) {
    this.#deps = deps;
  }

  /** Adds a stage, or replaces the one of its name. */
  add(stage: Stage): void {
    this.#stages.set(stage.name, stage);
  }

  named(name: string): Stage | undefined {
    return this.#stages.get(name);
  }

  /** Those the object is in. */
  matching(kind: Stage['kind'], object: unknown): readonly Stage[] {
    return this.#stages.size === 0
      ? []
      : [...this.#stages.values()].filter((stage) => stage.kind === kind && stage.matches(object));
  }

  /** One of those that match, by weight; without weights each is as likely. */
  choose(
    matching: readonly Stage[],
    object: unknown,
  ): { readonly stage: Stage; readonly delayMs: number } | undefined {
    const { random, clock } = this.#deps;
    const weights = matching.map((stage) => Math.max(stage.weight(object), 0));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    let left = matching.length < 2 ? 0 : random.float() * (total === 0 ? matching.length : total);
    const stage = matching.find((_, index) => {
      left -= total === 0 ? 1 : (weights[index] ?? 0);
      return left < 0 || matching.length === 1;
    });
    return stage && { stage, delayMs: stage.delayMs(object, { random, nowMs: clock.nowMs() }) };
  }

  /** Does what a stage does next, and returns the object as it is then; undefined when it was deleted. */
  async play<T extends ApiObject>(
    { next }: Stage,
    resource: ResourceType<T>,
    object: T,
    { signal, ...context }: Pick<TemplateContext, 'nodeIp' | 'podIp'> & { readonly signal: AbortSignal },
  ): Promise<T | undefined> {
    const { client, clock, events } = this.#deps;
    const objects = client.of(resource);
    const { namespace = '', name, uid } = object.metadata;
    const { event, isDelete, patches } = next;
    if (event !== undefined) {
      events().event(object, event.type === 'Warning' ? 'Warning' : 'Normal', event.reason, event.message);
    }
    let current = object;
    const finalizers = finalizersAfter(object, next.finalizers);
    if (finalizers !== undefined) {
      const patch = { metadata: { uid, finalizers } };
      current = await objects.patch(namespace, name, patch as DeepPartial<T>, { type: 'merge' }, signal);
    }
    if (isDelete) {
      const preconditions = { uid };
      await objects.delete(namespace, name, { gracePeriodSeconds: 0, preconditions }, signal);
      return undefined;
    }
    for (const { subresource, type, template } of patches) {
      // What the template makes is the server's to check.
      const patch = template({ object: current, nowMs: clock.nowMs(), ...context }) as DeepPartial<T>;
      const query = subresource === '' ? { type } : { type, subresource };
      current = await objects.patch(namespace, name, patch, query, signal);
    }
    return current;
  }
}

/** Undefined when they stay as they are. */
function finalizersAfter(
  { metadata }: ApiObject,
  change: StageNext['finalizers'],
): readonly string[] | undefined {
  if (change === undefined) {
    return undefined;
  }
  const before = metadata.finalizers ?? [];
  const kept = change.isEmptied ? [] : before.filter((name) => !change.remove.includes(name));
  const after = [...kept, ...change.add.filter((name) => !kept.includes(name))];
  return after.length === before.length && after.every((name) => before.includes(name)) ? undefined : after;
}
