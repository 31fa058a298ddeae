import type { Clock } from '#base/clock.ts';
import { utf8Decode } from '#base/bytes.ts';
import type { LifecycleHandler } from '#api/types/core.v1.ts';
import type { RuntimeService } from '#runtime/cri.ts';
import { SYSTEM_NETWORK, type NodeNetwork } from '../probes/node-network.ts';
import { portNumber } from '../probes/probe-port.ts';
import type { AnyContainer } from '../pod/pod-containers.ts';

export interface HookTarget {
  readonly container: AnyContainer;
  readonly containerId: string;
  readonly podIp: string;
}

/** Runs `postStart` and `preStop` handlers. */
export class LifecycleHooks {
  readonly #runtime: RuntimeService;
  readonly #clock: Clock;

  readonly #network: NodeNetwork;

  constructor(runtime: RuntimeService, clock: Clock, network: NodeNetwork = SYSTEM_NETWORK) {
    this.#network = network;
    this.#runtime = runtime;
    this.#clock = clock;
  }

  /** Resolves when the handler is done; rejects when it says no or cannot be run. */
  async run(handler: LifecycleHandler, target: HookTarget, signal: AbortSignal): Promise<void> {
    if (handler.exec !== undefined) {
      const command = handler.exec.command ?? [];
      const { exitCode, stderr, stdout } = await this.#runtime.execSync(target.containerId, command, 0);
      if (exitCode !== 0) {
        const output = decodeLossy(stdout) + decodeLossy(stderr);
        throw new Error(`command '${command.join(' ')}' exited with ${exitCode}: ${output}`);
      }
    } else if (handler.httpGet !== undefined) {
      const { host, port, path, scheme, httpHeaders } = handler.httpGet;
      const { status } = await this.#network.httpGet(
        {
          host: host === undefined || host === '' ? target.podIp : host,
          port: portNumber(port, target.container),
          path: path ?? '/',
          scheme: scheme ?? 'HTTP',
          headers: httpHeaders ?? [],
        },
        signal,
      );
      if (status < 200 || status >= 400) {
        throw new Error(`HTTP probe failed with statuscode: ${status}`);
      }
    } else if (handler.sleep !== undefined) {
      await this.#clock.sleep(handler.sleep.seconds * 1000, signal);
    } else {
      throw new Error('invalid handler: tcpSocket is not possible here');
    }
  }
}

function decodeLossy(bytes: Uint8Array): string {
  try {
    return utf8Decode(bytes);
  } catch (error) {
    if (error instanceof TypeError) {
      return Buffer.from(bytes).toString('latin1');
    }
    throw error;
  }
}
