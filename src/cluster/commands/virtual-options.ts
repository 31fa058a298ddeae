import { resolve } from 'node:path';
import { SystemClock } from '#base/clock.ts';
import { SystemRandom } from '#base/random.ts';
import type { DataDirectory } from '../data-directory.ts';
import type { VirtualClusterOptions } from '../virtual/virtual-cluster.ts';
import { readPort, UsageError } from './command-line.ts';
import { createLog } from './log-options.ts';
import { chooseScheduler } from './scheduler-options.ts';

/** The options of `coracle up` about a clock that stands still until it is told to move. */
export const VIRTUAL_OPTIONS = {
  clock: { type: 'string', default: 'real' },
  'control-port': { type: 'string' },
  seed: { type: 'string' },
  'start-time': { type: 'string' },
} as const;

export const VIRTUAL_HELP = `  --clock real|virtual     virtual: the cluster's time stands still until it is told to pass; sim nodes only
  --control-port P         with --clock virtual, serve what moves the clock, makes faults and resets there (0: any free port)
  --seed N                 with --clock virtual, where all chance comes from (default 1)
  --start-time TIME        with --clock virtual, what a new cluster's clock shows at first (default 2026-01-01T00:00:00Z)
`;

interface Options {
  readonly clock: string;
  readonly nodes: string;
  readonly port?: string | undefined;
  readonly kubeconfig?: string | undefined;
  readonly 'log-level': string;
  readonly 'control-port'?: string | undefined;
  readonly seed?: string | undefined;
  readonly 'start-time'?: string | undefined;
  readonly 'scheduler-config'?: string | undefined;
}

const NODES_DEFAULT = 1;

/** @throws {UsageError} options that do not go together */
export function chooseClock(options: Options): 'real' | 'virtual' {
  const { clock } = options;
  if (clock !== 'real' && clock !== 'virtual') {
    throw new UsageError(`--clock takes real or virtual, not ${JSON.stringify(clock)}`);
  }
  const given = (['control-port', 'seed', 'start-time'] as const).find((name) => options[name] !== undefined);
  if (clock === 'real' && given !== undefined) {
    throw new UsageError(`--${given} goes with --clock virtual only`);
  }
  return clock;
}

/** @throws {UsageError} */
export function virtualOptions(options: Options, directory: DataDirectory): VirtualClusterOptions {
  const sim = /^(?:auto|sim(?::(\d{1,5}))?)$/.exec(options.nodes);
  if (sim === null) {
    throw new UsageError(`with --clock virtual, --nodes takes sim:N, not ${JSON.stringify(options.nodes)}`);
  }
  const seed = Number(options.seed ?? '1');
  const startMs = options['start-time'] === undefined ? undefined : Date.parse(options['start-time']);
  if (!Number.isInteger(seed) || seed < 0) {
    throw new UsageError(`--seed takes a whole number, not ${JSON.stringify(options.seed)}`);
  }
  if (Number.isNaN(startMs)) {
    throw new UsageError(`--start-time takes a time as 2026-01-01T00:00:00Z, not ${options['start-time']}`);
  }
  const port = readPort(options.port);
  const controlPort = readPort(options['control-port']);
  const scheduler = chooseScheduler(options);
  const clock = new SystemClock();
  return {
    directory,
    nodeCount: sim[1] === undefined ? NODES_DEFAULT : Number(sim[1]),
    seed,
    realClock: clock,
    random: new SystemRandom(),
    log: createLog(clock, options['log-level']),
    ...(port === undefined ? {} : { port }),
    ...(controlPort === undefined ? {} : { controlPort }),
    ...(startMs === undefined ? {} : { startMs }),
    ...(scheduler === undefined ? {} : { scheduler }),
    ...(options.kubeconfig === undefined ? {} : { kubeconfig: resolve(options.kubeconfig) }),
  };
}
