import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { CertificateVerifier, ClientCertificateAuthenticator } from '#apiserver/authn/client-certificate.ts';
import { SYSTEM_MASTERS } from '#apiserver/authn/user.ts';
import { StatusError } from '#api/status-error.ts';
import type { Clock } from '#base/clock.ts';
import { SystemClock } from '#base/clock.ts';
import { describeError, type Logger } from '#base/log.ts';
import { readAtMost } from '#base/read-at-most.ts';
import { SystemRandom } from '#base/random.ts';
import { TaskGroup } from '#base/task-group.ts';
import { CertificateAuthority } from '#base/x509/certificate-authority.ts';
import { testAuthority } from '#testing/cluster-life.ts';
import type { TestCluster } from '#testing/test-cluster.ts';
import { UntilError } from '#testing/until-error.ts';
import { ControlError, createRoutes, type ControlDeps, type Route } from './control-routes.ts';

export interface ControlServerDeps extends ControlDeps {
  readonly log: Logger;
}

const HOST = '127.0.0.1';
const BODY_BYTES_MAX = 1024 * 1024;

/**
 * By which any language moves a cluster's clock, makes faults and resets it: JSON over HTTPS, for holders of an
 * administrator's certificate. It goes on while the cluster itself is reset.
 */
export class ControlServer implements AsyncDisposable {
  readonly #routes: readonly Route[];
  readonly #server: Server;
  readonly #authenticator: ClientCertificateAuthenticator;
  readonly #tasks: TaskGroup;

  constructor(deps: ControlServerDeps) {
    this.#routes = createRoutes(deps);
    this.#tasks = TaskGroup.logging(deps.log);
    const { certificatePem, keyPem } = testAuthority();
    const signing = { clock: new SystemClock(), random: new SystemRandom() };
    const serving = new CertificateAuthority({ certificatePem, keyPem }, signing).issue({
      subject: { commonName: 'coracle-control', organizations: [] },
      extendedKeyUsages: ['serverAuth'],
      altNames: { dnsNames: ['localhost'], ipAddresses: [HOST] },
    });
    this.#authenticator = new ClientCertificateAuthenticator(
      new CertificateVerifier(certificatePem, clusterTime(deps.cluster)),
    );
    this.#server = createServer(
      {
        cert: serving.certificatePem,
        key: serving.keyPem,
        ca: certificatePem,
        requestCert: true,
        // Checked against the cluster's time, by which it was made, and not the machine's.
        rejectUnauthorized: false,
      },
      (request, response) => this.#tasks.spawn('control', () => this.#serve(request, response)),
    );
  }

  /** Returns where it listens. @throws {Error} `EADDRINUSE` when the port is taken */
  async listen(port: number): Promise<string> {
    this.#server.listen(port, HOST);
    await once(this.#server, 'listening');
    return `https://${HOST}:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    if (this.#server.listening) {
      this.#server.close();
      this.#server.closeAllConnections();
      await once(this.#server, 'close');
    }
    await this.#tasks.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      await this.#authorize(request);
      send(response, 200, await this.#answer(request));
    } catch (error) {
      if (!response.destroyed) {
        send(response, codeOf(error), { error: describeError(error) });
      }
    }
  }

  async #authorize(request: IncomingMessage): Promise<void> {
    const peerCertificate = (request.socket as TLSSocket).getPeerX509Certificate();
    const user = await this.#authenticator.authenticate({
      headers: request.headers,
      peerCertificate,
    });
    if (user?.groups.includes(SYSTEM_MASTERS) !== true) {
      throw new ControlError(403, 'only holders of an administrator’s client certificate may do this');
    }
  }

  async #answer(request: IncomingMessage): Promise<unknown> {
    const [path = ''] = (request.url ?? '').split('?');
    const onPath = this.#routes.flatMap((route) => {
      const match = route.path.exec(path);
      return match === null ? [] : [{ route, parameter: decodeURIComponent(match[1] ?? '') }];
    });
    const found = onPath.find(({ route }) => route.method === request.method);
    if (found === undefined) {
      throw onPath.length === 0
        ? new ControlError(404, `there is no ${path}`)
        : new ControlError(405, `${path} takes ${onPath.map(({ route }) => route.method).join(' and ')}`);
    }
    return found.route.answer(await readBody(request), found.parameter);
  }
}

function clusterTime(cluster: TestCluster): Clock {
  const real = new SystemClock();
  return {
    nowMs: () => cluster.clock.nowMs(),
    monotonicMs: () => real.monotonicMs(),
    schedule: (delayMs, callback) => real.schedule(delayMs, callback),
    sleep: (delayMs, signal) => real.sleep(delayMs, signal),
  };
}

function codeOf(error: unknown): number {
  if (error instanceof ControlError || error instanceof StatusError) {
    return error.code;
  }
  if (error instanceof UntilError) {
    return 408;
  }
  return error instanceof RangeError ? 404 : 500;
}

function send(response: ServerResponse, code: number, value: unknown): void {
  response.writeHead(code, { 'content-type': 'application/json' });
  response.end(`${JSON.stringify(value ?? {})}\n`);
}

async function readBody(request: IncomingMessage): Promise<Readonly<Record<string, unknown>>> {
  const body = await readAtMost(
    request,
    BODY_BYTES_MAX,
    (bytesMax) => new ControlError(413, `the body is longer than ${bytesMax} bytes`),
  );
  if (body.length === 0) {
    return {};
  }
  try {
    const value: unknown = JSON.parse(body.toString());
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      return value as Readonly<Record<string, unknown>>;
    }
  } catch {
    // Said below, as for any other body that is no object.
  }
  throw new ControlError(400, 'the body is no JSON object');
}
