import {
  MessageType,
  bool,
  bytes,
  int,
  ints,
  manyBytes,
  message,
  messages,
  string,
  strings,
  uint64,
} from './message.ts';
import type { MessageOf } from './message.ts';

// etcd's v3 messages, as far as both ends here use them. Numbers are the wire's; names are our own.

export const RESPONSE_HEADER = new MessageType({
  clusterId: uint64(1),
  memberId: uint64(2),
  revision: int(3),
  raftTerm: uint64(4),
});
export type ResponseHeader = MessageOf<typeof RESPONSE_HEADER>;

export const KEY_VALUE = new MessageType({
  key: bytes(1),
  createRevision: int(2),
  modRevision: int(3),
  version: int(4),
  value: bytes(5),
  lease: int(6),
});
export type WireKeyValue = MessageOf<typeof KEY_VALUE>;

export const EVENT_PUT = 0;
export const EVENT_DELETE = 1;

export const EVENT = new MessageType({
  type: int(1),
  kv: message(2, KEY_VALUE),
  prevKv: message(3, KEY_VALUE),
});
export type WireEvent = MessageOf<typeof EVENT>;

export const SORT_DESCEND = 2;
export const SORT_TARGET = { KEY: 0, VERSION: 1, CREATE: 2, MOD: 3, VALUE: 4 } as const;

export const RANGE_REQUEST = new MessageType({
  key: bytes(1),
  rangeEnd: bytes(2),
  limit: int(3),
  revision: int(4),
  sortOrder: int(5),
  sortTarget: int(6),
  serializable: bool(7),
  keysOnly: bool(8),
  countOnly: bool(9),
  minModRevision: int(10),
  maxModRevision: int(11),
  minCreateRevision: int(12),
  maxCreateRevision: int(13),
});
export type RangeRequest = MessageOf<typeof RANGE_REQUEST>;

export const RANGE_RESPONSE = new MessageType({
  header: message(1, RESPONSE_HEADER),
  kvs: messages(2, KEY_VALUE),
  more: bool(3),
  count: int(4),
});
export type RangeResponse = MessageOf<typeof RANGE_RESPONSE>;

export const PUT_REQUEST = new MessageType({
  key: bytes(1),
  value: bytes(2),
  lease: int(3),
  prevKv: bool(4),
  ignoreValue: bool(5),
  ignoreLease: bool(6),
});
export type PutRequest = MessageOf<typeof PUT_REQUEST>;

export const PUT_RESPONSE = new MessageType({
  header: message(1, RESPONSE_HEADER),
  prevKv: message(2, KEY_VALUE),
});
export type PutResponse = MessageOf<typeof PUT_RESPONSE>;

export const DELETE_RANGE_REQUEST = new MessageType({ key: bytes(1), rangeEnd: bytes(2), prevKv: bool(3) });
export type DeleteRangeRequest = MessageOf<typeof DELETE_RANGE_REQUEST>;

export const DELETE_RANGE_RESPONSE = new MessageType({
  header: message(1, RESPONSE_HEADER),
  deleted: int(2),
  prevKvs: messages(3, KEY_VALUE),
});
export type DeleteRangeResponse = MessageOf<typeof DELETE_RANGE_RESPONSE>;

/** One of the three is set. A transaction inside a transaction is not read. */
export const REQUEST_OP = new MessageType({
  range: message(1, RANGE_REQUEST),
  put: message(2, PUT_REQUEST),
  deleteRange: message(3, DELETE_RANGE_REQUEST),
});
export type RequestOp = MessageOf<typeof REQUEST_OP>;

export const RESPONSE_OP = new MessageType({
  range: message(1, RANGE_RESPONSE),
  put: message(2, PUT_RESPONSE),
  deleteRange: message(3, DELETE_RANGE_RESPONSE),
});
export type ResponseOp = MessageOf<typeof RESPONSE_OP>;

export const COMPARE_RESULT = { EQUAL: 0, GREATER: 1, LESS: 2, NOT_EQUAL: 3 } as const;
export const COMPARE_TARGET = { VERSION: 0, CREATE: 1, MOD: 2, VALUE: 3, LEASE: 4 } as const;

export const COMPARE = new MessageType({
  result: int(1),
  target: int(2),
  key: bytes(3),
  version: int(4),
  createRevision: int(5),
  modRevision: int(6),
  value: bytes(7),
  lease: int(8),
  rangeEnd: bytes(64),
});
export type Compare = MessageOf<typeof COMPARE>;

