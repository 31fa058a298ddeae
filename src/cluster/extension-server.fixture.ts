import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import type { ServiceResolver } from '#apiserver/admission/webhooks/service-resolver.ts';
import { SystemClock } from '#base/clock.ts';
import { SeededRandom } from '#base/random.ts';
import { CertificateAuthority } from '#base/x509/certificate-authority.ts';

export const GROUP = 'wardle.example.com';
export const NAME = `v1alpha1.${GROUP}`;
export const ROOT = `/apis/${GROUP}/v1alpha1`;
export const WHERE = { namespace: 'wardle', name: 'api' };

const signing = { clock: new SystemClock(), random: new SeededRandom(1) };
export const authority = CertificateAuthority.create('wardle-ca', signing);
const serving = authority.issue({
  subject: { commonName: 'wardle', organizations: [] },
  altNames: { dnsNames: ['api.wardle.svc'], ipAddresses: [] },
});
export const proxyAuthority = CertificateAuthority.create('front-proxy-ca', signing);
export const frontProxyClient = proxyAuthority.issue({
  subject: { commonName: 'front-proxy-client', organizations: [] },
  extendedKeyUsages: ['clientAuth'],
});
export const caBundle = Buffer.from(authority.certificatePem).toString('base64');

/** A tiny API server behind a Service. */
export interface ExtensionServer extends AsyncDisposable {
  readonly services: ServiceResolver;
  /** Paths as they were asked for by users, not by the API server itself. */
  readonly asked: string[];
  /** Answers discovery and OpenAPI in the old forms only. */
  isOld: boolean;
  isBroken: boolean;
  /** So many requests of users find the connection closed. */
  hangUps: number;
}

export const RESOURCES = {
  kind: 'APIResourceList',
  apiVersion: 'v1',
  groupVersion: `${GROUP}/v1alpha1`,
  resources: [
    { name: 'flunders', singularName: 'flunder', namespaced: true, kind: 'Flunder', verbs: ['get', 'list'] },
    { name: 'flunders/status', singularName: '', namespaced: true, kind: 'Flunder', verbs: ['get'] },
  ],
};

const DISCOVERY = {
  kind: 'APIGroupDiscoveryList',
  apiVersion: 'apidiscovery.k8s.io/v2',
  metadata: {},
  items: [
    {
      metadata: { name: GROUP },
      versions: [
        {
          version: 'v1alpha1',
          resources: [{ resource: 'flunders', scope: 'Namespaced', verbs: ['list', 'delete'] }],
        },
      ],
    },
  ],
};

const SWAGGER = {
  swagger: '2.0',
  paths: {
    [`${ROOT}/flunders`]: { get: { responses: { 200: { schema: { $ref: '#/definitions/Flunder' } } } } },
    '/version/': {},
  },
  definitions: { Flunder: { type: 'object' }, Unused: { type: 'object' } },
};

/** Knows its callers by the front proxy's certificate and says what it was told of them. */
export async function startExtension(): Promise<ExtensionServer> {
  const options = {
    cert: serving.certificatePem,
    key: serving.keyPem,
    ca: proxyAuthority.certificatePem,
    requestCert: true,
  };
  const server = createServer(options, (request, response) => {
    void (async () => {
      const { headers, url = '', method } = request;
      if (extension.isBroken) {
        response.writeHead(500).end('broken');
        return;
      }
      const known = extension.isOld && url !== ROOT ? undefined : DOCUMENTS[url];
      if (known !== undefined) {
        response.writeHead(200, { 'content-type': known.type }).end(JSON.stringify(known.value));
        return;
      }
      if (headers['x-remote-user'] === 'system:kube-aggregator') {
        response.writeHead(404).end('{}');
        return;
      }
      extension.asked.push(`${method} ${url}`);
      if (extension.hangUps > 0) {
        extension.hangUps--;
        request.socket.destroy();
        return;
      }
      if (url.endsWith('/missing')) {
        const status = { kind: 'Status', apiVersion: 'v1', status: 'Failure', code: 404, reason: 'NotFound' };
        response.writeHead(404).end(JSON.stringify({ ...status, message: 'flunders "missing" not found' }));
        return;
      }
      if (url.includes('/doomed/')) {
        response.end(JSON.stringify({ kind: 'FlunderList', metadata: {}, items: [] }));
        return;
      }
      const said = await told(request);
      response.writeHead(200, { 'content-type': 'application/json', 'x-answer': 'own' });
      response.end(JSON.stringify({ kind: 'Flunder', ...said }));
    })();
  });
  server.on('upgrade', (request, socket) => {
    const user = String(request.headers['x-remote-user']);
    socket.write('HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: shout\r\n\r\n');
    socket.on('data', (chunk: Buffer) => socket.end(`${user}:${chunk.toString().toUpperCase()}`));
    socket.on('error', () => socket.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const extension: ExtensionServer = {
    services: { resolve: () => ({ host: '127.0.0.1', port }) },
    asked: [],
    isOld: false,
    isBroken: false,
    hangUps: 0,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return extension;
}

/** What a request says of itself and of who sent it. */
async function told(request: IncomingMessage): Promise<object> {
  const { headers, socket } = request;
  const remote = Object.entries(headers).filter(([name]) => name.startsWith('x-remote-'));
  return {
    isProxy: (socket as { authorized?: boolean }).authorized === true,
    authorization: headers.authorization ?? '',
    sender: headers['x-forwarded-for'],
    audit: headers['audit-id'],
    body: await text(request),
    ...Object.fromEntries(remote),
  };
}

export const AGGREGATED = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';
const DOCUMENTS: Readonly<Record<string, { readonly type: string; readonly value: object }>> = {
  [ROOT]: { type: 'application/json', value: RESOURCES },
  '/apis': { type: AGGREGATED, value: DISCOVERY },
  '/openapi/v2': { type: 'application/json', value: SWAGGER },
  '/openapi/v3': {
    type: 'application/json',
    value: {
      paths: {
        [ROOT.slice(1)]: { serverRelativeURL: `/openapi/v3${ROOT}?hash=A1` },
        version: { serverRelativeURL: '/openapi/v3/version?hash=B2' },
      },
    },
  },
  [`/openapi/v3${ROOT}?hash=A1`]: { type: 'application/json', value: { openapi: '3.0.0' } },
};
