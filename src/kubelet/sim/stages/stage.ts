import { parseDurationMs, parseTime } from '#api/time.ts';
import type { Random } from '#base/random.ts';
import { StageError } from './stage-error.ts';
import { parseStagePath, type StagePath } from './stage-path.ts';
import { parseStageTemplate, type StageTemplate } from './stage-template.ts';

/** What a stage does when its time has come, in this order. */
export interface StageNext {
  readonly event: { readonly type: string; readonly reason: string; readonly message: string } | undefined;
  readonly finalizers:
    | { readonly add: readonly string[]; readonly remove: readonly string[]; readonly isEmptied: boolean }
    | undefined;
  readonly isDelete: boolean;
  readonly patches: readonly StagePatch[];
  /** Looks for the stage after it at once, and not when the object changes. */
  readonly isImmediate: boolean;
}

export interface StagePatch {
  readonly subresource: string;
  readonly type: 'merge' | 'strategic';
  readonly template: StageTemplate;
}

/** A rule of how simulated objects live: kwok's `Stage`, `kwok.x-k8s.io/v1alpha1`. */
export interface Stage {
  readonly name: string;
  readonly kind: 'Pod' | 'Node';
  matches(object: unknown): boolean;
  weight(object: unknown): number;
  delayMs(object: unknown, chance: { readonly random: Random; readonly nowMs: number }): number;
  readonly next: StageNext;
}

type Fields = Readonly<Record<string, unknown>>;

export const STAGE_API_VERSION = 'kwok.x-k8s.io/v1alpha1';

/** @throws {StageError} no Stage, or one that asks for what is not supported */
export function parseStage(manifest: unknown): Stage {
  const { apiVersion, kind, metadata, spec } = fieldsOf(manifest, 'a Stage');
  if (apiVersion !== STAGE_API_VERSION || kind !== 'Stage') {
    throw new StageError(`a Stage has apiVersion ${STAGE_API_VERSION} and kind Stage`);
  }
  const name = fieldsOf(metadata, 'metadata')['name'];
  if (typeof name !== 'string') {
    throw new StageError('a Stage needs metadata.name');
  }
  try {
    return parseSpec(name, fieldsOf(spec, 'spec'));
  } catch (error) {
    if (error instanceof StageError) {
      throw new StageError(`Stage ${name}: ${error.message}`, { cause: error });
    }
    throw error;
  }
}

function parseSpec(name: string, spec: Fields): Stage {
  const known = ['resourceRef', 'selector', 'weight', 'weightFrom', 'delay', 'next'];
  refuseOthers(spec, known, 'spec');
  const { kind } = fieldsOf(spec['resourceRef'], 'spec.resourceRef');
  if (kind !== 'Pod' && kind !== 'Node') {
    throw new StageError('spec.resourceRef.kind is not supported: Pod and Node are');
  }
  const weightFrom = expressionOf(spec['weightFrom'], 'spec.weightFrom');
  const weight = typeof spec['weight'] === 'number' ? spec['weight'] : 0;
  return {
    name,
    kind,
    matches: parseSelector(fieldsOf(spec['selector'] ?? {}, 'spec.selector')),
    weight: (object) => Number(weightFrom?.(object)[0] ?? weight),
    delayMs: parseDelay(fieldsOf(spec['delay'] ?? {}, 'spec.delay')),
    next: parseNext(fieldsOf(spec['next'] ?? {}, 'spec.next')),
  };
}

function parseSelector(selector: Fields): Stage['matches'] {
  refuseOthers(selector, ['matchLabels', 'matchAnnotations', 'matchExpressions'], 'spec.selector');
  const labels = Object.entries(fieldsOf(selector['matchLabels'] ?? {}, 'matchLabels'));
  const annotations = Object.entries(fieldsOf(selector['matchAnnotations'] ?? {}, 'matchAnnotations'));
  const expressions = listOf(selector['matchExpressions'], 'matchExpressions').map(parseExpression);
  const has = (object: unknown, field: string, wanted: readonly (readonly [string, unknown])[]): boolean => {
    const metadata = (object as { readonly metadata?: Fields }).metadata;
    const found = (metadata?.[field] ?? {}) as Fields;
    return wanted.every(([key, value]) => found[key] === value);
  };
  return (object) =>
    has(object, 'labels', labels) &&
    has(object, 'annotations', annotations) &&
    expressions.every((holds) => holds(object));
}

function parseExpression(source: unknown): Stage['matches'] {
  const { key, operator, values } = fieldsOf(source, 'matchExpressions');
  const path = parseStagePath(String(key));
  const wanted = new Set(listOf(values, 'values').map(String));
  const isAmong = (object: unknown): boolean => path(object).some((value) => wanted.has(String(value)));
  switch (operator) {
    case 'In':
      return isAmong;
    case 'NotIn':
      return (object) => !isAmong(object);
    case 'Exists':
      return (object) => path(object).length > 0;
    case 'DoesNotExist':
      return (object) => path(object).length === 0;
    default:
      throw new StageError(`the operator ${String(operator)} is none of In, NotIn, Exists, DoesNotExist`);
  }
}

