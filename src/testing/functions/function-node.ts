import { appendFileSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { ControlPlane } from '#cluster/control-plane.ts';
import { BLOCKING_DISK } from '#base/disk.ts';
import type { Logger } from '#base/log.ts';
import { MetricsRegistry } from '#base/metrics.ts';
import type { Random } from '#base/random.ts';
import type { VirtualClock } from '#base/virtual-clock.ts';
import { ApiEventRecorder } from '#client/api-event-recorder.ts';
import { Client } from '#client/client.ts';
import { createInformers } from '#client/informer.ts';
import type { NodeSupply } from '#kubelet/eviction/node-supply.ts';
import { createKubelet, type Kubelet, type KubeletOptions } from '#kubelet/kubelet.ts';
import type { NodeFacts } from '#kubelet/node/node-facts.ts';
import { NodeProber, type Prober } from '#kubelet/probes/prober.ts';
import { NO_CGROUPS } from '#kubelet/resources/pod-cgroups.ts';
import { simNodeIp } from '#kubelet/sim/sim-addresses.ts';
import { NO_MOUNTS } from '#kubelet/volumes/host-mounts.ts';
import { FakeRuntime } from '#runtime/fake-runtime.ts';
import type { ContainerConfig, PodSandboxConfig } from '#runtime/cri.ts';
import type { FakeLife } from '#runtime/fake-life.ts';
import type { ContainerFunction } from './container-function.ts';
import type { CutTransport } from './cut-transport.ts';
import type { FunctionImages } from './function-images.ts';
import type { PodNetwork } from './pod-network.ts';
import { RunningFunction } from './running-function.ts';
import { servedDuplex } from './served-duplex.ts';
import type { ServiceRequests } from './service-requests.ts';

export interface FunctionNodeDeps {
  readonly plane: ControlPlane;
  readonly clock: VirtualClock;
  readonly random: Random;
  readonly log: Logger;
  readonly images: FunctionImages;
  readonly network: PodNetwork;
  readonly requests: ServiceRequests;
  readonly way: CutTransport;
  readonly name: string;
  readonly index: number;
  /** Of this node alone, and of this life of it. */
  readonly directory: string;
}

const FACTS: NodeFacts = {
  cpuCount: 32,
  memoryBytes: 256 * 2 ** 30,
  swapBytes: 0,
  storageBytes: 2 ** 40,
  machineId: '',
  systemUuid: '',
  bootId: '',
  kernelVersion: '',
  osImage: '',
  operatingSystem: 'linux',
  architecture: 'amd64',
};
const PLENTY = { availableBytes: 2 ** 40, capacityBytes: 2 ** 40, inodesFree: 2 ** 20, inodes: 2 ** 20 };
const SUPPLY: NodeSupply = { memoryAvailableBytes: FACTS.memoryBytes, nodeFs: PLENTY, imageFs: PLENTY };

/** A node from its start to its end or crash: the kubelet of every node, over containers that are functions. */
export class FunctionNode implements AsyncDisposable {
  readonly kubelet: Kubelet;
  readonly #deps: FunctionNodeDeps;
  readonly #runtime: FakeRuntime;
  readonly #running = new Map<string, RunningFunction>();
  readonly #events: ApiEventRecorder;
  readonly #informers: ReturnType<typeof createInformers>;

  constructor(deps: FunctionNodeDeps) {
    const { clock, random, log, way, name, index, directory } = deps;
    this.#deps = deps;
    const client = new Client(way, 'kubelet');
    this.#events = new ApiEventRecorder({ client, clock, random, log, component: 'kubelet', host: name });
    this.#informers = createInformers({ transport: way, clock, random, log });
    this.#runtime = this.#createRuntime();
    this.kubelet = createKubelet({
      ...this.#pods(),
      client,
      informers: this.#informers,
      runtime: this.#runtime,
      images: this.#runtime.images,
      clock,
      random,
      log: log.with({ component: 'kubelet', node: name }),
      metrics: new MetricsRegistry(),
      events: this.#events,
      facts: FACTS,
      nodeName: name,
      addresses: [
        { type: 'InternalIP', address: simNodeIp(index) },
        { type: 'Hostname', address: name },
      ],
      clusterDns: [],
      clusterDomain: 'cluster.local',
      dataDir: join(directory, 'kubelet'),
      resolvConf: '',
      labels: { 'coracle.dev/node-kind': 'function' },
    });
  }

  /** Ends what runs, at once: as if the power failed. */
  kill(): void {
    this.#runtime.close();
    this.#running.clear();
  }

  async close(): Promise<void> {
    this.kill();
    await this.kubelet.close();
    await this.#events.close();
    await this.#informers.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** How the kubelet meets its pods: without a machine. */
  #pods(): Pick<KubeletOptions, 'cgroups' | 'mounts' | 'disk' | 'network' | 'prober' | 'supply'> {
    const network = this.#deps.network.ofNodes;
    const real = new NodeProber(this.#runtime, this.#deps.clock, network);
    const prober: Prober = {
      probe: async (probe, target) =>
        this.#running.has(target.containerId)
          ? await real.probe(probe, target)
          : // Nobody wrote what this image does: it is well.
            { result: 'success', output: '' },
    };
    return {
      cgroups: NO_CGROUPS,
      mounts: NO_MOUNTS,
      disk: BLOCKING_DISK,
      network,
      prober,
      supply: () => Promise.resolve(SUPPLY),
    };
  }

  #createRuntime(): FakeRuntime {
    const { clock, random, network, index } = this.#deps;
    const runtime = new FakeRuntime({
      clock,
      random,
      podCidr: `10.88.${index % 256}.0/24`,
      life: (config, sandbox) => this.#life(config, sandbox),
      appendLog: (path, line) => {
        mkdirSync(dirname(path), { recursive: true });
        appendFileSync(path, line);
      },
    });
    runtime.onExec(async (process) => (await this.#running.get(process.containerId)?.exec(process)) ?? 0);
    runtime.onPortForward((_, port, podIp) => {
      const { handler } = network.find(podIp ?? simNodeIp(index), port);
      return servedDuplex(handler);
    });
    return runtime;
  }

  #life(config: ContainerConfig, sandbox: PodSandboxConfig): FakeLife {
    const program = this.#deps.images.find(config.image.userSpecifiedImage ?? config.image.image);
    return program === undefined ? {} : { run: (main) => this.#run(program, { config, sandbox, main }) };
  }

  async #run(
    program: ContainerFunction,
    start: Pick<ConstructorParameters<typeof RunningFunction>[1], 'config' | 'sandbox' | 'main'>,
  ): Promise<number> {
    const { clock, network, requests, name, index } = this.#deps;
    const running = new RunningFunction(
      {
        clock,
        network,
        fetch: (from, request) => requests.fetch(from, request),
        writeLog: (id, stream, line) => this.#runtime.writeLog(id, stream, line),
      },
      { ...start, nodeName: name, nodeIp: simNodeIp(index) },
    );
    const { containerId, killed } = start.main;
    this.#running.set(containerId, running);
    killed.addEventListener('abort', () => this.#running.delete(containerId), { once: true });
    return await running.run(program);
  }
}
