import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import type { ApiObject } from '#api/object.ts';
import { createServingPair } from '#base/x509/serving-pair.fixture.ts';

export type Fields = Readonly<Record<string, unknown>>;
export type Converted = ApiObject & { readonly spec: Fields };

interface Review {
  readonly request: {
    readonly uid: string;
    readonly desiredAPIVersion: string;
    readonly objects: readonly Converted[];
  };
}

/** A server that converts: by default `spec.hostPort` of v1 into `spec.host` and `spec.port` of v2, and back. */
export interface ConversionServer extends AsyncDisposable {
  readonly port: number;
  readonly caBundle: string;
  /** What was asked, as `name,name → version`. */
  readonly asked: string[];
  /** How it converts; may be replaced. */
  convert: (object: Converted, apiVersion: string) => unknown;
  /** What it answers, given the response it would send. */
  answer: (response: Fields) => unknown;
}

const { tls, caBundle } = createServingPair('converter.default.svc');

export async function startConversionServer(): Promise<ConversionServer> {
  const server = createServer(tls, (request, response) => {
    void (async () => {
      const { request: asked } = (await json(request)) as Review;
      const { uid, desiredAPIVersion: wanted, objects } = asked;
      converter.asked.push(`${objects.map(({ metadata }) => metadata.name).join(',')} → ${wanted}`);
      const convertedObjects = objects.map((object) => converter.convert(object, wanted));
      const answer = converter.answer({ uid, convertedObjects, result: { status: 'Success' } });
      response.end(
        JSON.stringify({ apiVersion: 'apiextensions.k8s.io/v1', kind: 'ConversionReview', response: answer }),
      );
    })();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const converter: ConversionServer = {
    port: (server.address() as AddressInfo).port,
    caBundle,
    asked: [],
    convert: convertHost,
    answer: (response) => response,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return converter;
}

function convertHost(object: Converted, apiVersion: string): Converted {
  const { hostPort, host, port, ...rest } = object.spec;
  const spec: Fields = apiVersion.endsWith('v2')
    ? { ...rest, ...split(hostPort) }
    : { ...rest, hostPort: `${String(host)}:${String(port)}` };
  return { ...object, apiVersion, spec };
}

function split(hostPort: unknown): Fields {
  const [host, port] = String(hostPort).split(':');
  return { host, port };
}
