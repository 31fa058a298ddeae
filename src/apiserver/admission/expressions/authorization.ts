import type { AuthorizationPort } from '#cel/library/authorizer.ts';
import { ALL_SERVICE_ACCOUNTS, type UserInfo } from '../../authn/user.ts';
import type { Attributes, Authorizer } from '../../authz/authorizer.ts';

/** Lets expressions ask what the user, or a service account, may do. */
export function authorizationPort(authorizer: Authorizer, user: UserInfo): AuthorizationPort {
  return ({ serviceAccount, verb, path, group, resource, subresource, namespace, name }) => {
    const attributes: Attributes = {
      user: serviceAccount === undefined ? user : userOf(serviceAccount),
      verb,
      namespace,
      apiGroup: group,
      apiVersion: '*',
      resource,
      subresource,
      name,
      isResourceRequest: path === undefined,
      path: path ?? '',
    };
    const { outcome, reason, error } = authorizer.authorize(attributes);
    return { isAllowed: outcome === 'allow', reason, error };
  };
}

function userOf({ namespace, name }: { readonly namespace: string; readonly name: string }): UserInfo {
  return {
    name: `system:serviceaccount:${namespace}:${name}`,
    groups: [ALL_SERVICE_ACCOUNTS, `${ALL_SERVICE_ACCOUNTS}:${namespace}`],
    extra: {},
  };
}
