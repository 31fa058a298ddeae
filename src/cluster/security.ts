import { AdmissionChain } from '#apiserver/admission/admission-chain.ts';
import type { AdmissionPlugin } from '#apiserver/admission/admission.ts';
import type { PodSecuritySettings } from '#apiserver/admission/pod-security/pod-security-settings.ts';
import { defaultPlugins, type AdmissionDeps } from '#apiserver/admission/default-plugins.ts';
import type { ServiceResolver } from '#apiserver/admission/webhooks/service-resolver.ts';
import type { SecurityFactory } from '#apiserver/api-server.ts';
import { AuthnChain } from '#apiserver/authn/authn-chain.ts';
import {
  BearerTokenAuthenticator,
  TokenAuthenticatorUnion,
  type TokenAuthenticator,
} from '#apiserver/authn/bearer-token.ts';
import { BootstrapTokens } from '#apiserver/authn/bootstrap-tokens.ts';
import { CertificateVerifier, ClientCertificateAuthenticator } from '#apiserver/authn/client-certificate.ts';
import { signingKey, verificationKey, type VerificationKey } from '#apiserver/authn/json-web-token.ts';
import { openIdPaths } from '#apiserver/authn/oidc-discovery.ts';
import { RequestHeaderAuthenticator } from '#apiserver/authn/request-header.ts';
import { ServiceAccountTokens } from '#apiserver/authn/service-account-tokens.ts';
import { StaticTokens } from '#apiserver/authn/static-tokens.ts';
import { TokenIssuer } from '#apiserver/authn/token-issuer.ts';
import type { Authenticator, UserInfo } from '#apiserver/authn/user.ts';
import { ALWAYS_ALLOW, ALWAYS_DENY } from '#apiserver/authz/always.ts';
import type { Authorizer } from '#apiserver/authz/authorizer.ts';
import { AuthorizerChain, MASTERS_AUTHORIZER } from '#apiserver/authz/authorizer-chain.ts';
import { NodeAuthorizer } from '#apiserver/authz/node-authorizer.ts';
import { NodeGraph } from '#apiserver/authz/node-graph.ts';
import { RbacAuthorizer } from '#apiserver/authz/rbac-authorizer.ts';
import { RbacGrants } from '#apiserver/authz/rbac-grants.ts';
import { reviewHandlers } from '#apiserver/endpoints/reviews.ts';
import type { ObjectReader } from '#apiserver/object-reader.ts';
import { servedKinds } from '#apiserver/registry/served-kinds.ts';
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
  /** Common names that front proxies may have; upstream's installers' when left out. */
  readonly frontProxyNames?: readonly string[];
  /** Finds webhooks that are Services; by their cluster addresses when left out. */
  readonly services?: ServiceResolver;
  /** Also good for verifying service-account tokens: public keys, private keys or certificates, PEM. */
  readonly serviceAccountVerificationPems?: readonly string[];
  /** Whose service-account tokens are ours; the first is written into new ones. */
  readonly issuers?: readonly string[];
  /** Where others find the keys of those tokens; at the server's own address when left out. */
  readonly keysUri?: string;
  /** What tokens are for; the issuers when left out. */
  readonly audiences?: readonly string[];
  /** Users by tokens that were given to the server when it started. */
  readonly staticTokens?: ReadonlyMap<string, UserInfo>;
  /** True when left out. */
  readonly allowsAnonymous?: boolean;
  /** Asked in this order; `Node` and `RBAC` when left out. */
  readonly authorization?: Authorization;
  /** Is told how to go on with others than {@link authorization}. */
  readonly onAuthorizationChange?: (replace: (authorization: Authorization) => void) => void;
  /** Tokens that others vouch for; asked after the cluster's own kinds. */
  readonly tokenKinds?: readonly TokenAuthenticator[];
  /** The only paths that the anonymous may ask for; all of them when left out. */
  readonly anonymousPaths?: readonly string[];
  /** Which admission plugins are on; upstream's defaults and NodeRestriction when left out. */
  readonly isPluginOn?: (name: string) => boolean;
  /** For pods whose namespace says nothing, and who is not asked. */
  readonly podSecurity?: PodSecuritySettings;
  /** Admission plugins besides the default ones. */
  readonly morePlugins?: (deps: AdmissionDeps) => readonly AdmissionPlugin[];
}

export const AUTHORIZATION_MODES = ['AlwaysAllow', 'AlwaysDeny', 'Node', 'RBAC'] as const;
export type AuthorizationMode = (typeof AUTHORIZATION_MODES)[number];
/** Who decides, in this order. */
export type Authorization = readonly (AuthorizationMode | Authorizer)[];

/** Written into every service-account token, and the audience that pods' tokens are for. */
export const SERVICE_ACCOUNT_ISSUER = 'https://kubernetes.default.svc.cluster.local';

