import { mkdirSync, readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { NodeConnection } from '#apiserver/endpoints/node-directory.ts';
import type { Clock } from '#base/clock.ts';
import { SystemCommands, type CommandRunner } from '#base/command.ts';
import type { Logger } from '#base/log.ts';
import type { MetricsRegistry } from '#base/metrics.ts';
import type { Random } from '#base/random.ts';
import { ENDPOINT_SLICE } from '#api/types/resources.ts';
import { ApiEventRecorder } from '#client/api-event-recorder.ts';
import { createInformers } from '#client/informer.ts';
import type { Informers } from '#client/lister.ts';
import { DnsServer } from '#dns/dns-server.ts';
import { nameserversOf } from '#dns/upstream.ts';
import { createKubelet, type Kubelet } from '#kubelet/kubelet.ts';
import { readNodeFacts } from '#kubelet/node/node-facts.ts';
import { SystemMounts } from '#kubelet/volumes/host-mounts.ts';
import { NftProgram } from '#proxy/nft.ts';
import { ServiceProxy } from '#proxy/service-proxy.ts';
import { allowLocalhostNodePorts, ensureServiceRoute, removeServiceRoute } from '#proxy/service-route.ts';
import type { HostPrograms } from '#runtime/oci/check-host.ts';
import { OciRuntime, type OciRuntimeOptions } from '#runtime/oci/oci-runtime.ts';
import type { RegistryMirrors } from '#runtime/oci/registry-client.ts';
import { DNS, nodeUser, PROXY } from './component-users.ts';
import type { ControlPlane } from './control-plane.ts';

export interface OciNodeDeps {
  readonly plane: ControlPlane;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly metrics: MetricsRegistry;
}

export interface OciNodeOptions {
  readonly dataDir: string;
  readonly instanceId: string;
  readonly programs: HostPrograms;
  /** This node's pods. */
  readonly nodePodCidr: string;
  /** The bridge's own address: the first of {@link nodePodCidr}. */
  readonly gateway: string;
  readonly clusterCidr: string;
  readonly serviceCidr: string;
  readonly dnsServiceIp: string;
  readonly nodeIp: string;
  readonly registryMirrors: RegistryMirrors;
}

const CLUSTER_DOMAIN = 'cluster.local';
const RESOLV_CONF = '/etc/resolv.conf';

/** One node of real containers on this machine: runtime, kubelet, service proxy and cluster DNS. */
export class OciNode implements AsyncDisposable {
  readonly runtime: OciRuntime;
  readonly kubelet: Kubelet;
  readonly name: string;
  readonly #options: OciNodeOptions;
  readonly #proxy: ServiceProxy;
  readonly #dns: DnsServer;
  readonly #informers: readonly Informers[];
  readonly #commands: CommandRunner;
  readonly #events: ApiEventRecorder;
  #registration: Disposable | undefined;

  private constructor(parts: {
    runtime: OciRuntime;
    kubelet: Kubelet;
    name: string;
    options: OciNodeOptions;
    proxy: ServiceProxy;
    dns: DnsServer;
    informers: readonly Informers[];
    commands: CommandRunner;
    events: ApiEventRecorder;
  }) {
    this.runtime = parts.runtime;
    this.kubelet = parts.kubelet;
    this.name = parts.name;
    this.#options = parts.options;
    this.#proxy = parts.proxy;
    this.#dns = parts.dns;
    this.#informers = parts.informers;
    this.#commands = parts.commands;
    this.#events = parts.events;
  }

  /** Opens the runtime, takes over what an earlier run left, and joins the cluster. */
  static async start(deps: OciNodeDeps, options: OciNodeOptions): Promise<OciNode> {
    const name = nodeName();
    const commands = new SystemCommands();
    mkdirSync(options.dataDir, { recursive: true, mode: 0o755 });
    const runtime = await OciRuntime.open(runtimeOptions(deps, options));
    const { proxy, proxyInformers } = createProxy(deps, options, { name, commands });
    const { dns, dnsInformers } = createDns(deps, options);
    const { kubelet, events, kubeletInformers } = await createNodeAgent(deps, options, { runtime, name });
    const node = new OciNode({
      runtime,
      kubelet,
      name,
      options,
      proxy,
      dns,
      informers: [proxyInformers, dnsInformers, kubeletInformers],
      commands,
      events,
    });
    try {
      await node.#start(deps);
    } catch (error) {
      await node.destroy();
      throw error;
    }
    return node;
  }

  async #start({ plane }: OciNodeDeps): Promise<void> {
    const { serviceCidr, gateway } = this.#options;
    await ensureServiceRoute(this.#commands, serviceCidr, this.#options.nodeIp);
    await allowLocalhostNodePorts(this.#commands);
    this.#proxy.start();
    await this.#dns.start();
    this.#informers.forEach((informers) => informers.start());
    await publishDns(plane, gateway);
    await this.kubelet.start();
    this.#registration = plane.server.nodes.register(this.name, connectionTo(this.kubelet));
  }

  /** Lets go of everything; containers, rules and the network stay for the next start. */
  async close(): Promise<void> {
    await this.kubelet.close();
    await this.#proxy.close();
    await this.#stopRest();
    await this.runtime.close();
  }

  /** Stops everything and leaves nothing on the host but images and data. */
  async destroy(): Promise<void> {
    await this.kubelet.close();
    await this.#proxy.destroy();
    await this.#stopRest();
    await this.runtime.destroyAll();
    // Volumes in memory go with their mounts; the others keep their data for the next start.
    await new SystemMounts().unmountBelow(join(this.#options.dataDir, 'kubelet'));
    await removeServiceRoute(this.#commands, this.#options.serviceCidr);
  }

  async #stopRest(): Promise<void> {
    this.#registration?.[Symbol.dispose]();
    await this.#dns.close();
    await this.#events.close();
    await Promise.all(this.#informers.map((informers) => informers.close()));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** What the API server may ask of a node that lives in its own process. */
function connectionTo({ streams, http }: Kubelet): NodeConnection {
  return {
    logs: (target, options, signal) => streams.logs(target, options, signal),
    exec: (target, request) => streams.exec(target, request),
    attach: (target, wanted) => streams.attach(target, wanted),
    portForward: (target, port) => streams.portForward(target, port),
    get: (path, query, signal) => http.get(path, query, signal),
  };
}

/** The node's name: the host's, in the form that names of objects have. */
export function nodeName(): string {
  return (
    hostname()
      .toLowerCase()
      .replaceAll(/[^a-z0-9.-]/g, '-')
      .replaceAll(/^[-.]+|[-.]+$/g, '') || 'node'
  );
}

export function runtimeOptions(
  { clock, random, log }: Pick<OciNodeDeps, 'clock' | 'random' | 'log'>,
  options: Pick<
    OciNodeOptions,
    'instanceId' | 'dataDir' | 'programs' | 'nodePodCidr' | 'clusterCidr' | 'registryMirrors'
  >,
): OciRuntimeOptions {
  return {
    instance: options.instanceId,
    dataDir: join(options.dataDir, 'runtime'),
    programs: options.programs,
    podCidr: options.nodePodCidr,
    clusterCidr: options.clusterCidr,
    registryMirrors: options.registryMirrors,
    clock,
    random,
    log: log.with({ component: 'runtime' }),
  };
}

function createProxy(
  { plane, clock, random, log, metrics }: OciNodeDeps,
  options: OciNodeOptions,
  { name, commands }: { readonly name: string; readonly commands: CommandRunner },
): { readonly proxy: ServiceProxy; readonly proxyInformers: Informers } {
  const proxyInformers = createInformers({
    transport: plane.transportOf(PROXY, 'kube-proxy'),
    clock,
    random,
    log,
  });
  const proxy = new ServiceProxy(
    {
      informers: proxyInformers,
      nft: new NftProgram(commands),
      clock,
      log: log.with({ component: 'proxy' }),
      metrics,
    },
    {
      nodeName: name,
      nodeIps: [options.nodeIp],
      instanceId: options.instanceId,
      serviceCidrs: [options.serviceCidr],
      clusterCidrs: [options.clusterCidr],
      hasLocalhostNodePorts: true,
    },
  );
  return { proxy, proxyInformers };
}

function createDns(
  { plane, clock, random, log, metrics }: OciNodeDeps,
  { gateway, dnsServiceIp }: OciNodeOptions,
): { readonly dns: DnsServer; readonly dnsInformers: Informers } {
  const dnsInformers = createInformers({ transport: plane.transportOf(DNS, 'kube-dns'), clock, random, log });
  const dns = new DnsServer(
    { informers: dnsInformers, clock, random, log: log.with({ component: 'dns' }), metrics },
    {
      addresses: [gateway],
      zone: CLUSTER_DOMAIN,
      serviceIps: [dnsServiceIp],
      upstreams: nameserversOf(readFileSync(RESOLV_CONF, 'utf8'), [gateway, dnsServiceIp]),
    },
  );
  return { dns, dnsInformers };
}

async function createNodeAgent(
  { plane, clock, random, log, metrics }: OciNodeDeps,
  options: OciNodeOptions,
  { runtime, name }: { readonly runtime: OciRuntime; readonly name: string },
): Promise<{
  readonly kubelet: Kubelet;
  readonly events: ApiEventRecorder;
  readonly kubeletInformers: Informers;
}> {
  const user = nodeUser(name);
  const client = plane.clientOf(user, 'kubelet');
  const events = new ApiEventRecorder({ client, clock, random, log, component: 'kubelet', host: name });
  const kubeletInformers = createInformers({
    transport: plane.transportOf(user, 'kubelet'),
    clock,
    random,
    log,
  });
  const kubelet = createKubelet({
    client,
    informers: kubeletInformers,
    runtime,
    images: runtime.images,
    clock,
    random,
    log: log.with({ component: 'kubelet' }),
    metrics,
    events,
    // Below the runtime's own root, which it clears away: two clusters on one host never meet.
    cgroups: {
      ensure: async (path, resources) => await runtime.ensurePodCgroup(path, resources),
      remove: async (path) => await runtime.removePodCgroup(path),
    },
    mounts: new SystemMounts(),
    facts: await readNodeFacts(options.dataDir),
    nodeName: name,
    addresses: [
      { type: 'InternalIP', address: options.nodeIp },
      { type: 'Hostname', address: name },
    ],
    clusterDns: [options.dnsServiceIp],
    clusterDomain: CLUSTER_DOMAIN,
    dataDir: join(options.dataDir, 'kubelet'),
    podCidrs: [options.nodePodCidr],
  });
  return { kubelet, events, kubeletInformers };
}

/** The DNS server is no pod, so the endpoints of its Service are written by hand. */
async function publishDns({ client }: ControlPlane, ip: string): Promise<void> {
  await client.of(ENDPOINT_SLICE).patch(
    'kube-system',
    'kube-dns',
    {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: {
        name: 'kube-dns',
        namespace: 'kube-system',
        labels: { 'kubernetes.io/service-name': 'kube-dns' },
      },
      addressType: 'IPv4',
      endpoints: [{ addresses: [ip], conditions: { ready: true } }],
      ports: [
        { name: 'dns', port: 53, protocol: 'UDP' },
        { name: 'dns-tcp', port: 53, protocol: 'TCP' },
      ],
    },
    { type: 'apply', force: true },
  );
}
