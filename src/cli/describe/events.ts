import { listAt, numberAt, textAt } from '../object-access.ts';
import type { DescribeContext } from './describe-context.ts';
import { ageText } from './format.ts';

/** The events about the object, oldest first. */
export async function writeEvents(context: DescribeContext): Promise<void> {
  const { session, object, writer, nowMs, showsEvents } = context;
  if (!showsEvents) {
    return;
  }
  const { name, namespace = '', uid } = object.metadata;
  const path = namespace === '' ? '/api/v1/events' : `/api/v1/namespaces/${namespace}/events`;
  const about = [
    `involvedObject.name=${name}`,
    `involvedObject.namespace=${namespace}`,
    `involvedObject.kind=${object.kind}`,
  ];
  // A kubelet knows the node it is only by name, and gives that as its uid.
  const uids = object.kind === 'Node' ? [name, uid] : [uid];
  const lists = await Promise.all(
    uids.map((each) =>
      session.client.request({
        path,
        query: { fieldSelector: [...about, `involvedObject.uid=${each}`].join(','), limit: '500' },
      }),
    ),
  );
  const events = lists.flatMap((list) => listAt(list, 'items'));
  if (events.length === 0) {
    writer.line(0, 'Events:\t<none>');
    return;
  }
  writer.line(0, 'Events:');
  writer.line(1, 'Type\tReason\tAge\tFrom\tMessage');
  writer.line(1, '----\t------\t----\t----\t-------');
  const timeOf = (event: unknown): number =>
    Date.parse(textAt(event, 'lastTimestamp') || textAt(event, 'eventTime')) || 0;
  for (const event of events.toSorted((left, right) => timeOf(left) - timeOf(right))) {
    const source = textAt(event, 'source', 'component') || textAt(event, 'reportingComponent');
    const cells = [
      textAt(event, 'type'),
      textAt(event, 'reason'),
      intervalText(event, nowMs),
      source,
      textAt(event, 'message').trim(),
    ];
    writer.line(1, cells.join('\t'));
  }
}

/** `5m`, or `10s (x4 over 3m)` for what happened several times. */
function intervalText(event: unknown, nowMs: number): string {
  const first = textAt(event, 'firstTimestamp') || textAt(event, 'eventTime');
  const seriesCount = numberAt(event, 'series', 'count');
  const since = ageText(first, nowMs);
  if (seriesCount !== undefined) {
    return `${ageText(textAt(event, 'series', 'lastObservedTime'), nowMs)} (x${seriesCount} over ${since})`;
  }
  const count = numberAt(event, 'count') ?? 0;
  return count > 1 ? `${ageText(textAt(event, 'lastTimestamp'), nowMs)} (x${count} over ${since})` : since;
}
