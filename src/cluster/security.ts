import { AdmissionChain } from '#apiserver/admission/admission-chain.ts';
import { defaultPlugins } from '#apiserver/admission/default-plugins.ts';
import type { ServiceResolver } from '#apiserver/admission/webhooks/service-resolver.ts';
import type { SecurityFactory } from '#apiserver/api-server.ts';
import { AuthnChain } from '#apiserver/authn/authn-chain.ts';
import { BearerTokenAuthenticator, TokenAuthenticatorUnion } from '#apiserver/authn/bearer-token.ts';
import { BootstrapTokens } from '#apiserver/authn/bootstrap-tokens.ts';
import { CertificateVerifier, ClientCertificateAuthenticator } from '#apiserver/authn/client-certificate.ts';
import { signingKey } from '#apiserver/authn/json-web-token.ts';
import { jsonWebKeySet, openIdConfiguration } from '#apiserver/authn/oidc-discovery.ts';
import { RequestHeaderAuthenticator } from '#apiserver/authn/request-header.ts';
import { ServiceAccountTokens } from '#apiserver/authn/service-account-tokens.ts';
import { TokenIssuer } from '#apiserver/authn/token-issuer.ts';
import { AuthorizerChain, MASTERS_AUTHORIZER } from '#apiserver/authz/authorizer-chain.ts';
import { NodeAuthorizer } from '#apiserver/authz/node-authorizer.ts';
import { NodeGraph } from '#apiserver/authz/node-graph.ts';
import { RbacAuthorizer } from '#apiserver/authz/rbac-authorizer.ts';
import { RbacGrants } from '#apiserver/authz/rbac-grants.ts';
import type { ApiResult } from '#apiserver/endpoints/api-call.ts';
import { reviewHandlers } from '#apiserver/endpoints/reviews.ts';
import { paramReader } from '#apiserver/registry/param-objects.ts';
import { quotaStatusWriter } from '#apiserver/registry/quota-status-writer.ts';
import type { Clock } from '#base/clock.ts';
import type { Random } from '#base/random.ts';

export interface SecurityOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** Signs service-account tokens. */
  readonly serviceAccountKeyPem: string;
  /** Signs client certificates; without it nobody is known by certificate. */
  readonly clientAuthorityPem?: string;
  readonly frontProxyAuthorityPem?: string;
  /** Finds webhooks that are Services; by their cluster addresses when left out. */
  readonly services?: ServiceResolver;
}

/** Written into every service-account token, and the audience that pods' tokens are for. */
const ISSUER = 'https://kubernetes.default.svc.cluster.local';
const JWKS_PATH = '/openid/v1/jwks';

/** Upstream's defaults: certificates, front proxy, service accounts, bootstrap tokens; RBAC; the default admission plugins. */
export function createSecurity(options: SecurityOptions): SecurityFactory {
  const { clock, random } = options;
  return (reader, registry, { log, metrics }) => {
    const key = signingKey(options.serviceAccountKeyPem);
    const audiences = [ISSUER];
    const tokens = new TokenAuthenticatorUnion([
      new ServiceAccountTokens({ keys: [key], issuers: [ISSUER], reader, clock }),
      new BootstrapTokens(reader, clock),
    ]);
    const certificates = [options.clientAuthorityPem]
      .filter((pem) => pem !== undefined)
      .map((pem) => new ClientCertificateAuthenticator(new CertificateVerifier(pem, clock)));
    const proxies = [options.frontProxyAuthorityPem]
      .filter((pem) => pem !== undefined)
      .map(
        (pem) =>
          new RequestHeaderAuthenticator({
            verifier: new CertificateVerifier(pem, clock),
            allowedNames: ['front-proxy-client'],
          }),
      );
    const authenticator = new AuthnChain({
      allowsAnonymous: true,
      authenticators: [...proxies, ...certificates, new BearerTokenAuthenticator(tokens, audiences)],
    });
    const rbac = new RbacGrants(reader);
    const authorizer = new AuthorizerChain([
      MASTERS_AUTHORIZER,
      new NodeAuthorizer(new NodeGraph(reader)),
      new RbacAuthorizer(rbac),
    ]);
    const issuer = new TokenIssuer({ key, issuer: ISSUER, audiences, reader, clock, random });
    const admission = defaultPlugins({
      reader,
      authorizer,
      rbac,
      clock,
      random,
      log,
      metrics,
      quotaWriter: quotaStatusWriter(registry),
      params: paramReader(registry),
      ...(options.services === undefined ? {} : { services: options.services }),
    });
    return {
      authenticator,
      authorizer,
      admission,
      virtual: reviewHandlers({
        authorizer,
        rbac,
        tokens,
        issuer,
        admission: new AdmissionChain(admission),
        audiences,
      }),
      paths: new Map([
        [
          '/.well-known/openid-configuration',
          (): ApiResult => json(openIdConfiguration(ISSUER, `${ISSUER}${JWKS_PATH}`, [key])),
        ],
        [JWKS_PATH, (): ApiResult => json(jsonWebKeySet([key]))],
      ]),
    };
  };
}

function json(value: object): ApiResult {
  return { kind: 'value', code: 200, value };
}
