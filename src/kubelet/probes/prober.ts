import { describeError } from '#base/log.ts';
import type { Probe } from '#api/types/core.v1.ts';
import { RuntimeError, type RuntimeService } from '#runtime/cri.ts';
import type { Clock } from '#base/clock.ts';
import type { AnyContainer } from '../pod/pod-containers.ts';
import { urlOf, type HttpGet } from './http-get.ts';
import { SYSTEM_NETWORK, type NodeNetwork } from './node-network.ts';
import { portNumber } from './probe-port.ts';

export interface ProbeTarget {
  readonly container: AnyContainer;
  readonly containerId: string;
  readonly podIp: string;
}

/** `error`: the probe could not be carried out; it counts as failed, after some tries. */
export interface ProbeOutcome {
  readonly result: 'success' | 'failure' | 'error';
  /** For people. */
  readonly output: string;
}

/** Carries out one probe. Never throws. */
export interface Prober {
  probe(probe: Probe, target: ProbeTarget): Promise<ProbeOutcome>;
}

const OUTPUT_CHARS_MAX = 10 * 1024;
const SUCCESS: ProbeOutcome = { result: 'success', output: '' };

interface ProbeLimit {
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
}

/** Probes from the node: HTTP, TCP and gRPC to the pod's address, commands through the runtime. */
export class NodeProber implements Prober {
  readonly #runtime: RuntimeService;
  readonly #clock: Clock;

  readonly #network: NodeNetwork;

  constructor(runtime: RuntimeService, clock: Clock, network: NodeNetwork = SYSTEM_NETWORK) {
    this.#network = network;
    this.#runtime = runtime;
    this.#clock = clock;
  }

  async probe(probe: Probe, target: ProbeTarget): Promise<ProbeOutcome> {
    const timeoutMs = (probe.timeoutSeconds ?? 1) * 1000;
    try {
      if (probe.exec !== undefined) {
        return await this.#exec(probe.exec.command ?? [], target, timeoutMs);
      }
      const late = new AbortController();
      const timer = this.#clock.schedule(timeoutMs, () => late.abort());
      try {
        return await connectingProbe(this.#network, probe, target, { signal: late.signal, timeoutMs });
      } finally {
        timer.cancel();
      }
    } catch (error) {
      return { result: 'error', output: describeError(error) };
    }
  }

  async #exec(command: readonly string[], target: ProbeTarget, timeoutMs: number): Promise<ProbeOutcome> {
    try {
      const { exitCode, stdout, stderr } = await this.#runtime.execSync(
        target.containerId,
        command,
        timeoutMs / 1000,
      );
      const output = Buffer.concat([stdout, stderr]).toString('utf8').slice(0, OUTPUT_CHARS_MAX);
      return { result: exitCode === 0 ? 'success' : 'failure', output };
    } catch (error) {
      if (error instanceof RuntimeError && error.code === 'deadline-exceeded') {
        const text = `command timed out: "${command.join(' ')}" timed out after ${timeoutMs / 1000}s`;
        return { result: 'failure', output: text };
      }
      throw error;
    }
  }
}

async function connectingProbe(
  network: NodeNetwork,
  probe: Probe,
  { container, podIp }: ProbeTarget,
  { signal, timeoutMs }: ProbeLimit,
): Promise<ProbeOutcome> {
  if (probe.httpGet !== undefined) {
    const { host = '', port, path = '/', scheme = 'HTTP', httpHeaders = [] } = probe.httpGet;
    const target = { host: host === '' ? podIp : host, port: portNumber(port, container), path, scheme };
    return await httpProbe(network, { ...target, headers: httpHeaders }, signal);
  }
  if (probe.tcpSocket !== undefined) {
    const { host = '', port } = probe.tcpSocket;
    return await tcpProbe(network, host === '' ? podIp : host, portNumber(port, container), signal);
  }
  if (probe.grpc !== undefined) {
    const { port, service = '' } = probe.grpc;
    return await network.checkGrpcHealth({ host: podIp, port, service, timeoutMs }, signal);
  }
  return { result: 'error', output: `missing probe handler for ${container.name}` };
}

async function httpProbe(network: NodeNetwork, target: HttpGet, signal: AbortSignal): Promise<ProbeOutcome> {
  try {
    const { status, body, isRedirectedAway } = await network.httpGet(target, signal);
    if (isRedirectedAway) {
      // Whatever is there answered; following it would probe something else.
      return { result: 'success', output: 'Probe terminated redirects, Response body: ' };
    }
    return status >= 200 && status < 400
      ? { result: 'success', output: body }
      : { result: 'failure', output: `HTTP probe failed with statuscode: ${status}` };
  } catch (error) {
    const problem = signal.aborted
      ? 'context deadline exceeded (Client.Timeout exceeded while awaiting headers)'
      : connectionProblem(error, `${target.host}:${target.port}`);
    return { result: 'failure', output: `Get "${urlOf(target).href}": ${problem}` };
  }
}

async function tcpProbe(
  network: NodeNetwork,
  host: string,
  port: number,
  signal: AbortSignal,
): Promise<ProbeOutcome> {
  const address = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  try {
    await network.connect(host, port, signal);
    return SUCCESS;
  } catch (error) {
    const output = signal.aborted ? `dial tcp ${address}: i/o timeout` : connectionProblem(error, address);
    return { result: 'failure', output };
  }
}

const PROBLEMS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connect: connection refused',
  ECONNRESET: 'read: connection reset by peer',
  EHOSTUNREACH: 'connect: no route to host',
  ENETUNREACH: 'connect: network is unreachable',
  ETIMEDOUT: 'connect: connection timed out',
};

/** As Go words it: people search for these. */
export function connectionProblem(error: unknown, address: string): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (code === 'ECONNRESET') {
    return 'EOF';
  }
  const text = PROBLEMS[code];
  return text === undefined ? describeError(error) : `dial tcp ${address}: ${text}`;
}
