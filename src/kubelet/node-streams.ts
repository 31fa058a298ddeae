import type { Duplex } from 'node:stream';
import { badRequest, notFound, type StatusError } from '#api/status-error.ts';
import { POD } from '#api/types/resources.ts';
import type { ExecSession } from '#runtime/cri.ts';

/** What `kubectl logs` can ask for; the names are those of `PodLogOptions`. */
export interface LogOptions {
  readonly follow?: boolean;
  /** The instance of the container before the current one. */
  readonly previous?: boolean;
  /** Prefixes each line with the time it was written, RFC 3339 with nanoseconds. */
  readonly timestamps?: boolean;
  readonly sinceSeconds?: number;
  /** RFC 3339; the later of this and `sinceSeconds` counts. */
  readonly sinceTime?: string;
  /** Lines from the end; all when left out. */
  readonly tailLines?: number;
  readonly limitBytes?: number;
  /** Both streams when left out. */
  readonly stream?: 'All' | 'Stdout' | 'Stderr';
}

/** Which streams of a process to connect. With a terminal, standard error is part of standard output. */
export interface ProcessStreams {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly tty: boolean;
}

export interface ExecRequest extends ProcessStreams {
  readonly command: readonly string[];
}

/** One container of one pod on the node. */
export interface ContainerTarget {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
}

/**
 * The streaming side of one node, as the API server's `log`, `exec`, `attach` and `portforward` handlers
 * use it: called directly when both live in one process, over the node's own HTTPS server otherwise.
 *
 * @throws {StatusError} from every call, in upstream's words: NotFound for an unknown pod, BadRequest for
 *   a container that is not there or not yet started
 */
export interface NodeStreams {
  /**
   * The container's output, oldest first. Following ends when the container ends, or `signal` fires.
   * The promise settles before the first byte, so that a refusal still is an ordinary answer.
   */
  logs(target: ContainerTarget, options: LogOptions, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>>;
  /** Whoever opened the session closes it. */
  exec(target: ContainerTarget, request: ExecRequest): Promise<ExecSession>;
  attach(target: ContainerTarget, streams: ProcessStreams): Promise<ExecSession>;
  /** Connects to a TCP port on the pod's loopback address. Destroying the stream closes the connection. */
  portForward(target: Omit<ContainerTarget, 'container'>, port: number): Promise<Duplex>;
}

export function podNotFound(pod: string): StatusError {
  return notFound(POD, pod);
}

export function containerNotInPod({ pod, container }: ContainerTarget): StatusError {
  return badRequest(`container ${container} is not valid for pod ${pod}`);
}

/** @param reason why it waits, as `ContainerCreating` or `ImagePullBackOff: …` */
export function containerWaiting({ pod, container }: ContainerTarget, reason: string): StatusError {
  return badRequest(`container "${container}" in pod "${pod}" is waiting to start: ${reason}`);
}

export function previousNotFound({ pod, container }: ContainerTarget): StatusError {
  return badRequest(`previous terminated container "${container}" in pod "${pod}" not found`);
}
