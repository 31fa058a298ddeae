import { resolve } from 'node:path';
import { parseDurationMs } from '#api/time.ts';
import type { BatchOptions } from '#apiserver/audit/event-batches.ts';
import type { AuditChoice, AuditLogChoice } from '../audit-choice.ts';
import { UsageError } from './command-line.ts';
import type { GoFlags } from './go-flags.ts';

/** The options of `coracle up` about what is recorded of requests, named as the API server's. */
export const AUDIT_OPTIONS = {
  'audit-policy-file': { type: 'string' },
  'audit-log-path': { type: 'string' },
  'audit-log-maxage': { type: 'string' },
  'audit-log-maxbackup': { type: 'string' },
  'audit-log-maxsize': { type: 'string' },
  'audit-webhook-config-file': { type: 'string' },
  'audit-webhook-batch-buffer-size': { type: 'string' },
  'audit-webhook-batch-max-size': { type: 'string' },
  'audit-webhook-batch-max-wait': { type: 'string' },
} as const;

export const AUDIT_HELP = `  --audit-policy-file FILE an audit policy: which requests are recorded, and how much of them
  --audit-log-path FILE    where events are written, a line each; - for the standard output. Put aside at
                           --audit-log-maxsize megabytes (100); --audit-log-maxbackup files (100) are kept for
                           --audit-log-maxage days (366)
  --audit-webhook-config-file FILE
                           who is sent events, as a kubeconfig; also --audit-webhook-batch-max-wait (30s), -max-size (400)
                           and -buffer-size (10000)
`;

type AuditOptions = { readonly [K in keyof typeof AUDIT_OPTIONS]?: string | undefined };

/** @throws {UsageError} */
export function chooseAudit(options: AuditOptions): AuditChoice {
  const policyFile = options['audit-policy-file'];
  const webhook = options['audit-webhook-config-file'];
  return {
    policyFile: policyFile === undefined ? undefined : resolve(policyFile),
    log: chooseLog(options),
    webhook:
      webhook === undefined ? undefined : { configFile: resolve(webhook), batches: chooseBatches(options) },
  };
}

/** As {@link chooseAudit}, from the flags of `coracle apiserver`. */
export function chooseAuditByFlags(flags: GoFlags): AuditChoice {
  return chooseAudit(Object.fromEntries(Object.keys(AUDIT_OPTIONS).map((name) => [name, flags.text(name)])));
}

function chooseLog(options: AuditOptions): AuditLogChoice | undefined {
  const path = options['audit-log-path'];
  if (path === undefined) {
    return undefined;
  }
  return {
    path: path === '-' ? path : resolve(path),
    ageDaysMax: readCount(options, 'audit-log-maxage') ?? 366,
    backupsMax: readCount(options, 'audit-log-maxbackup') ?? 100,
    sizeMegabytesMax: readCount(options, 'audit-log-maxsize') ?? 100,
  };
}

function chooseBatches(options: AuditOptions): Partial<BatchOptions> {
  const bufferMax = readCount(options, 'audit-webhook-batch-buffer-size');
  const batchMax = readCount(options, 'audit-webhook-batch-max-size');
  if (bufferMax === 0 || batchMax === 0) {
    throw new UsageError(
      '--audit-webhook-batch-buffer-size and --audit-webhook-batch-max-size must be positive numbers',
    );
  }
  const wait = options['audit-webhook-batch-max-wait'];
  const waitMs = wait === undefined ? undefined : parseDurationMs(wait);
  if (wait !== undefined && (waitMs === undefined || waitMs <= 0)) {
    throw new UsageError(
      `--audit-webhook-batch-max-wait takes a duration as 30s, not ${JSON.stringify(wait)}`,
    );
  }
  return {
    ...(bufferMax === undefined ? {} : { bufferMax }),
    ...(batchMax === undefined ? {} : { batchMax }),
    ...(waitMs === undefined ? {} : { waitMs }),
  };
}

function readCount(options: AuditOptions, name: keyof AuditOptions): number | undefined {
  const text = options[name];
  if (text === undefined) {
    return undefined;
  }
  if (!/^\d{1,9}$/.test(text)) {
    throw new UsageError(`--${name} takes a whole number, not ${JSON.stringify(text)}`);
  }
  return Number(text);
}
