import type { Readable } from 'node:stream';
import type { Duration } from '#base/duration.ts';

/**
 * What a container does. It ends with the code the function returns, with 1 when it throws, and with 0 when it returns
 * nothing; one that serves a port or answers commands goes on until it is told to stop.
 */
export type ContainerFunction = (container: FunctionContainer) => ContainerEnd | Promise<ContainerEnd>;

/** An exit code, or nothing. */
// oxlint-disable-next-line typescript/no-invalid-void-type -- functions without a result are what this is about.
export type ContainerEnd = number | void;

/** Answers one HTTP request. One that throws answers with 500, and the error is in the log. */
export type RequestHandler = (request: Request) => Response | Promise<Response>;

/** Answers `kubectl exec` and exec probes: with the exit code, or with what is printed by a command that went well. */
export type CommandHandler = (command: ContainerCommand) => number | string | Promise<number | string>;

export interface ContainerCommand {
  readonly argv: readonly string[];
  readonly stdin: Readable;
  /** Writes to the standard output. */
  print(text: string): void;
  printError(text: string): void;
  /** Fires when whoever asked is gone, or the time is up. */
  readonly signal: AbortSignal;
}

/** A container as the function that runs in it sees it. */
export interface FunctionContainer {
  readonly name: string;
  readonly image: string;
  readonly pod: string;
  readonly namespace: string;
  readonly node: string;
  /** The pod's address. */
  readonly ip: string;
  /** As the pod has it, with what comes from ConfigMaps, Secrets, fields and Services. */
  readonly env: Readonly<Record<string, string>>;
  readonly command: readonly string[];
  readonly args: readonly string[];
  /** How often the container was started before. */
  readonly restarts: number;
  /** Fires at SIGTERM. Who has not ended after the grace period is killed: code 137, and nothing it does counts. */
  readonly signal: AbortSignal;
  /** Writes a line to the log. */
  log(line: string): void;
  logError(line: string): void;
  /**
   * Answers requests to a port of the pod until the container ends.
   *
   * @throws {Error} `EADDRINUSE`: a container of the pod does so already
   */
  serve(port: number, handler: RequestHandler): void;
  /** Answers commands; without it none is found. */
  onExec(handler: CommandHandler): void;
  /** Waits in the cluster's time. Rejects at SIGTERM, unless that came before, and when killed; uncaught, the code is 143. */
  sleep(duration: Duration): Promise<void>;
  /** The cluster's time. */
  now(): Date;
  /** Reaches Services and pods of the cluster, by name or address, and nothing else. */
  fetch(input: string | URL | Request, init?: RequestInit): Promise<Response>;
  /** A file of one of its mounts: ConfigMaps, Secrets, tokens, volumes. Errors are Node's. */
  readFile(path: string): string;
  /** Into one of its mounts, `/dev/termination-log` among them. */
  writeFile(path: string, content: string): void;
}
