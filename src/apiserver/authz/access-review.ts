import type {
  LocalSubjectAccessReview,
  NonResourceAttributes,
  ResourceAttributes,
  SelfSubjectAccessReview,
  SelfSubjectRulesReview,
  SubjectAccessReview,
} from '#api/types/authorization.v1.ts';
import { badRequest, invalid, type FieldError } from '#api/status-error.ts';
import type { UserInfo } from '../authn/user.ts';
import { decisionOn, type Attributes, type Authorizer } from './authorizer.ts';
import { aggregate } from './rbac-authorizer.ts';
import type { RbacGrants } from './rbac-grants.ts';

type Spec = SubjectAccessReview['spec'];
type Status = SubjectAccessReview['status'];

/** @throws {StatusError} 422 when the review does not say who, or not exactly one thing to do */
export async function reviewSubjectAccess(
  review: SubjectAccessReview,
  authorizer: Authorizer,
): Promise<SubjectAccessReview> {
  check('SubjectAccessReview', review.spec, subjectErrors(review.spec));
  return { ...review, status: await judge(review.spec, subjectOf(review.spec), authorizer) };
}

/** @throws {StatusError} 422 when the review does not name exactly one thing to do */
export async function reviewSelfSubjectAccess(
  review: SelfSubjectAccessReview,
  user: UserInfo,
  authorizer: Authorizer,
): Promise<SelfSubjectAccessReview> {
  check('SelfSubjectAccessReview', review.spec, []);
  return { ...review, status: await judge(review.spec, user, authorizer) };
}

/**
 * @param namespace the one in the request's path
 * @throws {StatusError} 400 when the review is about another namespace, 422 when it is not well-formed
 */
export async function reviewLocalSubjectAccess(
  review: LocalSubjectAccessReview,
  namespace: string,
  authorizer: Authorizer,
): Promise<LocalSubjectAccessReview> {
  const { spec } = review;
  const errors = subjectErrors(spec);
  if (spec.nonResourceAttributes !== undefined) {
    const detail = 'disallowed on this kind of request';
    errors.push({
      path: 'spec.nonResourceAttributes',
      reason: 'FieldValueInvalid',
      badValue: spec.nonResourceAttributes,
      detail,
    });
  }
  check('LocalSubjectAccessReview', spec, errors);
  if (spec.resourceAttributes?.namespace !== namespace) {
    throw badRequest(`spec.resourceAttributes.namespace must match namespace: ${namespace}`);
  }
  return { ...review, status: await judge(spec, subjectOf(spec), authorizer) };
}

/** Every rule the user holds in a namespace, as `kubectl auth can-i --list` shows them. */
export function reviewSelfSubjectRules(
  review: SelfSubjectRulesReview,
  user: UserInfo,
  grants: RbacGrants,
): SelfSubjectRulesReview {
  const namespace = review.spec.namespace ?? '';
  if (namespace === '') {
    throw badRequest('no namespace on request');
  }
  const { rules, errors } = grants.rulesFor(user, namespace);
  return {
    ...review,
    status: {
      resourceRules: rules.filter(({ resources = [] }) => resources.length > 0),
      nonResourceRules: rules
        .filter(({ nonResourceURLs = [] }) => nonResourceURLs.length > 0)
        .map(({ verbs, nonResourceURLs = [] }) => ({ verbs, nonResourceURLs })),
      incomplete: errors.length > 0,
      ...(errors.length === 0 ? {} : { evaluationError: aggregate(errors) }),
    },
  };
}

async function judge(
  spec: Pick<Spec, 'resourceAttributes' | 'nonResourceAttributes'>,
  user: UserInfo,
  authorizer: Authorizer,
): Promise<Status> {
  const { resourceAttributes, nonResourceAttributes } = spec;
  const attributes =
    resourceAttributes === undefined
      ? pathAttributes(user, nonResourceAttributes ?? {})
      : attributesOfResource(user, resourceAttributes);
  const { outcome, reason, error } = await decisionOn(authorizer, attributes);
  return {
    allowed: outcome === 'allow',
    ...(outcome === 'deny' ? { denied: true } : {}),
    ...(reason === '' ? {} : { reason }),
    ...(error === undefined ? {} : { evaluationError: error }),
  };
}

function attributesOfResource(user: UserInfo, wanted: ResourceAttributes): Attributes {
  return {
    user,
    verb: wanted.verb ?? '',
    namespace: wanted.namespace ?? '',
    apiGroup: wanted.group ?? '',
    apiVersion: wanted.version ?? '*',
    resource: wanted.resource ?? '',
    subresource: wanted.subresource ?? '',
    name: wanted.name ?? '',
    isResourceRequest: true,
    path: '',
  };
}

function pathAttributes(user: UserInfo, { path = '', verb = '' }: NonResourceAttributes): Attributes {
  return {
    user,
    verb,
    namespace: '',
    apiGroup: '',
    apiVersion: '',
    resource: '',
    subresource: '',
    name: '',
    isResourceRequest: false,
    path,
  };
}

function subjectOf({ user = '', groups = [], extra = {}, uid }: Spec): UserInfo {
  return { name: user, groups, extra, ...(uid === undefined ? {} : { uid }) };
}

function subjectErrors({ user = '', groups = [] }: Spec): FieldError[] {
  const detail = 'at least one of user or group must be specified';
  return user === '' && groups.length === 0
    ? [{ path: 'spec.user', reason: 'FieldValueInvalid', badValue: user, detail }]
    : [];
}

function check(
  kind: string,
  spec: Pick<Spec, 'resourceAttributes' | 'nonResourceAttributes'>,
  errors: FieldError[],
): void {
  const { resourceAttributes, nonResourceAttributes } = spec;
  if (resourceAttributes !== undefined && nonResourceAttributes !== undefined) {
    const detail = 'cannot be specified in combination with resourceAttributes';
    errors.push({
      path: 'spec.nonResourceAttributes',
      reason: 'FieldValueInvalid',
      badValue: nonResourceAttributes,
      detail,
    });
  }
  if (resourceAttributes === undefined && nonResourceAttributes === undefined) {
    const detail = 'exactly one of nonResourceAttributes or resourceAttributes must be specified';
    errors.push({ path: 'spec.resourceAttributes', reason: 'FieldValueInvalid', badValue: null, detail });
  }
  if (errors.length > 0) {
    throw invalid({ group: 'authorization.k8s.io', kind }, '', errors);
  }
}
