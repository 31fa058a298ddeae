import { SystemClock } from '#base/clock.ts';
import { API_SERVER_FLAGS, HARMLESS, HONORED } from './api-server-flags.ts';
import { flagHelp, GoFlags } from './go-flags.ts';
import { createLog } from './log-options.ts';
import { untilSignal } from './until-signal.ts';

const HELP = `Usage: coracle apiserver --etcd-servers URLS [flags]

The API server alone, over an etcd, with the flags of upstream's kube-apiserver. Those below that Coracle does nothing
with are accepted with a warning.

`;

/** Upstream's log verbosity from which on every step is worth a line here. */
const VERBOSE = 4;

/** `coracle apiserver`. Ends on SIGINT or SIGTERM. */
export async function apiserver(args: readonly string[]): Promise<number> {
  const flags = new GoFlags(
    args.map((arg) => (arg === '-h' ? '--help' : arg)),
    API_SERVER_FLAGS,
  );
  if (flags.isOn('help', false)) {
    process.stdout.write(`${HELP}${flagHelp(API_SERVER_FLAGS)}\n`);
    return 0;
  }
  if (flags.isOn('version', false)) {
    return (await import('./version.ts')).version();
  }
  for (const name of flags.without([...HONORED, ...HARMLESS])) {
    process.stderr.write(`coracle apiserver: --${name} changes nothing here\n`);
  }
  const stopped = untilSignal();
  const clock = new SystemClock();
  const log = createLog(clock, Number(flags.text('v') ?? '0') >= VERBOSE ? 'info' : 'warn');
  // Loaded late: test frameworks ask for the help first, at every start.
  const { startApiServerProcess } = await import('./api-server-process.ts');
  await using _plane = await startApiServerProcess(flags, clock, log);
  await stopped;
  return 0;
}
