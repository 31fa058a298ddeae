import type { DraftObject, Strategy } from '../strategy.ts';

type Fields = Strategy['selectableFields'];

/** The value at a path of an object as selectors see it: absent is the kind's zero value. */
function at(path: string, absent = ''): (object: DraftObject) => string {
  const parts = path.split('.');
  return (object) => {
    let value: unknown = object;
    for (const part of parts) {
      value = typeof value === 'object' && value !== null ? Reflect.get(value, part) : undefined;
    }
    return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
      ? String(value)
      : absent;
  };
}

function eventSource(object: DraftObject): string {
  const component = at('source.component')(object);
  return component === '' ? at('reportingComponent')(object) : component;
}

/** Fields that clients may select by, beside name and namespace, for kinds without a file of their own. */
const FIELDS: Readonly<Record<string, Fields>> = {
  events: {
    'involvedObject.kind': at('involvedObject.kind'),
    'involvedObject.namespace': at('involvedObject.namespace'),
    'involvedObject.name': at('involvedObject.name'),
    'involvedObject.uid': at('involvedObject.uid'),
    'involvedObject.apiVersion': at('involvedObject.apiVersion'),
    'involvedObject.resourceVersion': at('involvedObject.resourceVersion'),
    'involvedObject.fieldPath': at('involvedObject.fieldPath'),
    reason: at('reason'),
    reportingComponent: at('reportingComponent'),
    source: eventSource,
    type: at('type'),
  },
  secrets: { type: at('type') },
  nodes: { 'spec.unschedulable': at('spec.unschedulable', 'false') },
  replicationcontrollers: { 'status.replicas': at('status.replicas', '0') },
  'replicasets.apps': { 'status.replicas': at('status.replicas', '0') },
  'jobs.batch': { 'status.successful': at('status.succeeded', '0') },
  'certificatesigningrequests.certificates.k8s.io': { 'spec.signerName': at('spec.signerName') },
  'resourceslices.resource.k8s.io': {
    'spec.nodeName': at('spec.nodeName'),
    'spec.driver': at('spec.driver'),
  },
};

export function selectableFieldsOf(resource: string): Fields {
  return Object.hasOwn(FIELDS, resource) ? (FIELDS[resource] ?? {}) : {};
}
