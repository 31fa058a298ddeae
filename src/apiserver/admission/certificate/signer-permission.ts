import type { UserInfo } from '../../authn/user.ts';
import type { Authorizer } from '../../authz/authorizer.ts';

/** Whether a user holds `verb` on a signer, by its name or by its domain: `example.com/*`. */
export function mayUseSigner(
  authorizer: Authorizer,
  user: UserInfo,
  verb: string,
  signerName: string,
): boolean {
  const domain = signerName.slice(0, signerName.indexOf('/'));
  return [signerName, `${domain}/*`].some((name) => {
    const { outcome } = authorizer.authorize({
      user,
      verb,
      namespace: '',
      apiGroup: 'certificates.k8s.io',
      apiVersion: '*',
      resource: 'signers',
      subresource: '',
      name,
      isResourceRequest: true,
      path: '',
    });
    return outcome === 'allow';
  });
}
