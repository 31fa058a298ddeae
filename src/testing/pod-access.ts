import { buffer, text } from 'node:stream/consumers';
import type { NodeConnection } from '#apiserver/endpoints/node-directory.ts';
import type { Pod } from '#api/types/core.v1.ts';

/** Which container of a pod; its first one when left out. */
export interface ContainerChoice {
  readonly container?: string;
}

export interface LogChoice extends ContainerChoice {
  /** Of the life before the current one. */
  readonly previous?: boolean;
  /** Lines from the end; all when left out. */
  readonly tailLines?: number;
}

/** What became of a command. */
export interface CommandResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** What a container has written, both streams. @throws {StatusError} in the words of `kubectl logs` */
export async function logsOf(
  node: NodeConnection,
  pod: Pod,
  { container, ...options }: LogChoice,
): Promise<string> {
  const lines = await node.logs(targetIn(pod, container), options, new AbortController().signal);
  return await text(lines);
}

/** Runs a command to its end. @throws {StatusError} in the words of `kubectl exec` */
export async function runIn(
  node: NodeConnection,
  pod: Pod,
  command: readonly string[],
  { container, stdin }: ContainerChoice & { readonly stdin?: string },
): Promise<CommandResult> {
  const session = await node.exec(targetIn(pod, container), {
    command,
    stdin: stdin !== undefined,
    stdout: true,
    stderr: true,
    tty: false,
  });
  session.stdin?.end(stdin);
  const output = async (stream: typeof session.stdout): Promise<string> =>
    stream === undefined ? '' : (await buffer(stream)).toString('utf8');
  try {
    const [stdout, stderr, { exitCode }] = await Promise.all([
      output(session.stdout),
      output(session.stderr),
      session.exit,
    ]);
    return { exitCode, stdout, stderr };
  } finally {
    session.close();
  }
}

function targetIn(
  { metadata, spec }: Pod,
  container: string | undefined,
): Parameters<NodeConnection['exec']>[0] {
  const { namespace, name } = metadata;
  return { namespace, pod: name, container: container ?? spec.containers[0]?.name ?? '' };
}
