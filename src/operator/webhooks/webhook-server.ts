import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { NewObject } from '#api/object.ts';
import type { AdmissionReview } from '#api/types/admission.v1.ts';
import type {
  MutatingWebhookConfiguration,
  ValidatingWebhookConfiguration,
} from '#api/types/admissionregistration.v1.ts';
import type { ConversionReview, CustomResourceConversion } from '#api/types/apiextensions.v1.ts';
import { describeError, type Logger } from '#base/log.ts';
import { readAtMost } from '#base/read-at-most.ts';
import { TaskGroup } from '#base/task-group.ts';
import type { ServedWebhook } from './served-webhook.ts';
import type { ServingCertificate } from './serving-certificate.ts';
import { answerAdmission, answerConversion, ReviewError } from './webhook-answers.ts';
import { configurationsOf, conversionOf, pathOf, type WebhookAddress } from './webhook-configurations.ts';

export type { WebhookAddress } from './webhook-configurations.ts';

export interface WebhookServing {
  readonly webhooks: readonly ServedWebhook[];
  readonly certificate: ServingCertificate;
  /** 127.0.0.1 when left out; `0.0.0.0` in a pod. */
  readonly host?: string;
  /** Any free one when left out. */
  readonly port?: number;
}

/** Reviews are as large as the two objects in them; the API server takes no larger ones than 3 MiB. */
const REVIEW_BYTES_MAX = 8 * 1024 * 1024;

/** Answers the API server's reviews over HTTPS. Also answers `/healthz` and `/readyz`. */
export class WebhookServer implements AsyncDisposable {
  readonly #serving: WebhookServing;
  readonly #byPath: ReadonlyMap<string, ServedWebhook>;
  readonly #server: Server;
  readonly #tasks: TaskGroup;

  constructor(serving: WebhookServing, log: Logger) {
    this.#serving = serving;
    this.#byPath = new Map(serving.webhooks.map((webhook) => [pathOf(webhook), webhook]));
    this.#tasks = TaskGroup.logging(log);
    const { certificatePem, keyPem } = serving.certificate;
    this.#server = createServer({ cert: certificatePem, key: keyPem }, (request, response) => {
      this.#tasks.spawn('webhook', () => this.#serve(request, response));
    });
  }

  /** Where it listens. */
  get url(): string {
    const { address, family, port } = this.#server.address() as AddressInfo;
    return `https://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
  }

  /**
   * The objects that tell the API server to ask these webhooks; apply them to the cluster.
   *
   * @param address how the API server gets here; where it listens when left out
   */
  configurations(
    name: string,
    address: WebhookAddress = this,
  ): readonly (NewObject<MutatingWebhookConfiguration> | NewObject<ValidatingWebhookConfiguration>)[] {
    const { webhooks, certificate } = this.#serving;
    return configurationsOf(webhooks, { name, address, authorityPem: certificate.authorityPem });
  }

  /** What goes into `spec.conversion` of a CustomResourceDefinition whose versions are converted here. */
  conversion(address: WebhookAddress = this): CustomResourceConversion {
    return conversionOf({ address, authorityPem: this.#serving.certificate.authorityPem });
  }

  /** @throws {Error} `EADDRINUSE` when the port is taken */
  async listen(): Promise<void> {
    const { host = '127.0.0.1', port = 0 } = this.#serving;
    this.#server.listen(port, host);
    await once(this.#server, 'listening');
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
    const [path = ''] = (request.url ?? '').split('?');
    if (path === '/healthz' || path === '/readyz') {
      response.end('ok');
      return;
    }
    const webhook = this.#byPath.get(path);
    if (webhook === undefined) {
      response.writeHead(404).end(`no webhook is served at ${path}\n`);
      return;
    }
    try {
      const answer = await answerTo(webhook, await readReview(request));
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify(answer));
    } catch (error) {
      if (request.destroyed) {
        return;
      }
      response.writeHead(400).end(`${describeError(error)}\n`);
    }
  }
}

/** Serves webhooks until the server is closed. An operator does it by its `webhooks` option. */
export async function serveWebhooks(serving: WebhookServing, log: Logger): Promise<WebhookServer> {
  const server = new WebhookServer(serving, log);
  await server.listen();
  return server;
}

function answerTo(webhook: ServedWebhook, review: AdmissionReview | ConversionReview): Promise<object> {
  // Which of the two it is, its kind says; the functions look.
  return webhook.kind === 'converting'
    ? answerConversion(webhook, review as ConversionReview)
    : answerAdmission(webhook, review as AdmissionReview);
}

async function readReview(request: IncomingMessage): Promise<AdmissionReview | ConversionReview> {
  const body = await readAtMost(
    request,
    REVIEW_BYTES_MAX,
    (bytesMax) => new ReviewError(`the review is longer than ${bytesMax} bytes`),
  );
  const review: unknown = JSON.parse(body.toString());
  if (typeof review !== 'object' || review === null) {
    throw new ReviewError('the body is no review');
  }
  return review;
}
