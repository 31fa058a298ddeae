import { once } from 'node:events';
import type { ClientRequest, IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { Agent, request as httpsRequest } from 'node:https';
import { text } from 'node:stream/consumers';
import type { Clock } from '#base/clock.ts';
import { SeededRandom } from '#base/random.ts';
import { VirtualClock } from '#base/virtual-clock.ts';
import { CertificateAuthority } from '#base/x509/certificate-authority.ts';
import { startInProcessCluster, type InProcessCluster, type InProcessOptions } from './in-process-cluster.ts';

export interface Answer {
  readonly code: number | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** Asks the server over HTTPS, known by a client certificate. */
export interface HttpsUser {
  /** Sends the head; the caller ends the request. */
  open(method: string, path: string, headers?: Readonly<Record<string, string>>): ClientRequest;
  ask(
    method: string,
    path: string,
    options?: { readonly headers?: Readonly<Record<string, string>>; readonly body?: object },
  ): Promise<Answer>;
}

export interface HttpsCluster extends AsyncDisposable {
  readonly cluster: InProcessCluster;
  readonly port: number;
  user(name: string, ...groups: readonly string[]): HttpsUser;
  /** As {@link HttpsUser.open}, without a certificate. */
  readonly stranger: HttpsUser['open'];
}

/** An in-process cluster that also listens, for what only happens to requests from outside. */
export async function startHttpsCluster({
  trafficClock,
  ...options
}: InProcessOptions & {
  /** The cluster's own when left out. */
  readonly trafficClock?: Clock;
} = {}): Promise<HttpsCluster> {
  const clock = options.clock ?? new VirtualClock();
  const random = new SeededRandom(1);
  const authority = CertificateAuthority.create('test-ca', { clock, random });
  const host = '127.0.0.1';
  const cluster = await startInProcessCluster({
    ...options,
    clock,
    clientAuthorityPem: authority.certificatePem,
  });
  const { certificatePem, keyPem } = authority.issue({
    subject: { commonName: 'kube-apiserver', organizations: [] },
    altNames: { dnsNames: ['localhost'], ipAddresses: [host] },
  });
  const tls = { cert: certificatePem, key: keyPem, clientCa: authority.certificatePem };
  const port = await cluster.plane.server.listen({
    ...tls,
    host,
    port: 0,
    advertise: host,
    ...(trafficClock === undefined ? {} : { trafficClock }),
  });
  const agents = [new Agent({ rejectUnauthorized: false })];
  return {
    cluster,
    port,
    stranger: userOf({ host, port, agent: agents[0] }).open,
    user(name, ...groups) {
      const { certificatePem: cert, keyPem: key } = authority.issue({
        subject: { commonName: name, organizations: groups },
      });
      const agent = new Agent({ cert, key, rejectUnauthorized: false, keepAlive: true });
      agents.push(agent);
      return userOf({ host, port, agent });
    },
    async [Symbol.asyncDispose]() {
      agents.forEach((agent) => agent.destroy());
      await cluster[Symbol.asyncDispose]();
    },
  };
}

function userOf(to: {
  readonly host: string;
  readonly port: number;
  readonly agent: Agent | undefined;
}): HttpsUser {
  const open: HttpsUser['open'] = (method, path, headers = {}) =>
    httpsRequest({ ...to, method, path, headers });
  return {
    open,
    async ask(method, path, { headers = {}, body } = {}) {
      const text = body === undefined ? '' : JSON.stringify(body);
      const described = {
        'content-type': 'application/json',
        'content-length': String(Buffer.byteLength(text)),
      };
      const request = open(method, path, { ...described, ...headers });
      request.end(text);
      return answerOf(request);
    },
  };
}

/** The whole answer to a request that was sent. */
export async function answerOf(request: ClientRequest): Promise<Answer> {
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  return { code: response.statusCode, headers: response.headers, body: await text(response) };
}
