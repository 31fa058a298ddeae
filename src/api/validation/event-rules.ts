import { dnsSubdomainProblems, qualifiedNameProblems } from '../names.ts';
import type { Event as CoreEvent } from '../types/core.v1.ts';
import type { FieldError } from '../status-error.ts';
import { checkMeta, checkMetaUpdate } from './object-meta.ts';
import type { KindRules } from './kind-rules.ts';
import { Problems } from './problems.ts';

const TEXT_MAX = 128;
const NOTE_MAX = 1024;
const ELSEWHERE = 'does not match event.namespace';

/** Events of the core group have always been taken nearly as they come. */
export const EVENT_RULES: KindRules<CoreEvent> = {
  check(problems, event) {
    checkAny(problems, event, 'reportingComponent');
  },
  skipsMeta: true,
};

/**
 * What is wrong with an event that came through `events.k8s.io/v1`. It is stored as one of the core group, but asked
 * more of.
 *
 * @param previous undefined when the event is new
 */
export function newEventProblems(event: CoreEvent, previous: CoreEvent | undefined): readonly FieldError[] {
  const problems = new Problems();
  checkAny(problems, event, 'reportingController');
  if (previous === undefined) {
    checkMeta(problems, event.metadata, { isNamespaced: true, nameRule: dnsSubdomainProblems });
    checkSeries(problems, event);
    checkNew(problems, event);
  } else {
    checkMetaUpdate(problems, event.metadata, previous.metadata);
    checkFixed(problems, event, previous);
  }
  return problems.found;
}

function isUnset(time: string | null | undefined): boolean {
  return time === undefined || time === null || time === '';
}

function checkAny(problems: Problems, event: CoreEvent, reporterField: string): void {
  const { namespace } = event.metadata;
  const about = event.involvedObject.namespace ?? '';
  if (isUnset(event.eventTime)) {
    const isHome = about === '' ? namespace === '' || namespace === 'default' : namespace === about;
    if (!isHome) {
      problems.invalid('involvedObject.namespace', about, ELSEWHERE);
    }
  } else {
    if (about === '' && namespace !== 'default' && namespace !== 'kube-system') {
      problems.invalid('involvedObject.namespace', about, ELSEWHERE);
    }
    const { reportingComponent: reporter } = event;
    problems.requiredText(reporterField, reporter);
    problems.names(reporterField, reporter, qualifiedNameProblems(reporter));
    checkText(problems, 'reportingInstance', event.reportingInstance, TEXT_MAX);
    checkText(problems, 'action', event.action ?? '', TEXT_MAX);
    checkText(problems, 'reason', event.reason ?? '', TEXT_MAX);
    if ((event.message ?? '').length > NOTE_MAX) {
      problems.invalid('message', '', `can have at most ${NOTE_MAX} characters`);
    }
  }
  problems.names('namespace', namespace, dnsSubdomainProblems(namespace));
}

function checkText(problems: Problems, path: string, text: string, max: number): void {
  problems.requiredText(path, text);
  if (text.length > max) {
    problems.invalid(path, '', `can have at most ${max} characters`);
  }
}

function checkSeries(problems: Problems, { series }: CoreEvent): void {
  if (series === undefined) {
    return;
  }
  if ((series.count ?? 0) < 2) {
    problems.invalid('series.count', '', 'should be at least 2');
  }
  if (isUnset(series.lastObservedTime)) {
    problems.required('series.lastObservedTime');
  }
}

function checkNew(problems: Problems, event: CoreEvent): void {
  if (isUnset(event.eventTime)) {
    problems.required('eventTime');
  }
  if (event.type !== 'Normal' && event.type !== 'Warning') {
    problems.invalid('type', '', `has invalid value: ${event.type ?? ''}`);
  }
  const { firstTimestamp, lastTimestamp, count = 0, source } = event;
  const old = {
    firstTimestamp: !isUnset(firstTimestamp),
    lastTimestamp: !isUnset(lastTimestamp),
    count: count !== 0,
    source: (source.component ?? '') !== '' || (source.host ?? '') !== '',
  };
  for (const [field, isSet] of Object.entries(old)) {
    if (isSet) {
      problems.invalid(field, '', 'needs to be unset');
    }
  }
}

const FIXED = [
  'involvedObject',
  'reason',
  'message',
  'source',
  'firstTimestamp',
  'lastTimestamp',
  'count',
  'reason',
  'type',
  'eventTime',
  'action',
  'related',
] as const;

function checkFixed(problems: Problems, next: CoreEvent, previous: CoreEvent): void {
  if (JSON.stringify(next.series) !== JSON.stringify(previous.series)) {
    checkSeries(problems, next);
  }
  for (const field of FIXED) {
    problems.immutable(field, next[field], previous[field]);
  }
  problems.immutable('reportingController', next.reportingComponent, previous.reportingComponent);
  problems.immutable('reportingInstance', next.reportingInstance, previous.reportingInstance);
}
