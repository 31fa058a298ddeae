import type { UserInfo } from '../authn/user.ts';

/** What the verbs need to know about a request, whatever carried it. */
export interface RequestContext {
  readonly user: UserInfo;
  readonly isDryRun: boolean;
  /** Recorded in `managedFields`. */
  readonly fieldManager: string;
  readonly fieldValidation: 'Strict' | 'Warn' | 'Ignore';
  /** Sent back as `Warning` headers; the verbs add to it. */
  readonly warnings: string[];
}

/** Which object a request addresses. */
export interface Target {
  readonly namespace: string;
  readonly name: string;
  /** Empty for the object itself. */
  readonly subresource: string;
}
