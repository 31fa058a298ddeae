import { CliError, silentExit } from '../cli-error.ts';
import type { Command, Invocation } from '../command.ts';
import { containerOf, fetchNamed, firstPod } from '../pods-of.ts';
import { runRemoteCommand } from '../streams/remote-command.ts';
import { enterRawMode, followSize, usesTerminal } from '../streams/terminal.ts';

export const EXEC: Command = {
  name: 'exec',
  about: 'Execute a command in a container',
  usage: '(POD | TYPE/NAME) [-c CONTAINER] [flags] -- COMMAND [args...]',
  flags: [
    { name: 'container', short: 'c', kind: 'text', about: 'Container name; the first one without it.' },
    {
      name: 'pod-running-timeout',
      kind: 'duration',
      initial: '1m0s',
      about: 'Accepted: how long to wait for a pod.',
    },
    { name: 'quiet', short: 'q', kind: 'bool', about: 'Print only what the command prints.' },
    { name: 'stdin', short: 'i', kind: 'bool', about: 'Pass standard input to the container.' },
    { name: 'tty', short: 't', kind: 'bool', about: 'Standard input is a terminal.' },
  ],
  run: exec,
};

async function exec(invocation: Invocation): Promise<number> {
  const { session, flags, args, dash, path, io } = invocation;
  if (args.length === 0 || dash === 0) {
    throw new CliError('pod, type/name or --filename must be specified');
  }
  if (dash === undefined && args.length > 1) {
    throw new CliError(
      `exec [POD] [COMMAND] is not supported anymore. Use exec [POD] -- [COMMAND] instead\nSee '${path} -h' for help and examples`,
    );
  }
  if (dash !== undefined && dash > 1) {
    throw new CliError(`exactly one pod is needed before --, not ${dash}`);
  }
  const command = args.slice(1);
  if (command.length === 0) {
    throw new CliError('you must specify at least one command for the container');
  }
  const pod = await firstPod(session, await fetchNamed(session, args[0] ?? ''));
  if (pod.status.phase === 'Succeeded' || pod.status.phase === 'Failed') {
    throw new CliError(
      `cannot exec into a container in a completed pod; current phase is ${pod.status.phase}`,
    );
  }
  const isQuiet = flags.bool('quiet');
  const container = containerOf(session, pod, flags.text('container'), isQuiet);
  const wantsStdin = flags.bool('stdin');
  const isTty = usesTerminal(io, { wantsTty: flags.bool('tty'), wantsStdin, isQuiet });
  const leaveRawMode = isTty ? enterRawMode(io.stdin) : () => undefined;
  let exitCode: number;
  try {
    exitCode = await runRemoteCommand(session.client, {
      path: `/api/v1/namespaces/${pod.metadata.namespace}/pods/${pod.metadata.name}/exec`,
      query: {
        command,
        container,
        stdin: wantsStdin ? 'true' : '',
        stdout: 'true',
        stderr: isTty ? '' : 'true',
        tty: isTty ? 'true' : '',
      },
      ...(wantsStdin ? { stdin: io.stdin } : {}),
      ...(isTty ? { onResize: (tell) => followSize(io.stdout, tell) } : {}),
      stdout: io.stdout,
      stderr: io.stderr,
      signal: session.signal,
    });
  } finally {
    leaveRawMode();
  }
  if (session.signal.aborted) {
    throw silentExit(130);
  }
  if (exitCode !== 0 && !isQuiet) {
    session.printError(`command terminated with exit code ${exitCode}\n`);
  }
  return exitCode;
}
