import type { IdentityExpression } from './claim-expressions.ts';
import type { TokenAlgorithm } from './json-web-key-set.ts';

/** Where a part of the identity comes from. */
export type Mapping =
  | { readonly kind: 'claim'; readonly claim: string; readonly prefix: string }
  | { readonly kind: 'expression'; readonly expression: IdentityExpression };

export interface ValidationRule {
  readonly expression: IdentityExpression;
  readonly message: string;
}

/** An issuer of tokens, and what its tokens say of their bearers. */
export interface JwtConfiguration {
  readonly issuer: string;
  readonly discoveryUrl: string | undefined;
  /** PEM; left out, the authorities that the system trusts. */
  readonly authorityPem: string | undefined;
  /** A token has to be meant for one of them. */
  readonly audiences: readonly string[];
  readonly algorithms: readonly TokenAlgorithm[];
  readonly username: Mapping;
  readonly groups: Mapping | undefined;
  readonly uid: Mapping | undefined;
  readonly extra: readonly { readonly key: string; readonly expression: IdentityExpression }[];
  /** Claims with the one text that they may have. */
  readonly requiredClaims: ReadonlyMap<string, string>;
  readonly claimRules: readonly ValidationRule[];
  readonly userRules: readonly ValidationRule[];
}
