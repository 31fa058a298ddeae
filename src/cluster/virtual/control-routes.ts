import type { ApiObject } from '#api/object.ts';
import { durationMs, type Duration } from '#base/duration.ts';
import type { FaultEffect, RequestFilter } from '#testing/faults.ts';
import { exists, isAvailable, isComplete, isGone, isReady, type Predicate } from '#testing/predicates.ts';
import type { LeapOptions } from '#testing/cluster-handles.ts';
import type { TestCluster } from '#testing/test-cluster.ts';
import type { Outsiders } from './outsiders.ts';
import type { RunningClock } from './running-clock.ts';

/** What was asked cannot be done, with the HTTP status that says so. */
export class ControlError extends Error {
  override readonly name = 'ControlError';
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

type Body = Readonly<Record<string, unknown>>;

export interface Route {
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE';
  /** Its one group is the parameter. */
  readonly path: RegExp;
  readonly answer: (body: Body, parameter: string) => unknown;
}

const UNITS: readonly (keyof Duration)[] = ['days', 'hours', 'minutes', 'seconds', 'milliseconds'];
/** How long programs over HTTPS have to be quiet before time goes on, unless told otherwise. */
const PATIENCE_MS = 50;

const EFFECTS: ReadonlySet<unknown> = new Set<FaultEffect['kind']>([
  'refuse',
  'delay',
  'lose-request',
  'lose-answer',
  'drop-watch',
  'expire-watch',
  'delay-events',
]);
const FILTER_FIELDS: ReadonlySet<string> = new Set([
  'verb',
  'resource',
  'namespace',
  'name',
  'user',
  'share',
  'times',
]);

const PREDICATES: Readonly<Record<string, Predicate>> = {
  available: isAvailable,
  complete: isComplete,
  exists,
  gone: isGone,
  ready: isReady,
};

/** What the routes work on. */
export interface ControlDeps {
  readonly cluster: TestCluster;
  readonly clock: RunningClock;
  readonly outsiders: Outsiders;
  /** Writes the cluster into its data directory. */
  readonly save: () => Promise<void>;
}

/** Everything the control server answers, each under `/v1`. */
export function createRoutes(deps: ControlDeps): readonly Route[] {
  const faults = new Map<string, Disposable>();
  const { cluster, clock, save } = deps;
  return [
    ...clockRoutes(deps),
    ...nodeRoutes(cluster),
    ...faultRoutes(cluster, faults),
    {
      method: 'POST',
      path: /^\/v1\/reset$/,
      answer: async () => {
        faults.clear();
        await clock.exclusively(() => cluster.reset());
        return timeOf(deps);
      },
    },
    {
      method: 'POST',
      path: /^\/v1\/save$/,
      answer: async () => {
        await clock.exclusively(save);
        return timeOf(deps);
      },
    },
    { method: 'GET', path: /^\/v1\/timeline$/, answer: () => ({ lines: cluster.timeline() }) },
  ];
}

function timeOf({ cluster, clock }: ControlDeps): object {
  return { now: cluster.clock.now().toISOString(), rate: clock.rate };
}

function clockRoutes(deps: ControlDeps): readonly Route[] {
  const { cluster, clock } = deps;
  const moved = async (work: () => Promise<unknown>): Promise<object> => {
    await clock.exclusively(work);
    return timeOf(deps);
  };
  return [
    { method: 'GET', path: /^\/v1\/clock$/, answer: () => timeOf(deps) },
    {
      method: 'PUT',
      path: /^\/v1\/clock$/,
      answer: ({ rate }) => {
        if (typeof rate !== 'number' || !(rate >= 0)) {
          throw new ControlError(400, 'rate is a number of seconds per second, 0 to stand still');
        }
        clock.run(rate);
        return timeOf(deps);
      },
    },
    {
      method: 'POST',
      path: /^\/v1\/clock\/advance$/,
      answer: ({ patience, ...length }) =>
        moved(() => cluster.clock.advance(durationOf(length), leapOptions(deps, patience))),
    },
    { method: 'POST', path: /^\/v1\/clock\/settle$/, answer: () => moved(() => cluster.clock.settle()) },
    {
      method: 'POST',
      path: /^\/v1\/clock\/until$/,
      answer: (body) => clock.exclusively(async () => (await until(deps, body)) ?? {}),
    },
  ];
}

function nodeRoutes(cluster: TestCluster): readonly Route[] {
  return [
    { method: 'GET', path: /^\/v1\/nodes$/, answer: () => ({ nodes: cluster.nodeNames }) },
    ...(['crash', 'partition', 'recover'] as const).map((what): Route => ({
      method: 'POST',
      path: new RegExp(`^/v1/nodes/([^/]+)/${what}$`),
      answer: (_, name) => {
        cluster.node(name)[what]();
        return { name, done: what };
      },
    })),
  ];
}

function faultRoutes(cluster: TestCluster, faults: Map<string, Disposable>): readonly Route[] {
  let made = 0;
  return [
    {
      method: 'POST',
      path: /^\/v1\/faults$/,
      answer: (body) => {
        const id = String(++made);
        faults.set(id, cluster.fault(filterOf(body), effectOf(body)));
        return { id };
      },
    },
    {
      method: 'DELETE',
      path: /^\/v1\/faults$/,
      answer: () => {
        cluster.clearFaults();
        faults.clear();
      },
    },
    {
      method: 'DELETE',
      path: /^\/v1\/faults\/([^/]+)$/,
      answer: (_, id) => {
        const fault = faults.get(id);
        if (fault === undefined) {
          throw new ControlError(404, `there is no fault ${id}`);
        }
        fault[Symbol.dispose]();
        faults.delete(id);
      },
    },
  ];
}

async function until(deps: ControlDeps, body: Body): Promise<ApiObject | undefined> {
  const { object, is, condition, namespace, within, patience } = body;
  if (typeof object !== 'string' || !object.includes('/')) {
    throw new ControlError(400, 'object names one, as deployment/web');
  }
  return deps.cluster.until(object, predicateOf(is, condition), {
    ...leapOptions(deps, patience),
    ...(typeof namespace === 'string' ? { namespace } : {}),
    ...(within === undefined ? {} : { within: durationOf(within) }),
  });
}

/** Time waits for programs that watch the cluster, so that it does not run away from them. */
function leapOptions({ outsiders }: ControlDeps, patience: unknown): LeapOptions {
  const patienceMs = patience === undefined ? PATIENCE_MS : durationMs(durationOf(patience));
  return { beforeLeap: () => outsiders.untilQuiet(patienceMs) };
}

function predicateOf(is: unknown, condition: unknown): Predicate {
  if (typeof condition === 'string') {
    const holds = (object: ApiObject | undefined): boolean => hasCondition(object, condition);
    return Object.defineProperty(holds, 'name', { value: condition });
  }
  const predicate = typeof is === 'string' && Object.hasOwn(PREDICATES, is) ? PREDICATES[is] : undefined;
  if (predicate === undefined) {
    throw new ControlError(
      400,
      `say "condition": a type of condition, or "is": one of ${Object.keys(PREDICATES).join(', ')}`,
    );
  }
  return predicate;
}

function hasCondition(object: ApiObject | undefined, wanted: string): boolean {
  const { status } = (object ?? {}) as {
    readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
  };
  return status?.conditions?.some(({ type, status: is }) => type === wanted && is === 'True') ?? false;
}

function durationOf(value: unknown): Duration {
  const parts = Object.entries((value ?? {}) as Body);
  const isGood = ([unit, count]: readonly [string, unknown]): boolean =>
    UNITS.includes(unit as keyof Duration) && typeof count === 'number' && count >= 0;
  if (parts.length === 0 || !parts.every(isGood)) {
    throw new ControlError(400, `a length of time is an object of ${UNITS.join(', ')}`);
  }
  return Object.fromEntries(parts);
}

function filterOf({ filter = {} }: Body): RequestFilter {
  const unknown = Object.keys(filter as object).find((field) => !FILTER_FIELDS.has(field));
  if (unknown !== undefined) {
    throw new ControlError(400, `a filter has no ${unknown}; it has ${[...FILTER_FIELDS].join(', ')}`);
  }
  return filter as RequestFilter;
}

function effectOf({ effect }: Body): FaultEffect {
  const { kind, code, by } = (effect ?? {}) as Body;
  if (!EFFECTS.has(kind)) {
    throw new ControlError(400, `the kind of an effect is one of ${[...EFFECTS].join(', ')}`);
  }
  if (kind === 'refuse' && ![403, 409, 410, 429, 500, 503].includes(Number(code))) {
    throw new ControlError(400, 'the code of a refusal is 403, 409, 410, 429, 500 or 503');
  }
  return kind === 'delay' || kind === 'delay-events' ? { kind, by: durationOf(by) } : (effect as FaultEffect);
}
