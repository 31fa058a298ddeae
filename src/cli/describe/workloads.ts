import { jsonEqual } from '#base/json-equal.ts';
import { listObjects } from '../find-objects.ts';
import {
  type AnyObject,
  listAt,
  numberAt,
  recordAt,
  textAt,
  withValueAt,
  valueAt,
} from '../object-access.ts';
import { podSelectorOf } from '../pods-of.ts';
import type { DescribeContext } from './describe-context.ts';
import { writeEvents } from './events.ts';
import {
  durationText,
  mapText,
  selectorText,
  timeText,
  writeAnnotations,
  writeController,
  writeLabels,
} from './format.ts';
import { describePodTemplate } from './pod-template.ts';

export async function describeDeployment(context: DescribeContext): Promise<void> {
  const { object: deployment, writer } = context;
  const count = (field: string): number => numberAt(deployment, 'status', field) ?? 0;
  writeHead(context, { createdAt: true, annotationsFirst: true });
  writer.field(
    0,
    'Replicas',
    `${numberAt(deployment, 'spec', 'replicas') ?? 0} desired | ${count('updatedReplicas')} updated | ${count('replicas')} total | ${count('availableReplicas')} available | ${count('unavailableReplicas')} unavailable`,
  );
  writer.field(0, 'StrategyType', textAt(deployment, 'spec', 'strategy', 'type'));
  writer.field(0, 'MinReadySeconds', numberAt(deployment, 'spec', 'minReadySeconds') ?? 0);
  const rolling = valueAt(deployment, 'spec', 'strategy', 'rollingUpdate');
  if (rolling !== undefined) {
    writer.field(
      0,
      'RollingUpdateStrategy',
      `${textAt(rolling, 'maxUnavailable')} max unavailable, ${textAt(rolling, 'maxSurge')} max surge`,
    );
  }
  describePodTemplate(writer, valueAt(deployment, 'spec', 'template'));
  writeConditions(context);
  const { olds, current } = await replicaSetsOf(context);
  writer.field(0, 'OldReplicaSets', replicaSetsText(olds));
  writer.field(0, 'NewReplicaSet', replicaSetsText(current));
  await writeEvents(context);
}

function writeConditions({ object, writer }: DescribeContext): void {
  const conditions = listAt(object, 'status', 'conditions');
  if (conditions.length > 0) {
    writer.write(0, 'Conditions:\n  Type\tStatus\tReason\n  ----\t------\t------\n');
    for (const condition of conditions) {
      writer.line(
        1,
        `${textAt(condition, 'type')} \t${textAt(condition, 'status')}\t${textAt(condition, 'reason')}`,
      );
    }
  }
}

interface HeadOptions {
  readonly createdAt?: boolean;
  /** Labels and annotations stand before the selector. */
  readonly annotationsFirst?: boolean;
}

function writeHead(
  { object, writer }: DescribeContext,
  { createdAt = false, annotationsFirst = false }: HeadOptions = {},
): void {
  writer.field(0, 'Name', object.metadata.name);
  writer.field(0, 'Namespace', textAt(object, 'metadata', 'namespace'));
  if (createdAt) {
    writer.field(0, 'CreationTimestamp', timeText(textAt(object, 'metadata', 'creationTimestamp')));
  }
  const selector = valueAt(object, 'spec', 'selector');
  const text = object.kind === 'ReplicationController' ? mapText(selector) : selectorText(selector);
  if (!annotationsFirst) {
    writer.field(0, 'Selector', text);
  }
  if (object.kind === 'DaemonSet') {
    writer.field(0, 'Node-Selector', mapText(valueAt(object, 'spec', 'template', 'spec', 'nodeSelector')));
  }
  writeLabels(writer, 'Labels', object.metadata.labels);
  writeAnnotations(writer, object.metadata.annotations);
  if (annotationsFirst) {
    writer.field(0, 'Selector', text);
  }
}

