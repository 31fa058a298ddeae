import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import type { AdmissionRequest, AdmissionResponse } from '#api/types/admission.v1.ts';
import type { MutatingWebhook, ValidatingWebhook } from '#api/types/admissionregistration.v1.ts';
import { MUTATING_WEBHOOK_CONFIGURATION, VALIDATING_WEBHOOK_CONFIGURATION } from '#api/types/resources.ts';
import { createServingPair } from '#base/x509/serving-pair.fixture.ts';
import type { InProcessCluster } from './in-process-cluster.ts';

/** As much of a response as a webhook may leave it at. */
export type Said = Omit<Partial<AdmissionResponse>, 'status'> & { readonly status?: object };
type Answer = (request: AdmissionRequest) => Said | 'nothing' | number;

/** A server of webhooks that notes what it is asked. */
export interface WebhookServer extends AsyncDisposable {
  readonly port: number;
  readonly caBundle: string;
  /** What was asked, as `path OPERATION resource/name`. */
  readonly asked: string[];
  readonly requests: AdmissionRequest[];
  /** How the paths answer; all others allow. */
  readonly answers: Map<string, Answer>;
  connections: number;
}

const { tls, caBundle } = createServingPair('hook.default.svc');

/** Starts one on a free port; every path allows until told otherwise. */
export async function startWebhooks(): Promise<WebhookServer> {
  const server = createServer(tls, (request, response) => {
    void (async () => {
      const review = (await json(request)) as { readonly request: AdmissionRequest };
      const [path = ''] = (request.url ?? '').split('?');
      const { uid, operation, resource, name = '', object } = review.request;
      webhooks.requests.push(review.request);
      const named =
        name === '' ? ((object?.['metadata'] as { name?: string } | undefined)?.name ?? '') : name;
      webhooks.asked.push(`${path} ${operation} ${resource.resource}/${named}`);
      const answer = webhooks.answers.get(path)?.(review.request) ?? {};
      if (answer === 'nothing') {
        return;
      }
      if (typeof answer === 'number') {
        response.writeHead(answer).end('broken');
        return;
      }
      const said = { uid, allowed: true, ...answer };
      response.end(
        JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response: said }),
      );
    })();
  });
  server.on('secureConnection', () => {
    webhooks.connections += 1;
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const webhooks: WebhookServer = {
    port: (server.address() as AddressInfo).port,
    caBundle,
    asked: [],
    requests: [],
    answers: new Map(),
    connections: 0,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return webhooks;
}

/** Every write of a config map. */
export const RULE = {
  operations: ['CREATE', 'UPDATE', 'DELETE'],
  apiGroups: [''],
  apiVersions: ['v1'],
  resources: ['configmaps'],
} as const;

/** A webhook at a path of the server, by default for {@link RULE}. */
export function hook(
  server: WebhookServer,
  path: string,
  changes: Partial<MutatingWebhook> = {},
): MutatingWebhook & ValidatingWebhook {
  return {
    name: `${path.slice(1)}.hooks.example`,
    clientConfig: { url: `https://127.0.0.1:${server.port}${path}`, caBundle: server.caBundle },
    rules: [RULE],
    sideEffects: 'None',
    admissionReviewVersions: ['v1'],
    ...changes,
  };
}

/** Registers mutating webhooks. */
export async function mutating(
  { client }: InProcessCluster,
  ...webhooks: readonly MutatingWebhook[]
): Promise<void> {
  await client.of(MUTATING_WEBHOOK_CONFIGURATION).create({ metadata: { name: 'mutating' }, webhooks });
}

/** Registers validating webhooks. */
export async function validating(
  { client }: InProcessCluster,
  ...webhooks: readonly ValidatingWebhook[]
): Promise<void> {
  await client.of(VALIDATING_WEBHOOK_CONFIGURATION).create({ metadata: { name: 'validating' }, webhooks });
}

/** The part of a response that patches the object. */
export function patchOf(...operations: readonly object[]): Partial<AdmissionResponse> {
  return { patchType: 'JSONPatch', patch: Buffer.from(JSON.stringify(operations)).toString('base64') };
}

/** A config map to create. */
export function aConfigMap(name: string, labels: Record<string, string> = {}) {
  return { metadata: { namespace: 'default', name, labels }, data: { key: 'value' } };
}
