import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Pod } from '#api/types/core.v1.ts';
import { badRequest, serviceUnavailable, unknownPath } from '#api/status-error.ts';
import type { Clock } from '#base/clock.ts';
import type { ResourceStorage } from '../../registry/resource-storage.ts';
import { isTrue } from '../../request-info.ts';
import type { ContainerTarget } from '../../streaming/node-streams-port.ts';
import { servePodStream } from '../../streaming/pod-streams.ts';
import { isWebSocketUpgrade } from '../../streaming/upgrade.ts';
import { serveWebSocketBytes } from '../../streaming/web-socket-bytes.ts';
import type { ApiCall, ApiResult } from '../api-call.ts';
import { readCount } from '../call-options.ts';
import type { LogOptions, NodeConnection, NodeDirectory } from '../node-directory.ts';

const STREAMING: ReadonlySet<string> = new Set(['exec', 'attach', 'portforward']);

export interface PodConnectDeps {
  readonly pods: ResourceStorage;
  readonly nodes: NodeDirectory;
  readonly clock: Clock;
}

/** Serves `pods/log`. */
export async function servePodLog(deps: PodConnectDeps, call: ApiCall): Promise<ApiResult> {
  const chunks = await podLog(deps, call, call.signal);
  return { kind: 'bytes', code: 200, contentType: 'text/plain', chunks };
}

async function podLog(
  { pods, nodes }: PodConnectDeps,
  call: ApiCall,
  signal: AbortSignal,
): Promise<AsyncIterable<Uint8Array>> {
  const pod = await findPod(pods, call);
  const target = containerTarget(pod, call.query.get('container') ?? '');
  const options = logOptions(call.query);
  return (pod.spec.nodeName ?? '') === ''
    ? NOTHING
    : await connectionOf(nodes, pod).logs(target, options, signal);
}

const NOTHING: AsyncIterable<Uint8Array> = {
  // A pod that is on no node has not written anything yet.
  [Symbol.asyncIterator]: () => ({ next: () => Promise.resolve({ done: true, value: undefined }) }),
};

/** Serves `pods/exec`, `pods/attach`, `pods/portforward` and `pods/log` on a connection that asked to be upgraded. */
export async function upgradePodStream(
  deps: PodConnectDeps,
  call: ApiCall,
  {
    request,
    socket,
    head,
  }: { readonly request: IncomingMessage; readonly socket: Duplex; readonly head: Buffer },
): Promise<void> {
  const { pods, nodes, clock } = deps;
  const { subresource, group, resource } = call.info;
  const upgrade = { request, socket, head, clock };
  if (group === '' && resource === 'pods' && subresource === 'log' && isWebSocketUpgrade(upgrade)) {
    await serveWebSocketBytes(upgrade, (signal) => podLog(deps, call, signal));
    return;
  }
  if (group !== '' || resource !== 'pods' || !STREAMING.has(subresource)) {
    throw unknownPath();
  }
  const pod = await findPod(pods, call);
  if ((pod.spec.nodeName ?? '') === '') {
    throw badRequest(`pod ${pod.metadata.name} does not have a host assigned`);
  }
  const target =
    subresource === 'portforward'
      ? { namespace: pod.metadata.namespace, pod: pod.metadata.name, container: '' }
      : containerTarget(pod, call.query.get('container') ?? '');
  await servePodStream(
    upgrade,
    { subresource: subresource as 'exec' | 'attach' | 'portforward', target, query: call.query },
    connectionOf(nodes, pod),
  );
}

/** A streaming request that did not ask to be upgraded. */
export function upgradeRequired(): Error {
  return badRequest('Upgrade request required');
}

async function findPod(pods: ResourceStorage, { info }: ApiCall): Promise<Pod> {
  // Every object in the storage of pods is a pod.
  return (await pods.get(info.namespace, info.name)).object as unknown as Pod;
}

function connectionOf(nodes: NodeDirectory, { spec }: Pod): NodeConnection {
  const connection = nodes.find(spec.nodeName ?? '');
  if (connection === undefined) {
    throw serviceUnavailable(`node ${JSON.stringify(spec.nodeName)} cannot be reached from this API server`);
  }
  return connection;
}

/** @throws {StatusError} BadRequest when no container, or the wrong one, was named */
function containerTarget({ metadata, spec }: Pod, wanted: string): ContainerTarget {
  const containers = spec.containers.map(({ name }) => name);
  const init = (spec.initContainers ?? []).map(({ name }) => name);
  const ephemeral = (spec.ephemeralContainers ?? []).map(({ name }) => name);
  const target = { namespace: metadata.namespace, pod: metadata.name };
  if (wanted !== '') {
    if (![...containers, ...init, ...ephemeral].includes(wanted)) {
      throw badRequest(`container ${wanted} is not valid for pod ${metadata.name}`);
    }
    return { ...target, container: wanted };
  }
  const [only = '', ...others] = containers;
  if (others.length > 0) {
    const hints = init.length > 0 ? ` or one of the init containers: [${init.join(' ')}]` : '';
    throw badRequest(
      `a container name must be specified for pod ${metadata.name}, choose one of: [${containers.join(' ')}]${hints}`,
    );
  }
  return { ...target, container: only };
}

function logOptions(query: URLSearchParams): LogOptions {
  const number = (name: string): number | undefined =>
    query.has(name) ? readCount(query.get(name), name) : undefined;
  const sinceTime = query.get('sinceTime') ?? '';
  const stream = query.get('stream');
  const counts = {
    sinceSeconds: number('sinceSeconds'),
    tailLines: number('tailLines'),
    limitBytes: number('limitBytes'),
  };
  return {
    follow: isTrue(query.get('follow')),
    previous: isTrue(query.get('previous')),
    timestamps: isTrue(query.get('timestamps')),
    ...(sinceTime === '' ? {} : { sinceTime }),
    ...(stream === 'Stdout' || stream === 'Stderr' ? { stream } : {}),
    ...(counts.sinceSeconds === undefined ? {} : { sinceSeconds: counts.sinceSeconds }),
    ...(counts.tailLines === undefined ? {} : { tailLines: counts.tailLines }),
    ...(counts.limitBytes === undefined ? {} : { limitBytes: counts.limitBytes }),
  };
}
