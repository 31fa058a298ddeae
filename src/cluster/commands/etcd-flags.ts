import type { FlagTable } from './go-flags.ts';

/** Flags of `coracle etcd` that something is done with. All are etcd's, by name and meaning. */
export const HONORED = [
  'advertise-client-urls',
  'cert-file',
  'client-cert-auth',
  'data-dir',
  'key-file',
  'listen-client-urls',
  'log-level',
  'trusted-ca-file',
  'unsafe-no-fsync',
] as const;

/** Flags that say what a single member without peers has anyway; no warning is due. */
export const HARMLESS = [
  'auto-compaction-mode',
  'auto-compaction-retention',
  'election-timeout',
  'heartbeat-interval',
  'initial-advertise-peer-urls',
  'initial-cluster',
  'initial-cluster-state',
  'initial-cluster-token',
  'listen-peer-urls',
  'log-format',
  'log-outputs',
  'logger',
  'max-snapshots',
  'max-wals',
  'name',
  'quota-backend-bytes',
  'snapshot-count',
] as const;

/** Every flag of etcd 3.5 and 3.6 for one member. */
export const ETCD_FLAGS: FlagTable = {
  values: `
    advertise-client-urls auth-token auth-token-ttl auto-compaction-mode auto-compaction-retention
    backend-batch-interval backend-batch-limit backend-bbolt-freelist-type bcrypt-cost cert-file cipher-suites
    client-cert-allowed-hostname client-cert-file client-crl-file client-key-file compact-hash-check-time
    compaction-batch-limit compaction-sleep-interval config-file corrupt-check-time cors data-dir discovery
    discovery-srv discovery-srv-name distributed-tracing-address distributed-tracing-instance-id
    distributed-tracing-sampling-rate distributed-tracing-service-name downgrade-check-time election-timeout
    feature-gates grpc-keepalive-interval grpc-keepalive-min-time grpc-keepalive-timeout heartbeat-interval
    host-whitelist initial-advertise-peer-urls initial-cluster initial-cluster-state initial-cluster-token key-file
    listen-client-http-urls listen-client-urls listen-metrics-urls listen-peer-urls log-format log-level log-outputs
    log-rotation-config-json logger max-concurrent-streams max-learners max-request-bytes max-snapshots max-txn-ops
    max-wals metrics name peer-cert-allowed-cn peer-cert-allowed-hostname peer-cert-file
    peer-client-cert-file peer-client-key-file peer-crl-file peer-key-file peer-trusted-ca-file quota-backend-bytes
    self-signed-cert-validity snapshot-catchup-entries snapshot-count tls-max-version tls-min-version
    trusted-ca-file v2-deprecation wal-dir warning-apply-duration warning-unary-request-duration
    watch-progress-notify-interval
    `
    .trim()
    .split(/\s+/),
  switches: `
    auto-tls client-cert-auth discovery-fallback enable-distributed-tracing enable-grpc-gateway enable-pprof
    enable-v2 force-new-cluster help initial-election-tick-advance memory-mlock peer-auto-tls peer-client-cert-auth
    peer-skip-client-san-verification pre-vote socket-reuse-address socket-reuse-port strict-reconfig-check
    unsafe-no-fsync version
    `
    .trim()
    .split(/\s+/),
};
