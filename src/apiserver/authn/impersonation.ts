import { internalError } from '#api/status-error.ts';
import type { Attributes, Authorizer } from '../authz/authorizer.ts';
import { requireAllowed } from '../authz/forbidden-message.ts';
import { extraOf, valuesOf, type HeaderSource } from './request-header.ts';
import { parseServiceAccountUserName, serviceAccountGroups } from './service-account-identity.ts';
import {
  ALL_AUTHENTICATED,
  ALL_UNAUTHENTICATED,
  ANONYMOUS_NAME,
  headerOf,
  type AuthnRequest,
  type UserInfo,
} from './user.ts';

const EXTRA_PREFIX = 'impersonate-extra-';
const AUTHENTICATION_GROUP = 'authentication.k8s.io';

const IMPERSONATE = {
  verb: 'impersonate',
  namespace: '',
  apiGroup: '',
  apiVersion: '',
  subresource: '',
  isResourceRequest: true,
  path: '',
} as const;

/** True when a request wants to be taken for somebody else's. Cheap: most do not. */
export function wantsImpersonation({ headers }: Pick<AuthnRequest, 'headers'>): boolean {
  for (const name in headers) {
    if (name.startsWith('impersonate-')) {
      return true;
    }
  }
  return false;
}

/**
 * The user that a request shall count as: the one its `Impersonate-` headers name, if the sender may act as
 * that user, in each of those groups, with that UID and each of those extra values; else the sender.
 *
 * @throws {StatusError} 403 for the first thing the sender may not take on
 */
export function impersonatedUser(request: HeaderSource, sender: UserInfo, authorizer: Authorizer): UserInfo {
  if (!wantsImpersonation(request)) {
    return sender;
  }
  const name = headerOf(request, 'impersonate-user') ?? '';
  const groups = valuesOf(request, 'impersonate-group');
  const uid = headerOf(request, 'impersonate-uid') ?? '';
  const extra = extraOf(request, EXTRA_PREFIX);
  if (name === '') {
    throw internalError('requested groups, uid or extra without impersonating a user');
  }
  const account = parseServiceAccountUserName(name);
  const require = (what: Partial<Attributes> & Pick<Attributes, 'resource' | 'name'>): void =>
    requireAllowed(authorizer, { ...IMPERSONATE, user: sender, ...what });
  require(
    account === undefined
      ? { resource: 'users', name }
      : { resource: 'serviceaccounts', namespace: account.namespace, name: account.name },
  );
  for (const group of groups) {
    require({ resource: 'groups', name: group });
  }
  for (const [key, values] of Object.entries(extra)) {
    for (const value of values) {
      require({
        apiGroup: AUTHENTICATION_GROUP,
        apiVersion: 'v1',
        resource: 'userextras',
        subresource: key,
        name: value,
      });
    }
  }
  if (uid !== '') {
    require({ apiGroup: AUTHENTICATION_GROUP, apiVersion: 'v1', resource: 'uids', name: uid });
  }
  const given =
    groups.length === 0 && account !== undefined ? serviceAccountGroups(account.namespace) : groups;
  return { name, ...(uid === '' ? {} : { uid }), groups: withSystemGroup(name, given), extra };
}

function withSystemGroup(name: string, groups: readonly string[]): readonly string[] {
  if (name === ANONYMOUS_NAME) {
    return groups.includes(ALL_UNAUTHENTICATED) ? groups : [...groups, ALL_UNAUTHENTICATED];
  }
  return groups.includes(ALL_AUTHENTICATED) || groups.includes(ALL_UNAUTHENTICATED)
    ? groups
    : [...groups, ALL_AUTHENTICATED];
}
