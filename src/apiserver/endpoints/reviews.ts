import type {
  LocalSubjectAccessReview,
  SelfSubjectAccessReview,
  SelfSubjectRulesReview,
  SubjectAccessReview,
} from '#api/types/authorization.v1.ts';
import type { SelfSubjectReview, TokenReview } from '#api/types/authentication.v1.ts';
import type { ApiObject } from '#api/object.ts';
import { methodNotSupported } from '#api/status-error.ts';
import { structOfKind } from '#api/schema/schema.ts';
import { defined } from '#base/assert.ts';
import { decodeObject } from '#codec/typed-decode.ts';
import type { AdmissionAttributes } from '../admission/admission.ts';
import type { AdmissionChain } from '../admission/admission-chain.ts';
import type { TokenAuthenticator } from '../authn/bearer-token.ts';
import type { NewTokenRequest, TokenIssuer } from '../authn/token-issuer.ts';
import { apiUserOf, reviewToken } from '../authn/token-review.ts';
import {
  reviewLocalSubjectAccess,
  reviewSelfSubjectAccess,
  reviewSelfSubjectRules,
  reviewSubjectAccess,
} from '../authz/access-review.ts';
import type { Authorizer } from '../authz/authorizer.ts';
import type { RbacGrants } from '../authz/rbac-grants.ts';
import type { ApiCall, ApiResult } from './api-call.ts';
import type { VirtualHandler } from './api-handler.ts';
import { decodeValue } from './decode-body.ts';

export interface ReviewDeps {
  readonly authorizer: Authorizer;
  readonly rbac: RbacGrants;
  readonly tokens: TokenAuthenticator;
  readonly issuer: TokenIssuer;
  readonly admission: Pick<AdmissionChain, 'admit' | 'validate'>;
  /** What this API server answers to. */
  readonly audiences: readonly string[];
}

const AUTHENTICATION = 'authentication.k8s.io';
const AUTHORIZATION = 'authorization.k8s.io';

/** The resources that answer a question and store nothing. */
export function reviewHandlers(deps: ReviewDeps): ReadonlyMap<string, VirtualHandler> {
  const { authorizer, rbac } = deps;
  const authorization = <T>(kind: string, review: Review<T>): VirtualHandler =>
    answer(AUTHORIZATION, kind, review);
  return new Map([
    [
      `${AUTHENTICATION}/tokenreviews`,
      answer<TokenReview>(AUTHENTICATION, 'TokenReview', (review) =>
        reviewToken(review, deps.tokens, deps.audiences),
      ),
    ],
    [
      `${AUTHENTICATION}/selfsubjectreviews`,
      answer<SelfSubjectReview>(AUTHENTICATION, 'SelfSubjectReview', (review, { user }) => ({
        ...review,
        status: { userInfo: apiUserOf(user) },
      })),
    ],
    [
      `${AUTHORIZATION}/subjectaccessreviews`,
      authorization<SubjectAccessReview>('SubjectAccessReview', (review) =>
        reviewSubjectAccess(review, authorizer),
      ),
    ],
    [
      `${AUTHORIZATION}/selfsubjectaccessreviews`,
      authorization<SelfSubjectAccessReview>('SelfSubjectAccessReview', (review, { user }) =>
        reviewSelfSubjectAccess(review, user, authorizer),
      ),
    ],
    [
      `${AUTHORIZATION}/localsubjectaccessreviews`,
      authorization<LocalSubjectAccessReview>('LocalSubjectAccessReview', (review, { info }) =>
        reviewLocalSubjectAccess(review, info.namespace, authorizer),
      ),
    ],
    [
      `${AUTHORIZATION}/selfsubjectrulesreviews`,
      authorization<SelfSubjectRulesReview>('SelfSubjectRulesReview', (review, { user }) =>
        reviewSelfSubjectRules(review, user, rbac),
      ),
    ],
    ['/serviceaccounts/token', tokenHandler(deps)],
  ]);
}

type Review<T> = (body: T, call: ApiCall) => object | Promise<object>;

function answer<T>(group: string, kind: string, review: Review<T>): VirtualHandler {
  return async (call): Promise<ApiResult> => {
    requireCreate(call);
    return { kind: 'value', code: 201, value: await review(decode<T>(call, group, kind), call) };
  };
}

function tokenHandler({ issuer, admission }: ReviewDeps): VirtualHandler {
  return async (call): Promise<ApiResult> => {
    requireCreate(call);
    const request = decode<NewTokenRequest>(call, AUTHENTICATION, 'TokenRequest');
    await admitToken(admission, call, request);
    const value = issuer.createToken(call.info.namespace, call.info.name, request);
    return { kind: 'value', code: 201, value };
  };
}

/** A token is not stored, but what may be asked for is decided by the same plugins. */
async function admitToken(
  admission: ReviewDeps['admission'],
  { info, user }: ApiCall,
  request: NewTokenRequest,
): Promise<void> {
  const attributes: AdmissionAttributes = {
    operation: 'CREATE',
    kind: { group: AUTHENTICATION, version: 'v1', kind: 'TokenRequest' },
    resource: info,
    subresource: info.subresource,
    namespace: info.namespace,
    name: info.name,
    // A request's metadata may be left out; no plugin reads it.
    object: request as unknown as ApiObject,
    oldObject: undefined,
    options: {},
    user,
    dryRun: false,
  };
  await admission.admit(attributes);
  await admission.validate(attributes);
}

function requireCreate({ info }: ApiCall): void {
  if (info.verb !== 'create') {
    throw methodNotSupported(info, info.verb);
  }
}

function decode<T>({ body }: ApiCall, group: string, kind: string): T {
  const struct = defined(structOfKind(group, 'v1', kind), `type ${kind}`);
  const { object } = decodeObject(decodeValue(body), struct, { fieldValidation: 'Ignore' });
  // The typed decoder returns objects of the struct it was given; the answer says its type even when the question did not.
  return { ...object, apiVersion: `${group}/v1`, kind } as unknown as T;
}
