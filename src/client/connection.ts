import { existsSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { SystemClock, type Clock } from '#base/clock.ts';
import { LineLogger, type Logger } from '#base/log.ts';
import { SystemRandom, type Random } from '#base/random.ts';
import { HttpsTransport } from './https-transport.ts';
import { kubeconfigPaths, mergeKubeconfigFiles } from './kubeconfig-files.ts';
import { KubeconfigError, kubeconfigTarget, type KubeconfigTarget } from './kubeconfig.ts';
import type { Transport } from './transport.ts';

/** A cluster to work with, and the time and chance that go with it. A test cluster's `connect()` gives one too. */
export interface Connection {
  readonly transport: Transport;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

export interface ConnectOptions {
  /** A kubeconfig file. Left out: `$KUBECONFIG`, else the service account of this pod, else `~/.kube/config`. */
  readonly kubeconfig?: string;
  readonly context?: string;
  /** Sent with every request: `website-operator/1.2`. */
  readonly userAgent?: string;
  /** Left out: lines on standard error, warnings and errors only. */
  readonly log?: Logger;
}

/** A connection over HTTPS, on the machine's own clock. Close it to let its sockets go. */
export interface ServerConnection extends Connection, AsyncDisposable {
  /** Where it leads: `https://host:port`. */
  readonly server: string;
  /** The kubeconfig context's namespace, or the pod's own; `default` when there is none. */
  readonly namespace: string;
}

const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';

/**
 * Finds a cluster as every client of Kubernetes does.
 *
 * @throws {KubeconfigError} there is none, or it cannot be used
 */
export function connect(options: ConnectOptions = {}): ServerConnection {
  const clock = new SystemClock();
  const { userAgent = 'coracle-controller', log = standardErrorLog(clock) } = options;
  const target = targetOf(options);
  const transport = new HttpsTransport({ ...target, userAgent, clock });
  return {
    transport,
    clock,
    random: new SystemRandom(),
    log,
    server: target.server,
    namespace: target.namespace,
    [Symbol.asyncDispose]: () => transport.close(),
  };
}

function targetOf({ kubeconfig, context }: ConnectOptions): KubeconfigTarget {
  const named = kubeconfig ?? process.env['KUBECONFIG'] ?? '';
  const host = process.env['KUBERNETES_SERVICE_HOST'];
  if (named === '' && host !== undefined && existsSync(`${SERVICE_ACCOUNT}/token`)) {
    return podTarget(host, process.env['KUBERNETES_SERVICE_PORT'] ?? '443');
  }
  const { document, path, isFound } = mergeKubeconfigFiles(kubeconfigPaths(kubeconfig ?? '', process.env));
  if (!isFound) {
    throw new KubeconfigError(
      `no cluster: ${path} does not exist, and this is no pod; set KUBECONFIG, or start one with "coracle up"`,
    );
  }
  return kubeconfigTarget(document, { contextName: context, directory: dirname(path) });
}

/** Tokens of pods are renewed in their file. */
function podTarget(host: string, port: string): KubeconfigTarget {
  return {
    contextName: 'in-cluster',
    namespace: readFileSync(`${SERVICE_ACCOUNT}/namespace`, 'utf8').trim(),
    server: `https://${host.includes(':') ? `[${host}]` : host}:${port}`,
    ca: readFileSync(`${SERVICE_ACCOUNT}/ca.crt`, 'utf8'),
    isInsecure: false,
    token: () => readFileSync(`${SERVICE_ACCOUNT}/token`, 'utf8').trim(),
  };
}

function standardErrorLog(clock: Clock): Logger {
  return new LineLogger(
    (line) => process.stderr.write(line),
    () => clock.nowMs(),
    'warn',
  );
}
