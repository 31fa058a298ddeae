import type { Duplex, Readable, Writable } from 'node:stream';

/** Which streams of a process to connect. With a terminal, standard error is part of standard output. */
export interface ProcessStreams {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly tty: boolean;
}

/** One container of one pod. */
export interface ContainerTarget {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
}

/** A running command, or an attachment to one. Reading slowly slows the command down. */
export interface ProcessSession {
  /** There when it was asked for. Ending it closes the command's standard input. */
  readonly stdin: Writable | undefined;
  readonly stdout: Readable | undefined;
  readonly stderr: Readable | undefined;
  resize(columns: number, rows: number): void;
  /** Resolves when the command has ended and all its output is in the streams; rejects when it could not run. */
  readonly exit: Promise<{ readonly exitCode: number }>;
  /** Lets go of everything, and kills a command that still runs. Safe to call twice. */
  close(): void;
}

/**
 * What the API server asks of a node to serve `exec`, `attach` and `portforward`. The node's side of the same
 * contract is declared with the node agent; the two only have to fit.
 *
 * @throws {StatusError} from every call, in the words the client is to see
 */
export interface NodeStreamsPort {
  exec(
    target: ContainerTarget,
    request: ProcessStreams & { readonly command: readonly string[] },
  ): Promise<ProcessSession>;
  attach(target: ContainerTarget, streams: ProcessStreams): Promise<ProcessSession>;
  /** Connects to a TCP port on the pod's loopback address. */
  portForward(target: { readonly namespace: string; readonly pod: string }, port: number): Promise<Duplex>;
}
