import type { UserInfo } from '../authn/user.ts';

/** What somebody wants to do, in the words that authorization rules are written in. */
export interface Attributes {
  readonly user: UserInfo;
  /** `get`, `list`, `deletecollection`, …; the lower-case HTTP method for paths that are no resource. */
  readonly verb: string;
  /** Empty at the cluster scope. */
  readonly namespace: string;
  readonly apiGroup: string;
  readonly apiVersion: string;
  readonly resource: string;
  /** Empty for the resource itself. */
  readonly subresource: string;
  /** Empty for collections, and for objects whose name the server makes. */
  readonly name: string;
  readonly isResourceRequest: boolean;
  /** The URL's path; rules for non-resource URLs are matched against it. */
  readonly path: string;
}

export interface Decision {
  readonly outcome: 'allow' | 'deny' | 'noOpinion';
  /** For the audit log and for access reviews. */
  readonly reason: string;
  /** Somebody who should have decided could not; without another's yes the request is answered with an error. */
  readonly error?: string;
}

export interface Authorizer {
  /** Decides from memory: it is asked once for every request, and more for some. */
  authorize(attributes: Attributes): Decision;
  /** Set where others outside this process have to be asked, which {@link authorize} does not do. */
  readonly decide?: ((attributes: Attributes) => Promise<Decision>) | undefined;
}

/** The full decision, whoever has to be asked for it. */
export function decisionOn(authorizer: Authorizer, attributes: Attributes): Decision | Promise<Decision> {
  return authorizer.decide === undefined ? authorizer.authorize(attributes) : authorizer.decide(attributes);
}

export const NO_OPINION: Decision = { outcome: 'noOpinion', reason: '' };
