import type { Status } from '#api/types/meta.v1.ts';
import { encodeJson } from '#codec/canonical.ts';
import { isRecord } from '#codec/own-property.ts';
import type { UserInfo } from '../authn/user.ts';
import type { AuditLevel, AuditStage } from './audit-policy.ts';

/** `audit.k8s.io/v1` Event: one stage of one request. Fields stand in the order in which upstream writes them. */
export interface AuditEvent {
  readonly kind: 'Event';
  readonly apiVersion: 'audit.k8s.io/v1';
  readonly level: AuditLevel;
  readonly auditID: string;
  readonly stage: AuditStage;
  readonly requestURI: string;
  readonly verb: string;
  readonly user: EventUser;
  readonly impersonatedUser?: EventUser;
  readonly authenticationMetadata?: { readonly impersonationConstraint: string };
  readonly sourceIPs?: readonly string[];
  readonly userAgent?: string;
  readonly objectRef?: ObjectReference;
  readonly responseStatus?: EventStatus;
  readonly requestObject?: unknown;
  readonly responseObject?: unknown;
  readonly requestReceivedTimestamp: string;
  readonly stageTimestamp: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface EventUser {
  readonly username?: string;
  readonly uid?: string;
  readonly groups?: readonly string[];
  readonly extra?: UserInfo['extra'];
}

export interface ObjectReference {
  readonly resource?: string;
  readonly namespace?: string;
  readonly name?: string;
  readonly uid?: string;
  readonly apiGroup?: string;
  readonly apiVersion?: string;
  readonly resourceVersion?: string;
  readonly subresource?: string;
}

export type EventStatus = Partial<Omit<Status, 'kind' | 'apiVersion'>>;

/** An event as one line, without its end. */
export function eventLine(event: AuditEvent): string {
  return encodeJson(event);
}

/** Several events as webhooks get them. */
export function eventListText(events: readonly AuditEvent[]): string {
  return encodeJson({ kind: 'EventList', apiVersion: 'audit.k8s.io/v1', metadata: {}, items: events });
}

export function eventUser({ name, uid, groups, extra }: UserInfo): EventUser {
  return {
    ...(name === '' ? {} : { username: name }),
    ...(uid === undefined || uid === '' ? {} : { uid }),
    ...(groups.length === 0 ? {} : { groups }),
    ...(Object.keys(extra).length === 0 ? {} : { extra }),
  };
}

/** Objects without what `managedFields` says, also those of a list or a table. */
export function withoutManagedFields(value: unknown): unknown {
  if (!isRecord(value)) {
    return value;
  }
  const { metadata, items, rows } = value;
  return {
    ...value,
    ...(isRecord(metadata) && 'managedFields' in metadata ? { metadata: unmanaged(metadata) } : {}),
    ...(Array.isArray(items) ? { items: items.map(withoutManagedFields) } : {}),
    ...(Array.isArray(rows) ? { rows: rows.map(unmanagedRow) } : {}),
  };
}

function unmanaged({ managedFields: _left, ...rest }: Readonly<Record<string, unknown>>): object {
  return rest;
}

function unmanagedRow(row: unknown): unknown {
  return isRecord(row) && 'object' in row ? { ...row, object: withoutManagedFields(row['object']) } : row;
}
