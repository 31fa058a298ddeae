import {
  ALARM_REQUEST,
  COMPACTION_REQUEST,
  DELETE_RANGE_REQUEST,
  DELETE_RANGE_RESPONSE,
  EMPTY_REQUEST,
  HEADER_ONLY,
  LEASE_GRANT_REQUEST,
  LEASE_GRANT_RESPONSE,
  LEASE_ID_REQUEST,
  LEASE_KEEP_ALIVE_RESPONSE,
  LEASE_LEASES_RESPONSE,
  LEASE_TIME_TO_LIVE_REQUEST,
  LEASE_TIME_TO_LIVE_RESPONSE,
  MEMBER_LIST_RESPONSE,
  PUT_REQUEST,
  PUT_RESPONSE,
  RANGE_REQUEST,
  RANGE_RESPONSE,
  SNAPSHOT_RESPONSE,
  STATUS_RESPONSE,
  TXN_REQUEST,
  TXN_RESPONSE,
  WATCH_REQUEST,
  WATCH_RESPONSE,
} from './messages.ts';
import type { MessageType } from './message.ts';

/** One call of the etcd v3 API. */
export interface Method<Request extends object, Response extends object> {
  readonly path: string;
  readonly request: MessageType<Request>;
  readonly response: MessageType<Response>;
}

function method<Request extends object, Response extends object>(
  name: string,
  request: MessageType<Request>,
  response: MessageType<Response>,
): Method<Request, Response> {
  return { path: `/etcdserverpb.${name}`, request, response };
}

export const RANGE = method('KV/Range', RANGE_REQUEST, RANGE_RESPONSE);
export const PUT = method('KV/Put', PUT_REQUEST, PUT_RESPONSE);
export const DELETE_RANGE = method('KV/DeleteRange', DELETE_RANGE_REQUEST, DELETE_RANGE_RESPONSE);
export const TXN = method('KV/Txn', TXN_REQUEST, TXN_RESPONSE);
export const COMPACT = method('KV/Compact', COMPACTION_REQUEST, HEADER_ONLY);
/** Messages stream both ways. */
export const WATCH = method('Watch/Watch', WATCH_REQUEST, WATCH_RESPONSE);
export const LEASE_GRANT = method('Lease/LeaseGrant', LEASE_GRANT_REQUEST, LEASE_GRANT_RESPONSE);
export const LEASE_REVOKE = method('Lease/LeaseRevoke', LEASE_ID_REQUEST, HEADER_ONLY);
/** Messages stream both ways. */
export const LEASE_KEEP_ALIVE = method('Lease/LeaseKeepAlive', LEASE_ID_REQUEST, LEASE_KEEP_ALIVE_RESPONSE);
export const LEASE_TIME_TO_LIVE = method(
  'Lease/LeaseTimeToLive',
  LEASE_TIME_TO_LIVE_REQUEST,
  LEASE_TIME_TO_LIVE_RESPONSE,
);
export const LEASE_LEASES = method('Lease/LeaseLeases', EMPTY_REQUEST, LEASE_LEASES_RESPONSE);
export const MEMBER_LIST = method('Cluster/MemberList', EMPTY_REQUEST, MEMBER_LIST_RESPONSE);
export const STATUS = method('Maintenance/Status', EMPTY_REQUEST, STATUS_RESPONSE);
export const ALARM = method('Maintenance/Alarm', ALARM_REQUEST, HEADER_ONLY);
export const DEFRAGMENT = method('Maintenance/Defragment', EMPTY_REQUEST, HEADER_ONLY);
/** Responses stream. */
export const SNAPSHOT = method('Maintenance/Snapshot', EMPTY_REQUEST, SNAPSHOT_RESPONSE);