export const TXN_REQUEST = new MessageType({
  compare: messages(1, COMPARE),
  success: messages(2, REQUEST_OP),
  failure: messages(3, REQUEST_OP),
});
export type TxnRequest = MessageOf<typeof TXN_REQUEST>;

export const TXN_RESPONSE = new MessageType({
  header: message(1, RESPONSE_HEADER),
  succeeded: bool(2),
  responses: messages(3, RESPONSE_OP),
});
export type TxnResponse = MessageOf<typeof TXN_RESPONSE>;

export const COMPACTION_REQUEST = new MessageType({ revision: int(1), physical: bool(2) });
export const HEADER_ONLY = new MessageType({ header: message(1, RESPONSE_HEADER) });
export const EMPTY_REQUEST = new MessageType<object>({});

export const FILTER_NO_PUT = 0;
export const FILTER_NO_DELETE = 1;

export const WATCH_CREATE_REQUEST = new MessageType({
  key: bytes(1),
  rangeEnd: bytes(2),
  startRevision: int(3),
  progressNotify: bool(4),
  filters: ints(5),
  prevKv: bool(6),
  watchId: int(7),
  fragment: bool(8),
});
export type WatchCreateRequest = MessageOf<typeof WATCH_CREATE_REQUEST>;

export const WATCH_REQUEST = new MessageType({
  create: message(1, WATCH_CREATE_REQUEST),
  cancel: message(2, new MessageType({ watchId: int(1) })),
  progress: message(3, EMPTY_REQUEST),
});
export type WatchRequest = MessageOf<typeof WATCH_REQUEST>;

export const WATCH_RESPONSE = new MessageType({
  header: message(1, RESPONSE_HEADER),
  watchId: int(2),
  created: bool(3),
  canceled: bool(4),
  compactRevision: int(5),
  cancelReason: string(6),
  fragment: bool(7),
  events: messages(11, EVENT),
});
export type WatchResponse = MessageOf<typeof WATCH_RESPONSE>;

export const LEASE_GRANT_REQUEST = new MessageType({ ttl: int(1), id: int(2) });
export const LEASE_GRANT_RESPONSE = new MessageType({
  header: message(1, RESPONSE_HEADER),
  id: int(2),
  ttl: int(3),
  error: string(4),
});
export const LEASE_ID_REQUEST = new MessageType({ id: int(1) });
export const LEASE_KEEP_ALIVE_RESPONSE = new MessageType({
  header: message(1, RESPONSE_HEADER),
  id: int(2),
  ttl: int(3),
});
export const LEASE_TIME_TO_LIVE_REQUEST = new MessageType({ id: int(1), keys: bool(2) });
export const LEASE_TIME_TO_LIVE_RESPONSE = new MessageType({
  header: message(1, RESPONSE_HEADER),
  id: int(2),
  ttl: int(3),
  grantedTtl: int(4),
  keys: manyBytes(5),
});
export const LEASE_LEASES_RESPONSE = new MessageType({
  header: message(1, RESPONSE_HEADER),
  leases: messages(2, new MessageType({ id: int(1) })),
});

export const MEMBER_LIST_RESPONSE = new MessageType({
  header: message(1, RESPONSE_HEADER),
  members: messages(
    2,
    new MessageType({
      id: uint64(1),
      name: string(2),
      peerUrls: strings(3),
      clientUrls: strings(4),
      isLearner: bool(5),
    }),
  ),
});

/** Asks for alarms; the kinds of alarm are not read, because none are ever raised here. */
export const ALARM_REQUEST = new MessageType({ action: int(1), memberId: uint64(2), alarm: int(3) });

export const STATUS_RESPONSE = new MessageType({
  header: message(1, RESPONSE_HEADER),
  version: string(2),
  dbSize: int(3),
  leader: uint64(4),
  raftIndex: uint64(5),
  raftTerm: uint64(6),
  raftAppliedIndex: uint64(7),
  errors: strings(8),
  dbSizeInUse: int(9),
  isLearner: bool(10),
  storageVersion: string(11),
});

export const SNAPSHOT_RESPONSE = new MessageType({
  header: message(1, RESPONSE_HEADER),
  remainingBytes: uint64(2),
  blob: bytes(3),
  version: string(4),
});
