import type { Binding, Pod } from '#api/types/core.v1.ts';
import type { Status } from '#api/types/meta.v1.ts';
import { badRequest, conflict } from '#api/status-error.ts';
import { knownStruct } from '#api/schema/schema.ts';
import { decodeObject } from '#codec/typed-decode.ts';
import { admitSmallObject } from '../../registry/admission-step.ts';
import { timestamp, withMetadata } from '../../registry/metadata.ts';
import type { ResourceStorage } from '../../registry/resource-storage.ts';
import type { DraftObject } from '../../registry/strategy.ts';
import { updateObject } from '../../registry/update.ts';
import type { ApiCall, ApiResult } from '../api-call.ts';
import { contextOf } from '../call-options.ts';
import { decodeValue } from '../decode-body.ts';

const KIND = { group: '', version: 'v1', kind: 'Binding' };
const SUCCESS: Status = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 };

/** Serves `pods/binding`: the scheduler's one write, which ties a pod to a node for good. */
export async function serveBinding(pods: ResourceStorage, call: ApiCall): Promise<ApiResult> {
  const { object } = decodeObject(decodeValue(call.body), knownStruct('core.v1.Binding'), {
    fieldValidation: 'Ignore',
  });
  const given = object as unknown as Binding;
  const name = call.info.subresource === 'binding' ? call.info.name : given.metadata.name;
  const target = { namespace: call.info.namespace, name, subresource: 'binding' };
  const context = contextOf(call, 'create');
  // Admission gives back what it was given: a binding.
  const binding = (await admitSmallObject(pods, target, {
    kind: KIND,
    object: { ...given, apiVersion: 'v1', kind: 'Binding' },
    context,
  })) as Binding;
  const nodeName = binding.target.name ?? '';
  if (nodeName === '' || (binding.target.kind ?? 'Node') !== 'Node') {
    throw badRequest('Binding "" is invalid: target.name: Required value');
  }
  const produce = (live: DraftObject): DraftObject => bind(pods, live, binding, nodeName);
  await updateObject(
    pods,
    target,
    { produce: (live) => produce(live as DraftObject), isPatch: true },
    { ...context, isAdmitted: true },
  );
  return { kind: 'value', code: 201, value: SUCCESS };
}

function bind(
  pods: ResourceStorage,
  live: DraftObject,
  { metadata }: Binding,
  nodeName: string,
): DraftObject {
  const pod = live as unknown as Pod;
  const refuse = (why: string): Error =>
    conflict({ group: '', resource: 'pods/binding' }, pod.metadata.name, why);
  if (metadata.uid !== undefined && metadata.uid !== '' && metadata.uid !== pod.metadata.uid) {
    throw refuse(
      `Precondition failed: UID in precondition: ${metadata.uid}, UID in object meta: ${pod.metadata.uid}`,
    );
  }
  if (pod.metadata.deletionTimestamp !== undefined) {
    throw refuse(`pod ${pod.metadata.name} is being deleted, cannot be assigned to a host`);
  }
  if ((pod.spec.nodeName ?? '') !== '') {
    throw refuse(`pod ${pod.metadata.name} is already assigned to node ${JSON.stringify(pod.spec.nodeName)}`);
  }
  if ((pod.spec.schedulingGates ?? []).length > 0) {
    throw refuse(`pod ${pod.metadata.name} has non-empty .spec.schedulingGates`);
  }
  const scheduled = {
    type: 'PodScheduled',
    status: 'True',
    lastProbeTime: null,
    lastTransitionTime: timestamp(pods.deps.clock),
  };
  const conditions = [
    ...(pod.status.conditions ?? []).filter(({ type }) => type !== 'PodScheduled'),
    scheduled,
  ];
  const { nominatedNodeName: _nominated, ...status } = pod.status;
  const bound = {
    ...pod,
    spec: { ...pod.spec, nodeName },
    status: { ...status, conditions },
  } as unknown as DraftObject;
  const annotations = { ...pod.metadata.annotations, ...metadata.annotations };
  const labels = { ...pod.metadata.labels, ...metadata.labels };
  return withMetadata(bound, {
    ...pod.metadata,
    ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
    ...(Object.keys(labels).length === 0 ? {} : { labels }),
  });
}
