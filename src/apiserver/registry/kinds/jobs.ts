import type { Job } from '#api/types/batch.v1.ts';
import type { ResourceInfo } from '#api/resource-table.ts';
import { defaultStrategy, withStatus } from '../default-strategy.ts';
import type { DraftObject, Strategy } from '../strategy.ts';
import { selectableFieldsOf } from './selectable-fields.ts';

const CONTROLLER_UID = 'batch.kubernetes.io/controller-uid';
const JOB_NAME = 'batch.kubernetes.io/job-name';
/** The names these labels had before they got a prefix; clients still select by them. */
const LEGACY_CONTROLLER_UID = 'controller-uid';
const LEGACY_JOB_NAME = 'job-name';

/** A Job finds its pods by its own UID, unless its author insists on a selector of their own. */
export function jobStrategy(info: ResourceInfo): Strategy {
  return {
    ...defaultStrategy(info),
    selectableFields: selectableFieldsOf('jobs.batch'),
    prepareCreate: (object) => withStatus(withOwnSelector(object), {}),
  };
}

function withOwnSelector(object: DraftObject): DraftObject {
  // The storage of jobs holds jobs only.
  const { metadata, spec } = object as unknown as Job;
  if (spec.manualSelector === true) {
    return object;
  }
  const labels = {
    ...spec.template.metadata.labels,
    [CONTROLLER_UID]: metadata.uid,
    [JOB_NAME]: metadata.name,
    [LEGACY_CONTROLLER_UID]: metadata.uid,
    [LEGACY_JOB_NAME]: metadata.name,
  };
  const selector = {
    ...spec.selector,
    matchLabels: { ...spec.selector?.matchLabels, [CONTROLLER_UID]: metadata.uid },
  };
  const template = { ...spec.template, metadata: { ...spec.template.metadata, labels } };
  return { ...object, spec: { ...spec, selector, template } };
}
