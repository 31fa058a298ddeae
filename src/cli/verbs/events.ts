import type { Command, Invocation } from '../command.ts';
import { ageText } from '../describe/format.ts';
import { CliError } from '../cli-error.ts';
import { isEveryNamespace, listObjects } from '../find-objects.ts';
import { type AnyObject, numberAt, textAt } from '../object-access.ts';
import { ALL_NAMESPACES_FLAG } from '../selection-flags.ts';
import { alignedText, TABLE_LAYOUT } from '../tab-writer.ts';

export const EVENTS: Command = {
  name: 'events',
  about: 'List events',
  usage: '[--for TYPE/NAME]',
  flags: [
    ALL_NAMESPACES_FLAG,
    { name: 'for', kind: 'text', about: 'Only events about this object: TYPE/NAME.' },
    { name: 'no-headers', kind: 'bool', about: 'Leave the headers out.' },
    { name: 'types', kind: 'list', about: 'Only events of these types: Normal, Warning.' },
  ],
  run: events,
};

async function events({ session, flags, io }: Invocation): Promise<void> {
  const everywhere = isEveryNamespace(flags);
  const about = flags.text('for');
  const [type = '', name = ''] = about.split('/');
  if (about !== '' && name === '') {
    throw new CliError('--for must be in resource/name form');
  }
  const kind = about === '' ? '' : (await session.resource(type)).kind;
  const fieldSelector = about === '' ? '' : `involvedObject.kind=${kind},involvedObject.name=${name}`;
  const namespace = everywhere ? '' : session.namespace;
  const found = await listObjects(session, await session.resource('events'), namespace, { fieldSelector });
  const types = flags.list('types').map((each) => each.toLowerCase());
  const wanted = found
    .map(({ object }) => object)
    .filter((event) => types.length === 0 || types.includes(textAt(event, 'type').toLowerCase()))
    .toSorted((left, right) => lastMs(left) - lastMs(right));
  if (wanted.length === 0) {
    session.print(everywhere ? 'No events found.\n' : `No events found in ${session.namespace} namespace.\n`);
    return;
  }
  const headers = [...(everywhere ? ['NAMESPACE'] : []), 'LAST SEEN', 'TYPE', 'REASON', 'OBJECT', 'MESSAGE'];
  const rows = wanted.map((event) => [
    ...(everywhere ? [textAt(event, 'metadata', 'namespace')] : []),
    intervalText(event, io.clock.nowMs()),
    textAt(event, 'type'),
    textAt(event, 'reason'),
    `${textAt(event, 'involvedObject', 'kind')}/${textAt(event, 'involvedObject', 'name')}`,
    textAt(event, 'message').trim(),
  ]);
  const lines = [...(flags.bool('no-headers') ? [] : [headers]), ...rows];
  session.print(alignedText(TABLE_LAYOUT, lines.map((line) => `${line.join('\t')}\n`).join('')));
}

function lastMs(event: AnyObject): number {
  return (
    Date.parse(
      textAt(event, 'series', 'lastObservedTime') ||
        textAt(event, 'lastTimestamp') ||
        textAt(event, 'eventTime'),
    ) || 0
  );
}

function intervalText(event: AnyObject, nowMs: number): string {
  const first = textAt(event, 'firstTimestamp') || textAt(event, 'eventTime');
  const last = textAt(event, 'series', 'lastObservedTime') || textAt(event, 'lastTimestamp') || first;
  const count = numberAt(event, 'series', 'count') ?? numberAt(event, 'count') ?? 1;
  return count > 1
    ? `${ageText(last, nowMs)} (x${count} over ${ageText(first, nowMs)})`
    : ageText(first, nowMs);
}