function parseDelay(delay: Fields): Stage['delayMs'] {
  const known = ['durationMilliseconds', 'durationFrom', 'jitterDurationMilliseconds', 'jitterDurationFrom'];
  refuseOthers(delay, known, 'spec.delay');
  const duration = numberOf(delay['durationMilliseconds']);
  const durationFrom = expressionOf(delay['durationFrom'], 'spec.delay.durationFrom');
  const jitter = numberOf(delay['jitterDurationMilliseconds']);
  const jitterFrom = expressionOf(delay['jitterDurationFrom'], 'spec.delay.jitterDurationFrom');
  return (object, { random, nowMs }) => {
    const fromMs = msOf(durationFrom?.(object)[0], nowMs) ?? duration ?? 0;
    const toMs = msOf(jitterFrom?.(object)[0], nowMs) ?? jitter;
    // A jitter below the delay takes its place.
    return toMs === undefined || toMs <= fromMs
      ? Math.max(toMs ?? fromMs, 0)
      : fromMs + Math.floor(random.float() * (toMs - fromMs));
  };
}

/** A length in Go's form, or how long it is until a time. */
function msOf(value: unknown, nowMs: number): number | undefined {
  if (typeof value !== 'string') {
    return undefined;
  }
  const timeMs = parseTime(value);
  return timeMs === undefined ? parseDurationMs(value) : Math.max(timeMs - nowMs, 0);
}

function parseNext(next: Fields): StageNext {
  const known = [
    'event',
    'finalizers',
    'delete',
    'statusTemplate',
    'statusPatch',
    'statusSubresource',
    'patches',
    'immediateNextStage',
  ];
  refuseOthers(next, known, 'spec.next');
  const { event, finalizers, statusTemplate, statusPatch, statusSubresource = 'status' } = next;
  const status = statusPatch ?? statusTemplate;
  const patches = listOf(next['patches'], 'spec.next.patches').map(parsePatch);
  return {
    event: event === undefined ? undefined : parseEvent(fieldsOf(event, 'spec.next.event')),
    finalizers:
      finalizers === undefined ? undefined : parseFinalizers(fieldsOf(finalizers, 'spec.next.finalizers')),
    isDelete: next['delete'] === true,
    patches:
      status === undefined
        ? patches
        : [
            ...patches,
            patchBelow('status', status, { subresource: String(statusSubresource), type: 'strategic' }),
          ],
    isImmediate: next['immediateNextStage'] === true,
  };
}

function parsePatch(source: unknown): StagePatch {
  const fields = fieldsOf(source, 'spec.next.patches');
  refuseOthers(fields, ['root', 'subresource', 'template', 'type'], 'spec.next.patches');
  const { root = '', subresource = '', template, type = 'merge' } = fields;
  if (type !== 'merge' && type !== 'strategic') {
    throw new StageError(`patches of type ${String(type)} are not supported: merge and strategic are`);
  }
  return patchBelow(String(root), template, { subresource: String(subresource), type });
}

function patchBelow(root: string, source: unknown, options: Omit<StagePatch, 'template'>): StagePatch {
  const template = parseStageTemplate(source);
  return {
    ...options,
    template: root === '' ? template : (context) => ({ [root]: template(context) }),
  };
}

function parseEvent({ type = 'Normal', reason = '', message = '' }: Fields): StageNext['event'] {
  return { type: String(type), reason: String(reason), message: String(message) };
}

function parseFinalizers({ add, remove, empty }: Fields): StageNext['finalizers'] {
  const names = (list: unknown): readonly string[] =>
    listOf(list, 'spec.next.finalizers').map((item) => String(fieldsOf(item, 'a finalizer')['value']));
  return { add: names(add), remove: names(remove), isEmptied: empty === true };
}

function expressionOf(source: unknown, where: string): StagePath | undefined {
  if (source === undefined || source === null) {
    return undefined;
  }
  const fields = fieldsOf(source, where);
  refuseOthers(fields, ['expressionFrom'], where);
  return parseStagePath(String(fields['expressionFrom']));
}

function numberOf(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined;
}

function fieldsOf(value: unknown, where: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new StageError(`${where} is no object`);
  }
  return value as Fields;
}

function listOf(value: unknown, where: string): readonly unknown[] {
  if (value === undefined || value === null) {
    return [];
  }
  if (!Array.isArray(value)) {
    throw new StageError(`${where} is no list`);
  }
  return value;
}

function refuseOthers(fields: Fields, known: readonly string[], where: string): void {
  const other = Object.keys(fields).find((key) => !known.includes(key));
  if (other !== undefined) {
    throw new StageError(`${where}.${other} is not supported: ${known.join(', ')} are`);
  }
}
