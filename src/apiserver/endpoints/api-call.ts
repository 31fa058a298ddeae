import type { IncomingHttpHeaders } from 'node:http';
import type { AuditTrail } from '../audit/audit-trail.ts';
import type { UserInfo } from '../authn/user.ts';
import type { ObjectPage } from '../registry/list.ts';
import type { ResourceStorage } from '../registry/resource-storage.ts';
import type { StoredObject } from '../registry/stored-object.ts';
import type { WatchItem } from '../registry/watch.ts';
import type { VersionView } from '../registry/versions/version-view.ts';
import type { RequestInfo } from '../request-info.ts';

/** What a client sent along: bytes from a connection, or an object from a caller in this process. */
export type CallBody =
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array; readonly contentType: string }
  | { readonly kind: 'object'; readonly object: unknown; readonly contentType: string };

/** A request as it came over the network; what is proxied is passed on in these words. */
export interface HttpRequestHead {
  readonly method: string;
  readonly headers: IncomingHttpHeaders;
  /** Without the question mark, as it was written. */
  readonly query: string;
  /** By which the request is found in audit logs. */
  readonly auditId?: string;
  readonly remoteAddress?: string | undefined;
}

/** One authenticated request, whatever carried it. */
export interface ApiCall {
  readonly info: RequestInfo;
  readonly query: URLSearchParams;
  readonly user: UserInfo;
  readonly userAgent: string;
  readonly body: CallBody | undefined;
  /** The client takes discovery of all groups in one answer (KEP-3352). */
  readonly wantsAggregatedDiscovery: boolean;
  readonly signal: AbortSignal;
  /** Left out where nothing of the request is recorded. */
  readonly audit?: AuditTrail | undefined;
  /** Left out by callers in this process. */
  readonly http?: HttpRequestHead;
  /** Filled by whoever handles the call; sent as `Warning` headers. */
  readonly warnings: string[];
}

/** Where objects of an answer come from, and the version they are shown in when it is not the stored one. */
export interface Served {
  readonly storage: ResourceStorage;
  readonly view?: VersionView | undefined;
}

/** An answer that its carrier turns into bytes or hands over as objects. */
export type ApiResult =
  | ({ readonly kind: 'stored'; readonly code: number; readonly stored: StoredObject } & Served)
  | { readonly kind: 'value'; readonly code: number; readonly value: object }
  | ({ readonly kind: 'page'; readonly page: ObjectPage } & Served)
  | ({ readonly kind: 'watch'; readonly batches: AsyncIterable<readonly WatchItem[]> } & Served)
  | {
      readonly kind: 'bytes';
      readonly code: number;
      readonly contentType: string;
      /** Sent in place of the server's own headers. */
      readonly headers?: Readonly<Record<string, string | readonly string[]>>;
      readonly chunks: AsyncIterable<Uint8Array>;
    }
  | { readonly kind: 'text'; readonly code: number; readonly contentType: string; readonly text: string };
