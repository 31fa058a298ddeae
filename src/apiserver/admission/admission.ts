import type { ApiObject } from '#api/object.ts';
import type { GroupVersionKind, GroupVersionResource } from '#api/resource-type.ts';
import type { UserInfo } from '../authn/user.ts';
import type { Reinvocation } from './reinvocation.ts';

export type Operation = 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT';

/** A write on its way to the store, as admission sees it. */
export interface AdmissionAttributes {
  readonly operation: Operation;
  /** As the request has it; of the subresource's own objects where it has some. */
  readonly kind: GroupVersionKind;
  readonly resource: GroupVersionResource;
  /** Empty for the resource itself. */
  readonly subresource: string;
  /** Empty for objects of the cluster. */
  readonly namespace: string;
  /** Empty while a generated name is not made yet, and for collections. */
  readonly name: string;
  /** What is to be written, frozen; the options of a CONNECT; undefined for DELETE. */
  readonly object: ApiObject | undefined;
  /** What is stored now; undefined for CREATE and CONNECT. */
  readonly oldObject: ApiObject | undefined;
  /** The CreateOptions, DeleteOptions, PodExecOptions, … of the request. */
  readonly options: unknown;
  readonly user: UserInfo;
  readonly dryRun: boolean;
  /** Sends the client a `Warning` header. Does nothing when left out. */
  readonly warn?: ((text: string) => void) | undefined;
  /** The versions the resource is served in; left out when it is only one. */
  readonly versions?: ObjectVersions | undefined;
  /** Set by the chain while webhooks and policies may change the object. */
  readonly reinvocation?: Reinvocation;
  /** Adds to the request's audit event. Does nothing when left out. */
  readonly annotate?: Annotate | undefined;
}

/** @param level the least level at which the event shows it; `Metadata` when left out */
export type Annotate = (key: string, value: string, level?: 'Metadata' | 'Request') => void;

/** A resource under another version or group: the same objects. */
export interface EquivalentResource {
  readonly resource: GroupVersionResource;
  /** Undefined where the subresource is not served. */
  readonly kind: GroupVersionKind | undefined;
}

/** How the objects of a write look in the versions its resource is served in. Attributes hold the stored form. */
export interface ObjectVersions {
  /** All but the request's own. */
  readonly others: readonly EquivalentResource[];
  /** @throws {StatusError} when a conversion webhook fails */
  fromStorage(object: ApiObject, kind: GroupVersionKind): ApiObject | Promise<ApiObject>;
  toStorage(object: ApiObject, kind: GroupVersionKind): ApiObject | Promise<ApiObject>;
}

/** Which writes a plugin wants to see; the chain never calls it for others. */
export interface AdmissionScope {
  readonly operations: readonly Operation[];
  /** `pods`, `deployments.apps`, `pods/resize`; `all` takes in every resource and subresource. */
  readonly resources: 'all' | readonly string[];
}

interface Plugin {
  /** As in `--enable-admission-plugins`. */
  readonly name: string;
  readonly scope: AdmissionScope;
  /** False while the plugin has nothing to do at all; always true when left out. */
  isActive?(): boolean;
  /** Lets go of connections; called when the server stops. */
  close?(): void;
}

export interface MutatingPlugin extends Plugin {
  /**
   * Returns the object to go on with: the very one it got when nothing is to change, otherwise a new one
   * that shares what did not change. Never mutates.
   *
   * @throws {StatusError} when the write is refused
   */
  admit(attributes: AdmissionAttributes): ApiObject | undefined | Promise<ApiObject | undefined>;
}

export interface ValidatingPlugin extends Plugin {
  /** @throws {StatusError} when the write is refused */
  validate(attributes: AdmissionAttributes): void | Promise<void>;
}

/** One of the two, or both: it is asked in either phase. */
export type AdmissionPlugin = MutatingPlugin | ValidatingPlugin | (MutatingPlugin & ValidatingPlugin);
