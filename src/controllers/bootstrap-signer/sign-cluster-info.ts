import { createHmac } from 'node:crypto';

/** Keys of the `cluster-info` ConfigMap that hold signatures; the ID of the token comes after. */
export const SIGNATURE_PREFIX = 'jws-kubeconfig-';

export interface BootstrapToken {
  readonly id: string;
  readonly secret: string;
}

function base64Url(text: string): string {
  return Buffer.from(text).toString('base64url');
}

/**
 * A detached JWS over the kubeconfig (RFC 7515, appendix F) by HS256: whoever knows the token can check that the
 * kubeconfig comes from somebody who knows it too.
 */
export function signatureOf(kubeconfig: string, { id, secret }: BootstrapToken): string {
  const header = base64Url(JSON.stringify({ alg: 'HS256', kid: id }));
  const signature = createHmac('sha256', secret)
    .update(`${header}.${base64Url(kubeconfig)}`)
    .digest('base64url');
  return `${header}..${signature}`;
}

/** The data of the ConfigMap as it should be: one signature for every token, none for others. */
export function signedData(
  data: Readonly<Record<string, string>>,
  tokens: readonly BootstrapToken[],
): Readonly<Record<string, string>> {
  const { kubeconfig } = data;
  const kept = Object.entries(data).filter(([key]) => !key.startsWith(SIGNATURE_PREFIX));
  const signatures =
    kubeconfig === undefined
      ? []
      : tokens.map((token) => [`${SIGNATURE_PREFIX}${token.id}`, signatureOf(kubeconfig, token)] as const);
  return Object.fromEntries([...kept, ...signatures]);
}
