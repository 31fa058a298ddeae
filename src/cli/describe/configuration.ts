import { listObjects } from '../find-objects.ts';
import { listAt, sortedEntries, textAt, valueAt } from '../object-access.ts';
import type { DescribeContext } from './describe-context.ts';
import { writeEvents } from './events.ts';
import { writeAnnotations, writeLabels } from './format.ts';

function writeHead({ object, writer }: DescribeContext): void {
  writer.field(0, 'Name', object.metadata.name);
  const namespace = textAt(object, 'metadata', 'namespace');
  if (namespace !== '') {
    writer.field(0, 'Namespace', namespace);
  }
  writeLabels(writer, 'Labels', object.metadata.labels);
  writeAnnotations(writer, object.metadata.annotations);
}

/** Bytes that base64 text stands for. */
function sizeBytes(base64: unknown): number {
  return Buffer.from(String(base64), 'base64').length;
}

export async function describeConfigMap(context: DescribeContext): Promise<void> {
  const { object, writer } = context;
  writeHead(context);
  writer.write(0, '\nData\n====\n');
  for (const [key, value] of sortedEntries(object['data'])) {
    writer.write(0, `${key}:\n----\n${String(value)}\n\n`);
  }
  writer.write(0, '\nBinaryData\n====\n');
  for (const [key, value] of sortedEntries(object['binaryData'])) {
    writer.line(0, `${key}: ${sizeBytes(value)} bytes`);
  }
  writer.write(0, '\n');
  await writeEvents(context);
}

export async function describeSecret(context: DescribeContext): Promise<void> {
  const { object, writer } = context;
  const type = textAt(object, 'type');
  writeHead(context);
  writer.write(0, `\nType:\t${type}\n\nData\n====\n`);
  for (const [key, value] of sortedEntries(object['data'])) {
    const isToken = key === 'token' && type === 'kubernetes.io/service-account-token';
    writer.line(
      0,
      `${key}:\t${isToken ? Buffer.from(String(value), 'base64').toString('utf8') : `${sizeBytes(value)} bytes`}`,
    );
  }
}

export async function describeNamespace(context: DescribeContext): Promise<void> {
  const { object, writer, session } = context;
  writeHead(context);
  writer.field(0, 'Status', textAt(object, 'status', 'phase'));
  const conditions = listAt(object, 'status', 'conditions');
  if (conditions.length > 0) {
    writer.write(
      0,
      'Conditions:\n  Type\tStatus\tLastTransitionTime\tReason\tMessage\n  ----\t------\t------------------\t------\t-------\n',
    );
    for (const each of conditions) {
      writer.line(
        1,
        ['type', 'status', 'lastTransitionTime', 'reason', 'message']
          .map((field) => textAt(each, field))
          .join('\t'),
      );
    }
  }
  const { name } = object.metadata;
  const quotas = await listObjects(session, await session.resource('resourcequotas'), name);
  writer.write(0, quotas.length === 0 ? '\nNo resource quota.\n' : '\nResource Quotas\n');
  for (const { object: quota } of quotas) {
    writer.field(1, 'Name', quota.metadata.name);
    writer.write(1, 'Resource\tUsed\tHard\n  --------\t---\t---\n');
    for (const [resource, hard] of sortedEntries(valueAt(quota, 'status', 'hard'))) {
      writer.line(1, `${resource}\t${textAt(quota, 'status', 'used', resource)}\t${String(hard)}`);
    }
  }
  const ranges = await listObjects(session, await session.resource('limitranges'), name);
  if (ranges.length === 0) {
    writer.write(0, '\nNo LimitRange resource.\n');
    return;
  }
  writer.write(
    0,
    '\nResource Limits\n Type\tResource\tMin\tMax\tDefault Request\tDefault Limit\tMax Limit/Request Ratio\n ----\t--------\t---\t---\t---------------\t-------------\t-----------------------\n',
  );
  for (const limit of ranges.flatMap(({ object: range }) => listAt(range, 'spec', 'limits'))) {
    const fields = ['min', 'max', 'defaultRequest', 'default', 'maxLimitRequestRatio'];
    const names = new Set(
      fields.flatMap((field) => sortedEntries(valueAt(limit, field)).map(([key]) => key)),
    );
    for (const resource of [...names].toSorted()) {
      const cells = fields.map((field) => textAt(limit, field, resource) || '-');
      writer.write(0, ` ${textAt(limit, 'type')}\t${resource}\t${cells.join('\t')}\n`);
    }
  }
}

export async function describeServiceAccount(context: DescribeContext): Promise<void> {
  const { object, writer } = context;
  writeHead(context);
  const [first = '<none>', ...rest] = listAt(object, 'imagePullSecrets').map((each) => textAt(each, 'name'));
  writer.field(0, 'Image pull secrets', first);
  for (const name of rest) {
    writer.line(0, `\t${name}`);
  }
  await writeEvents(context);
}

/** What the scopes of a quota mean. */
const SCOPES: Readonly<Record<string, string>> = {
  BestEffort:
    'Matches all pods that do not have resource requirements set. These pods have a best effort quality of service.',
  CrossNamespacePodAffinity: 'Matches all pods that have cross-namespace pod (anti)affinity mentioned.',
  NotBestEffort:
    'Matches all pods that have at least one resource requirement set. These pods have a burstable or guaranteed quality of service.',
  NotTerminating:
    'Matches all pods that do not have an active deadline. These pods usually include long running pods whose container command is not expected to terminate.',
  Terminating:
    'Matches all pods that have an active deadline. These pods have a limited lifespan on a node before being actively terminated by the system.',
};

export async function describeQuota({ object, writer }: DescribeContext): Promise<void> {
  writer.field(0, 'Name', object.metadata.name);
  writer.field(0, 'Namespace', textAt(object, 'metadata', 'namespace'));
  const scopes = listAt(object, 'spec', 'scopes').map(String).toSorted();
  if (scopes.length > 0) {
    writer.field(0, 'Scopes', scopes.join(', '));
    for (const scope of scopes.filter((each) => SCOPES[each] !== undefined)) {
      writer.line(0, ` * ${SCOPES[scope] ?? ''}`);
    }
  }
  writer.write(0, 'Resource\tUsed\tHard\n--------\t----\t----\n');
  for (const [resource, hard] of sortedEntries(valueAt(object, 'status', 'hard'))) {
    writer.line(0, `${resource}\t${textAt(object, 'status', 'used', resource) || '0'}\t${String(hard)}`);
  }
}
