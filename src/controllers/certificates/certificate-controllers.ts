import { isNotFound } from '#api/status-error.ts';
import { formatTime, parseTime } from '#api/time.ts';
import type { SubjectAccessReview } from '#api/types/authorization.v1.ts';
import type { CertificateSigningRequest } from '#api/types/certificates.v1.ts';
import { CERTIFICATE_SIGNING_REQUEST, SUBJECT_ACCESS_REVIEW } from '#api/types/resources.ts';
import { utf8Encode } from '#base/bytes.ts';
import { describeError } from '#base/log.ts';
import type { Informer } from '#client/lister.ts';
import type { ControllerDeps } from '../runner/controller-deps.ts';
import {
  againAfter,
  type Controller,
  DONE,
  enqueueOnChange,
  type KeyQueue,
  type ReconcileResult,
} from '../runner/controller.ts';
import { hasCondition, nodeClientName, OWN_SIGNERS, requestPem, ruleProblem } from './signer-rules.ts';

/** Signs what was approved; gives PEM and takes PEM. Throws when the request is malformed. */
export type SignCertificate = (wanted: {
  readonly request: string;
  readonly usages: readonly string[];
  readonly expirationSeconds?: number | undefined;
}) => string;

const HOUR_MS = 3_600_000;
/** How long requests are kept: approved and denied ones an hour, those that nobody answered a day. */
const ANSWERED_MS = HOUR_MS;
const PENDING_MS = 24 * HOUR_MS;

abstract class RequestController implements Controller {
  abstract readonly name: string;
  readonly workers: number = 5;
  protected readonly deps: ControllerDeps;
  readonly #requests: Informer<CertificateSigningRequest>;

  constructor(deps: ControllerDeps) {
    this.deps = deps;
    this.#requests = deps.informers.of(CERTIFICATE_SIGNING_REQUEST);
  }

  connect(queue: KeyQueue): readonly Disposable[] {
    return [enqueueOnChange(this.#requests, queue, ({ metadata }) => [metadata.name])];
  }

  async reconcile(name: string, signal: AbortSignal): Promise<ReconcileResult> {
    const request = this.#requests.get(name);
    return request === undefined ? DONE : await this.handle(request, signal);
  }

  protected abstract handle(
    request: CertificateSigningRequest,
    signal: AbortSignal,
  ): Promise<ReconcileResult>;

  /** Adds a condition through the endpoint that guards it. */
  protected async addCondition(
    request: CertificateSigningRequest,
    subresource: 'approval' | 'status',
    condition: { readonly type: string; readonly reason: string; readonly message: string },
    signal: AbortSignal,
  ): Promise<void> {
    const now = formatTime(this.deps.clock.nowMs());
    const added = { ...condition, status: 'True', lastUpdateTime: now, lastTransitionTime: now };
    const status = { ...request.status, conditions: [...(request.status.conditions ?? []), added] };
    const target = { namespace: '', name: request.metadata.name, subresource };
    await this.deps.client
      .of(CERTIFICATE_SIGNING_REQUEST)
      .subresource('update', target, { ...request, status }, signal);
  }
}

/** Approves the client certificates of kubelets that may ask for one, by what the authorizer says. */
export class RequestApprovingController extends RequestController {
  readonly name = 'csrapproving';

  protected async handle(request: CertificateSigningRequest, signal: AbortSignal): Promise<ReconcileResult> {
    const isAnswered = hasCondition(request, 'Approved') || hasCondition(request, 'Denied');
    const nodeName =
      isAnswered || request.status.certificate !== undefined ? undefined : nodeClientName(request);
    if (nodeName === undefined) {
      return DONE;
    }
    const subresource = nodeName === request.spec.username ? 'selfnodeclient' : 'nodeclient';
    if (!(await this.#mayHave(request, subresource, signal))) {
      return DONE;
    }
    const self = subresource === 'selfnodeclient' ? 'self ' : '';
    const message = `Auto approving ${self}kubelet client certificate after SubjectAccessReview.`;
    await this.addCondition(
      request,
      'approval',
      { type: 'Approved', reason: 'AutoApproved', message },
      signal,
    );
    return DONE;
  }

  async #mayHave(
    { spec }: CertificateSigningRequest,
    subresource: string,
    signal: AbortSignal,
  ): Promise<boolean> {
    const { username, uid, groups, extra } = spec;
    const review = await this.deps.client.of(SUBJECT_ACCESS_REVIEW).create(
      {
        metadata: {},
        spec: {
          ...(username === undefined ? {} : { user: username }),
          ...(uid === undefined ? {} : { uid }),
          ...(groups === undefined ? {} : { groups }),
          ...(extra === undefined ? {} : { extra }),
          resourceAttributes: {
            group: 'certificates.k8s.io',
            resource: 'certificatesigningrequests',
            verb: 'create',
            version: '*',
            subresource,
          },
        },
      },
      {},
      signal,
    );
    return isAllowed(review);
  }
}

/** Signs approved requests of the cluster's own signers, after looking whether they are what the signer is for. */
export class RequestSigningController extends RequestController {
  readonly name = 'csrsigning';
  readonly #sign: SignCertificate;

  constructor(deps: ControllerDeps, sign: SignCertificate) {
    super(deps);
    this.#sign = sign;
  }

  protected async handle(request: CertificateSigningRequest, signal: AbortSignal): Promise<ReconcileResult> {
    const { spec, status } = request;
    const isOpen =
      hasCondition(request, 'Approved') &&
      !hasCondition(request, 'Denied') &&
      !hasCondition(request, 'Failed');
    if (!isOpen || (status.certificate ?? '') !== '' || !OWN_SIGNERS.has(spec.signerName)) {
      return DONE;
    }
    const problem = ruleProblem(request);
    if (problem !== undefined) {
      const condition = { type: 'Failed', reason: 'SignerValidationFailure', message: problem };
      await this.addCondition(request, 'status', condition, signal);
      return DONE;
    }
    const { usages = [], expirationSeconds } = spec;
    const certificatePem = this.#sign({ request: requestPem(request), usages, expirationSeconds });
    const certificate = utf8Encode(certificatePem).toBase64();
    await this.deps.client
      .of(CERTIFICATE_SIGNING_REQUEST)
      .updateStatus({ ...request, status: { ...status, certificate } }, {}, signal);
    return DONE;
  }
}

/** Deletes requests that have served their time. */
export class RequestCleaningController extends RequestController {
  readonly name = 'csrcleaner';

  protected async handle(request: CertificateSigningRequest, signal: AbortSignal): Promise<ReconcileResult> {
    const leftMs = lifetimeEndMs(request) - this.deps.clock.nowMs();
    if (leftMs > 0) {
      return againAfter(leftMs);
    }
    const { name, uid } = request.metadata;
    try {
      await this.deps.client
        .of(CERTIFICATE_SIGNING_REQUEST)
        .delete('', name, { preconditions: { uid } }, signal);
    } catch (error) {
      if (!isNotFound(error)) {
        this.deps.log.warn('old certificate request not deleted', { name, error: describeError(error) });
        throw error;
      }
    }
    return DONE;
  }
}

function isAllowed({ status }: SubjectAccessReview): boolean {
  return status.allowed && status.denied !== true;
}

function lifetimeEndMs({ metadata, status }: CertificateSigningRequest): number {
  const answered = status.conditions?.map(({ lastUpdateTime }) => parseTime(lastUpdateTime ?? '') ?? 0) ?? [];
  return answered.length > 0
    ? Math.max(...answered) + ANSWERED_MS
    : (parseTime(metadata.creationTimestamp) ?? 0) + PENDING_MS;
}
