import { CliError, silentExit } from '../cli-error.ts';
import type { Command, Invocation } from '../command.ts';
import { containerOf, fetchNamed, firstPod } from '../pods-of.ts';
import { runRemoteCommand } from '../streams/remote-command.ts';
import { enterRawMode, followSize, usesTerminal } from '../streams/terminal.ts';

export const ATTACH: Command = {
  name: 'attach',
  about: 'Attach to a running container',
  usage: '(POD | TYPE/NAME) -c CONTAINER',
  flags: [
    { name: 'container', short: 'c', kind: 'text', about: 'Container name; the first one without it.' },
    {
      name: 'pod-running-timeout',
      kind: 'duration',
      initial: '1m0s',
      about: 'Accepted: how long to wait for a pod.',
    },
    { name: 'quiet', short: 'q', kind: 'bool', about: 'Print only what the process prints.' },
    { name: 'stdin', short: 'i', kind: 'bool', about: 'Pass standard input to the container.' },
    { name: 'tty', short: 't', kind: 'bool', about: 'Standard input is a terminal.' },
  ],
  run: attach,
};

async function attach(invocation: Invocation): Promise<number> {
  const { session, flags, args } = invocation;
  if (args.length === 0) {
    throw new CliError('at least 1 argument is required for attach');
  }
  if (args.length > 1) {
    throw new CliError(
      `expected POD, TYPE/NAME, or TYPE NAME, (at most 2 arguments) saw ${args.length}: [${args.join(' ')}]`,
    );
  }
  const pod = await firstPod(session, await fetchNamed(session, args[0] ?? ''));
  const { phase } = pod.status;
  if (phase === 'Succeeded' || phase === 'Failed') {
    throw new CliError(`cannot attach a container in a completed pod; current phase is ${phase}`);
  }
  return attachTo(invocation, {
    namespace: pod.metadata.namespace,
    name: pod.metadata.name,
    container: containerOf(session, pod, flags.text('container'), flags.bool('quiet')),
    wantsTty: flags.bool('tty'),
    wantsStdin: flags.bool('stdin'),
  });
}

export interface AttachTarget {
  readonly namespace: string;
  readonly name: string;
  readonly container: string;
  readonly wantsTty: boolean;
  readonly wantsStdin: boolean;
}

/** Connects the terminal to a container's process until it ends or the user does. */
export async function attachTo({ session, io, flags }: Invocation, target: AttachTarget): Promise<number> {
  const { namespace, name, container, wantsStdin, wantsTty } = target;
  const isQuiet = flags.bool('quiet');
  const isTty = usesTerminal(io, { wantsTty, wantsStdin, isQuiet });
  const leaveRawMode = isTty ? enterRawMode(io.stdin) : () => undefined;
  if (!isQuiet && wantsStdin) {
    session.printError("If you don't see a command prompt, try pressing enter.\n");
  }
  try {
    const exitCode = await runRemoteCommand(session.client, {
      path: `/api/v1/namespaces/${namespace}/pods/${name}/attach`,
      query: {
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
    if (session.signal.aborted) {
      throw silentExit(130);
    }
    return exitCode;
  } finally {
    leaveRawMode();
  }
}