async function replicaSetsOf({ session, object }: DescribeContext): Promise<{
  readonly olds: readonly AnyObject[];
  readonly current: readonly AnyObject[];
}> {
  const found = await listObjects(
    session,
    await session.resource('replicasets.apps'),
    textAt(object, 'metadata', 'namespace'),
    {
      labelSelector: podSelectorOf(object) ?? '',
    },
  );
  const owned = found
    .map((each) => each.object)
    .filter((set) =>
      listAt(set, 'metadata', 'ownerReferences').some(
        (owner) => textAt(owner, 'uid') === object.metadata.uid,
      ),
    )
    .toSorted((left, right) => ageOf(left) - ageOf(right));
  const template = withoutHash(valueAt(object, 'spec', 'template'));
  const current = owned.find((set) => jsonEqual(withoutHash(valueAt(set, 'spec', 'template')), template));
  return { olds: owned.filter((set) => set !== current), current: current === undefined ? [] : [current] };
}

function ageOf(object: AnyObject): number {
  return Date.parse(textAt(object, 'metadata', 'creationTimestamp'));
}

function withoutHash(template: unknown): unknown {
  const plain = withValueAt(recordAt(template), ['metadata', 'labels', 'pod-template-hash'], undefined);
  return withValueAt(plain, ['metadata', 'creationTimestamp'], undefined);
}

function replicaSetsText(sets: readonly AnyObject[]): string {
  const texts = sets.map(
    (set) =>
      `${set.metadata.name} (${numberAt(set, 'status', 'replicas') ?? 0}/${numberAt(set, 'spec', 'replicas') ?? 0} replicas created)`,
  );
  return texts.length === 0 ? '<none>' : texts.join(', ');
}

async function podsStatusText({ session, object }: DescribeContext): Promise<string> {
  const pods = await listObjects(
    session,
    await session.resource('pods'),
    textAt(object, 'metadata', 'namespace'),
    {
      labelSelector: podSelectorOf(object) ?? '',
    },
  );
  const count = (phase: string): number =>
    pods.filter(
      ({ object: pod }) =>
        textAt(pod, 'status', 'phase') === phase &&
        listAt(pod, 'metadata', 'ownerReferences').some(
          (owner) => textAt(owner, 'uid') === object.metadata.uid,
        ),
    ).length;
  return `${count('Running')} Running / ${count('Pending')} Waiting / ${count('Succeeded')} Succeeded / ${count('Failed')} Failed`;
}

export async function describeReplicaSet(context: DescribeContext): Promise<void> {
  const { object, writer } = context;
  writeHead(context);
  writeController(writer, object);
  writer.field(
    0,
    'Replicas',
    `${numberAt(object, 'status', 'replicas') ?? 0} current / ${numberAt(object, 'spec', 'replicas') ?? 0} desired`,
  );
  writer.field(0, 'Pods Status', await podsStatusText(context));
  describePodTemplate(writer, valueAt(object, 'spec', 'template'));
  writeConditions(context);
  await writeEvents(context);
}

export async function describeDaemonSet(context: DescribeContext): Promise<void> {
  const { object, writer } = context;
  writeHead(context);
  for (const [title, field] of [
    ['Desired Number of Nodes Scheduled', 'desiredNumberScheduled'],
    ['Current Number of Nodes Scheduled', 'currentNumberScheduled'],
    ['Number of Nodes Scheduled with Up-to-date Pods', 'updatedNumberScheduled'],
    ['Number of Nodes Scheduled with Available Pods', 'numberAvailable'],
    ['Number of Nodes Misscheduled', 'numberMisscheduled'],
  ] as const) {
    writer.line(0, `${title}: ${numberAt(object, 'status', field) ?? 0}`);
  }
  writer.field(0, 'Pods Status', await podsStatusText(context));
  describePodTemplate(writer, valueAt(object, 'spec', 'template'));
  await writeEvents(context);
}

