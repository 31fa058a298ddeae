import type { RequestInfo } from '../request-info.ts';
import type { UserInfo } from '../authn/user.ts';
import type { Attributes } from './authorizer.ts';

/** What a request wants to do, in the words of authorizers and audit policies. Its user may be unknown to the latter. */
export function attributesOf<User extends UserInfo | undefined>({
  info,
  user,
}: {
  readonly info: RequestInfo;
  readonly user: User;
}): Omit<Attributes, 'user'> & { readonly user: User } {
  return {
    user,
    verb: info.verb,
    namespace: info.namespace,
    apiGroup: info.group,
    apiVersion: info.version,
    resource: info.resource,
    subresource: info.subresource,
    name: info.name,
    isResourceRequest: info.isResource,
    path: info.path,
  };
}
