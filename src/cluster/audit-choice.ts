import { readFileSync } from 'node:fs';
import type { AuditPolicy } from '#apiserver/audit/audit-policy.ts';
import type { Auditor, AuditSink } from '#apiserver/audit/auditor.ts';
import type { BatchOptions } from '#apiserver/audit/event-batches.ts';
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import type { MetricsRegistry } from '#base/metrics.ts';

/** Where audit events go, and which there are. */
export interface AuditChoice {
  /** An audit policy; without one nothing is recorded. */
  readonly policyFile: string | undefined;
  readonly log: AuditLogChoice | undefined;
  /** A kubeconfig that says where the webhook is. */
  readonly webhook: { readonly configFile: string; readonly batches: Partial<BatchOptions> } | undefined;
}

export interface AuditLogChoice {
  /** `-` is the standard output. */
  readonly path: string;
  /** Days; 0 for ever. */
  readonly ageDaysMax: number;
  /** 0 for all. */
  readonly backupsMax: number;
  /** 0 for never putting the file aside. */
  readonly sizeMegabytesMax: number;
}

/** A file about auditing is not what it should be. */
export class AuditFileError extends Error {
  override readonly name = 'AuditFileError';
  readonly code = 'cluster/audit-file';
}

interface AuditDeps {
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: MetricsRegistry;
}

/**
 * Opens what was chosen; undefined where nothing is to be recorded. Nothing of auditing is loaded then.
 *
 * @throws {AuditFileError} a file is not there or not good
 */
export async function openAudit(
  choice: AuditChoice | undefined,
  deps: AuditDeps,
): Promise<Auditor | undefined> {
  if (choice === undefined || (choice.log === undefined && choice.webhook === undefined)) {
    return undefined;
  }
  if (choice.policyFile === undefined) {
    deps.log.warn('no audit policy file was given, so no audit events are recorded');
    return undefined;
  }
  const policy = await readPolicy(choice.policyFile, deps.log);
  const [{ Auditor: Recorder }, { PolicyEvaluator }] = await Promise.all([
    import('#apiserver/audit/auditor.ts'),
    import('#apiserver/audit/audit-policy.ts'),
  ]);
  const sinks: AuditSink[] = [];
  if (choice.log !== undefined) {
    sinks.push(await openLog(choice.log, deps.clock));
  }
  if (choice.webhook !== undefined) {
    sinks.push(await openWebhook(choice.webhook, deps));
  }
  const { clock, metrics, log } = deps;
  return new Recorder({
    policy: new PolicyEvaluator(policy),
    sinks,
    clock,
    metrics,
    onFailure: (sink, error) => log.error('audit event lost', { sink, error }),
  });
}

async function readPolicy(path: string, log: Logger): Promise<AuditPolicy> {
  const { parseAuditPolicy } = await import('#apiserver/audit/policy-file.ts');
  const { ConfigFileError } = await import('#apiserver/config-file.ts');
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw new AuditFileError(`read the audit policy ${path}: is the path right?`, { cause });
  }
  try {
    return parseAuditPolicy(text, (field) => log.warn('unknown field in the audit policy', { path, field }));
  } catch (error) {
    throw error instanceof ConfigFileError
      ? new AuditFileError(`loading audit policy file: ${error.message}: from file ${path}`, { cause: error })
      : error;
  }
}

async function openLog(
  { path, ageDaysMax, backupsMax, sizeMegabytesMax }: AuditLogChoice,
  clock: Clock,
): Promise<AuditSink> {
  const { LogSink, StreamSink } = await import('#apiserver/audit/log-sink.ts');
  if (path === '-') {
    return new StreamSink((line) => process.stdout.write(line));
  }
  try {
    return new LogSink({ path, ageDaysMax, backupsMax, sizeBytesMax: sizeMegabytesMax * 1024 * 1024 }, clock);
  } catch (cause) {
    throw new AuditFileError(`open the audit log ${path}: may it be written there?`, { cause });
  }
}

async function openWebhook(
  { configFile, batches }: AuditChoice['webhook'] & {},
  { clock, log }: AuditDeps,
): Promise<AuditSink> {
  const [{ WebhookSink }, { BATCH_DEFAULT }, { loadKubeconfig }] = await Promise.all([
    import('#apiserver/audit/webhook-sink.ts'),
    import('#apiserver/audit/event-batches.ts'),
    import('#client/kubeconfig.ts'),
  ]);
  const target = loadKubeconfig(configFile);
  return new WebhookSink(
    target,
    { ...BATCH_DEFAULT, ...batches },
    {
      clock,
      onFailure: (error, events) => log.error('audit events lost', { webhook: target.server, events, error }),
    },
  );
}
