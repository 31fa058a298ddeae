import type { Annotate } from '../admission/admission.ts';
import type { UserInfo } from '../authn/user.ts';
import type { VersionView } from './versions/version-view.ts';

/** What the verbs need to know about a request, whatever carried it. */
export interface RequestContext {
  readonly user: UserInfo;
  readonly isDryRun: boolean;
  /** Recorded in `managedFields`. */
  readonly fieldManager: string;
  readonly fieldValidation: 'Strict' | 'Warn' | 'Ignore';
  /** The group a client speaks of, where a kind is served in more than one. */
  readonly group?: string;
  /** Sent back as `Warning` headers; the verbs add to it. */
  readonly warnings: string[];
  /** What the client said of the write beside the object, as far as it is part of `CreateOptions` or `UpdateOptions`. */
  readonly options?: WriteOptions;
  /** The version that the client speaks, when it is not the stored one. */
  readonly view?: VersionView | undefined;
  /** Adds to the request's audit event. */
  readonly annotate?: Annotate | undefined;
  /** The write is part of another one, which was admitted as a whole. */
  readonly isAdmitted?: boolean;
}

export interface WriteOptions {
  readonly fieldManager?: string;
  readonly fieldValidation?: string;
}

/** Which object a request addresses. */
export interface Target {
  readonly namespace: string;
  readonly name: string;
  /** Empty for the object itself. */
  readonly subresource: string;
}