/** Upstream's defaults: certificates, front proxy, service accounts, bootstrap tokens; RBAC; the default admission plugins. */
export function createSecurity(options: SecurityOptions): SecurityFactory {
  const { clock, random } = options;
  return (reader, registry, { log, metrics }) => {
    const { issuers = [SERVICE_ACCOUNT_ISSUER], audiences = issuers } = options;
    const [issuer = SERVICE_ACCOUNT_ISSUER] = issuers;
    const key = signingKey(options.serviceAccountKeyPem);
    const keys = verificationKeys(key, options.serviceAccountVerificationPems ?? []);
    const tokens = new TokenAuthenticatorUnion([
      ...(options.staticTokens === undefined ? [] : [new StaticTokens(options.staticTokens)]),
      new ServiceAccountTokens({ keys, issuers, reader, clock }),
      new BootstrapTokens(reader, clock),
      ...(options.tokenKinds ?? []),
    ]);
    const authenticator = authenticatorOf(options, tokens, audiences);
    const rbac = new RbacGrants(reader);
    const authorizer = authorizerOf(options, reader, rbac);
    const tokenIssuer = new TokenIssuer({ key, issuer, audiences, reader, clock, random });
    const admissionDeps: AdmissionDeps = {
      reader,
      authorizer,
      rbac,
      clock,
      random,
      log,
      metrics,
      quotaWriter: quotaStatusWriter(registry),
      kinds: servedKinds(registry),
      podSecurity: options.podSecurity,
      ...(options.services === undefined ? {} : { services: options.services }),
    };
    const { isPluginOn = () => true, morePlugins = () => [] } = options;
    const plugins = [...defaultPlugins(admissionDeps), ...morePlugins(admissionDeps)];
    const admission = plugins.filter(({ name }) => isPluginOn(name));
    return {
      authenticator,
      authorizer,
      admission,
      virtual: reviewHandlers({
        authorizer,
        rbac,
        tokens,
        issuer: tokenIssuer,
        admission: new AdmissionChain(admission),
        audiences,
      }),
      paths: openIdPaths(issuer, keys, options.keysUri),
    };
  };
}

/** Each key once: the one that signs is usually among those that verify. */
function verificationKeys(own: VerificationKey, pems: readonly string[]): readonly VerificationKey[] {
  const others = pems.map((pem) => verificationKey(pem));
  return [...new Map([own, ...others].map((key) => [key.id, key])).values()];
}

function authenticatorOf(
  {
    clock,
    clientAuthorityPem,
    frontProxyAuthorityPem,
    frontProxyNames,
    allowsAnonymous,
    anonymousPaths,
  }: SecurityOptions,
  tokens: TokenAuthenticatorUnion,
  audiences: readonly string[],
): Authenticator {
  const certificates = [clientAuthorityPem]
    .filter((pem) => pem !== undefined)
    .map((pem) => new ClientCertificateAuthenticator(new CertificateVerifier(pem, clock)));
  const proxies = [frontProxyAuthorityPem]
    .filter((pem) => pem !== undefined)
    .map(
      (pem) =>
        new RequestHeaderAuthenticator({
          verifier: new CertificateVerifier(pem, clock),
          allowedNames: frontProxyNames ?? ['front-proxy-client'],
        }),
    );
  return new AuthnChain({
    allowsAnonymous: allowsAnonymous ?? true,
    anonymousPaths,
    authenticators: [...proxies, ...certificates, new BearerTokenAuthenticator(tokens, audiences)],
  });
}

function authorizerOf(
  { authorization = ['Node', 'RBAC'], onAuthorizationChange }: SecurityOptions,
  reader: ObjectReader,
  rbac: RbacGrants,
): AuthorizerChain {
  const byMode: Readonly<Record<AuthorizationMode, () => Authorizer>> = {
    AlwaysAllow: () => ALWAYS_ALLOW,
    AlwaysDeny: () => ALWAYS_DENY,
    Node: () => new NodeAuthorizer(new NodeGraph(reader)),
    RBAC: () => new RbacAuthorizer(rbac),
  };
  const known = new Map<AuthorizationMode, Authorizer>();
  const ofMode = (mode: AuthorizationMode): Authorizer => {
    const authorizer = known.get(mode) ?? byMode[mode]();
    known.set(mode, authorizer);
    return authorizer;
  };
  const listed = (wanted: Authorization): readonly Authorizer[] => [
    MASTERS_AUTHORIZER,
    ...wanted.map((each) => (typeof each === 'string' ? ofMode(each) : each)),
  ];
  const chain = new AuthorizerChain(listed(authorization));
  onAuthorizationChange?.((wanted) => chain.replace(listed(wanted)));
  return chain;
}