export async function describeStatefulSet(context: DescribeContext): Promise<void> {
  const { object, writer } = context;
  writer.field(0, 'Name', object.metadata.name);
  writer.field(0, 'Namespace', textAt(object, 'metadata', 'namespace'));
  writer.field(0, 'CreationTimestamp', timeText(textAt(object, 'metadata', 'creationTimestamp')));
  writer.field(0, 'Selector', selectorText(valueAt(object, 'spec', 'selector')));
  writeLabels(writer, 'Labels', object.metadata.labels);
  writeAnnotations(writer, object.metadata.annotations);
  writer.field(
    0,
    'Replicas',
    `${numberAt(object, 'spec', 'replicas') ?? 0} desired | ${numberAt(object, 'status', 'replicas') ?? 0} total`,
  );
  writer.field(0, 'Update Strategy', textAt(object, 'spec', 'updateStrategy', 'type'));
  const partition = numberAt(object, 'spec', 'updateStrategy', 'rollingUpdate', 'partition');
  if (partition !== undefined) {
    writer.field(1, 'Partition', partition);
  }
  writer.field(0, 'Pods Status', await podsStatusText(context));
  describePodTemplate(writer, valueAt(object, 'spec', 'template'));
  writeClaimTemplates(context);
  await writeEvents(context);
}

function writeClaimTemplates({ object, writer }: DescribeContext): void {
  const templates = listAt(object, 'spec', 'volumeClaimTemplates');
  if (templates.length === 0) {
    writer.line(0, 'Volume Claims:\t<none>');
    return;
  }
  writer.line(0, 'Volume Claims:');
  for (const template of templates) {
    writer.field(1, 'Name', textAt(template, 'metadata', 'name'));
    writer.field(1, 'StorageClass', textAt(template, 'spec', 'storageClassName'));
    writeLabels(writer, 'Labels', recordAt(template, 'metadata', 'labels'), '  ');
    writeAnnotations(writer, recordAt(template, 'metadata', 'annotations'), '  ');
    writer.field(1, 'Capacity', textAt(template, 'spec', 'resources', 'requests', 'storage') || '<default>');
    writer.field(1, 'Access Modes', `[${listAt(template, 'spec', 'accessModes').map(String).join(' ')}]`);
  }
}

export async function describeJob(context: DescribeContext): Promise<void> {
  const { object, writer } = context;
  writeHead(context);
  writeController(writer, object);
  writer.field(0, 'Parallelism', numberAt(object, 'spec', 'parallelism') ?? '<unset>');
  writer.field(0, 'Completions', numberAt(object, 'spec', 'completions') ?? '<unset>');
  for (const [title, field] of [
    ['Completion Mode', 'completionMode'],
    ['Suspend', 'suspend'],
    ['Backoff Limit', 'backoffLimit'],
  ] as const) {
    if (valueAt(object, 'spec', field) !== undefined) {
      writer.field(0, title, textAt(object, 'spec', field));
    }
  }
  const [startedAt, completedAt] = [
    textAt(object, 'status', 'startTime'),
    textAt(object, 'status', 'completionTime'),
  ];
  if (startedAt !== '') {
    writer.field(0, 'Start Time', timeText(startedAt));
  }
  if (completedAt !== '') {
    writer.field(0, 'Completed At', timeText(completedAt));
    writer.field(0, 'Duration', durationText(Date.parse(completedAt) - Date.parse(startedAt)));
  }
  if (numberAt(object, 'spec', 'activeDeadlineSeconds') !== undefined) {
    writer.field(0, 'Active Deadline Seconds', `${textAt(object, 'spec', 'activeDeadlineSeconds')}s`);
  }
  const count = (field: string): number => numberAt(object, 'status', field) ?? 0;
  const ready = numberAt(object, 'status', 'ready');
  writer.field(
    0,
    'Pods Statuses',
    `${count('active')} Active${ready === undefined ? '' : ` (${ready} Ready)`} / ${count('succeeded')} Succeeded / ${count('failed')} Failed`,
  );
  describePodTemplate(writer, valueAt(object, 'spec', 'template'));
  await writeEvents(context);
}
