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
import { contextOf } from './call-options.ts';
import { decodeValue } from './decode-body.ts';

export interface ReviewDeps {
  readonly authorizer: Authorizer;
  readonly rbac: RbacGrants;
  readonly tokens: TokenAuthenticator;
  readonly issuer: TokenIssuer;
  readonly admission: Pick<AdmissionChain, 'handles' | 'admit' | 'validate'>;
  /** What this API server answers to. */
  readonly audiences: readonly string[];
}

const AUTHENTICATION = 'authentication.k8s.io';
const AUTHORIZATION = 'authorization.k8s.io';

/** The resources that answer a question and store nothing. */
export function reviewHandlers(deps: ReviewDeps): ReadonlyMap<string, VirtualHandler> {
  const { authorizer, rbac, admission } = deps;
  const authorization = <T extends object>(kind: string, review: Review<T>): VirtualHandler =>
    answer(admission, { group: AUTHORIZATION, kind }, review);
  return new Map([
    [
      `${AUTHENTICATION}/tokenreviews`,
      answer<TokenReview>(admission, { group: AUTHENTICATION, kind: 'TokenReview' }, (review) =>
        reviewToken(review, deps.tokens, deps.audiences),
      ),
    ],
    [
      `${AUTHENTICATION}/selfsubjectreviews`,
      answer<SelfSubjectReview>(
        admission,
        { group: AUTHENTICATION, kind: 'SelfSubjectReview' },
        (review, { user }) => ({ ...review, status: { userInfo: apiUserOf(user) } }),
      ),
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

interface Question {
  readonly group: string;
  readonly kind: string;
}

type Admission = ReviewDeps['admission'];

function answer<T extends object>(
  admission: Admission,
  question: Question,
  review: Review<T>,
): VirtualHandler {
  return async (call): Promise<ApiResult> => {
    requireCreate(call);
    const asked = await admit(admission, call, question, decode<T>(call, question));
    await validate(admission, call, question, asked);
    return { kind: 'value', code: 201, value: await review(asked, call) };
  };
}

const TOKEN_REQUEST: Question = { group: AUTHENTICATION, kind: 'TokenRequest' };

function tokenHandler({ issuer, admission }: ReviewDeps): VirtualHandler {
  return async (call): Promise<ApiResult> => {
    requireCreate(call);
    const decoded = decode<NewTokenRequest>(call, TOKEN_REQUEST);
    const request = await admit(admission, call, TOKEN_REQUEST, decoded);
    const value = issuer.createToken(call.info.namespace, call.info.name, request);
    // Nobody but the client is shown the token.
    const status = { token: '', expirationTimestamp: null };
    await validate(admission, call, TOKEN_REQUEST, { ...value, status });
    return { kind: 'value', code: 201, value };
  };
}

/** What is asked, as the mutating plugins want it: nothing is stored, but the same plugins have a say. */
async function admit<T extends object>(
  admission: Admission,
  call: ApiCall,
  question: Question,
  asked: T,
): Promise<T> {
  if (!isOfInterest(admission, call)) {
    return asked;
  }
  const attributes = attributesOf(call, question, asked);
  const admitted = await admission.admit(attributes);
  return admitted === attributes.object ? asked : (admitted as T);
}

async function validate(
  admission: Admission,
  call: ApiCall,
  question: Question,
  asked: object,
): Promise<void> {
  if (isOfInterest(admission, call)) {
    await admission.validate(attributesOf(call, question, asked));
  }
}

function isOfInterest(admission: Admission, { info }: ApiCall): boolean {
  return admission.handles('CREATE', info, info.subresource);
}

/** Metadata, which may be left out, are there for the plugins. */
function attributesOf(call: ApiCall, { group, kind }: Question, asked: object): AdmissionAttributes {
  const { info, user } = call;
  const { isDryRun, options, annotate } = contextOf(call, 'create');
  return {
    operation: 'CREATE',
    kind: { group, version: 'v1', kind },
    resource: info,
    subresource: info.subresource,
    namespace: info.namespace,
    name: info.name,
    object: { metadata: {}, ...asked } as unknown as ApiObject,
    oldObject: undefined,
    options,
    user,
    dryRun: isDryRun,
    warn: (text) => call.warnings.push(text),
    annotate,
  };
}

function requireCreate({ info }: ApiCall): void {
  if (info.verb !== 'create') {
    throw methodNotSupported(info, info.verb);
  }
}

function decode<T>({ body }: ApiCall, { group, kind }: Question): T {
  const struct = defined(structOfKind(group, 'v1', kind), `type ${kind}`);
  const { object } = decodeObject(decodeValue(body), struct, { fieldValidation: 'Ignore' });
  // The typed decoder returns objects of the struct it was given; the answer says its type even when the question did not.
  return { ...object, apiVersion: `${group}/v1`, kind } as unknown as T;
}
