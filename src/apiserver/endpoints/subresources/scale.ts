import type { Scale } from '#api/types/autoscaling.v1.ts';
import { badRequest, methodNotSupported, notFound } from '#api/status-error.ts';
import { labelSelectorFromObject } from '#api/label-selector.ts';
import { knownStruct } from '#api/schema/schema.ts';
import type { LabelSelector } from '#api/types/meta.v1.ts';
import { decodeObject } from '#codec/typed-decode.ts';
import { applyJsonPatch } from '#codec/patch/json-patch.ts';
import { applyMergePatch } from '#codec/patch/merge-patch.ts';
import type { AdmissionFace } from '../../registry/admission-step.ts';
import { withMetadata } from '../../registry/metadata.ts';
import type { ResourceStorage } from '../../registry/resource-storage.ts';
import type { DraftObject } from '../../registry/strategy.ts';
import { updateObject } from '../../registry/update.ts';
import type { ApiCall, ApiResult } from '../api-call.ts';
import { contextOf } from '../call-options.ts';
import { decodeValue } from '../decode-body.ts';

interface Scalable {
  readonly spec: {
    readonly replicas?: number;
    readonly selector?: LabelSelector | Readonly<Record<string, string>>;
  };
  readonly status: { readonly replicas?: number };
}

/** Where a kind keeps what `scale` is about. */
export interface ScaleFields {
  read(object: DraftObject): { readonly wanted: number; readonly current: number; readonly selector: string };
  /** What keeps the object from being shown as a Scale; it may be written as one all the same. @throws {StatusError} */
  checkReadable?(object: DraftObject): void;
  /** A copy that wants another number of replicas. */
  withReplicas(object: DraftObject, replicas: number): DraftObject;
}

/** Serves `scale`: one small object to read and set the replicas of any workload. */
export async function serveScale(
  storage: ResourceStorage,
  call: ApiCall,
  fields: ScaleFields = builtInFields(storage),
): Promise<ApiResult> {
  const { info } = call;
  const target = { namespace: info.namespace, name: info.name, subresource: 'scale' };
  if (info.verb === 'get') {
    const { object } = await storage.get(info.namespace, info.name);
    fields.checkReadable?.(object as DraftObject);
    return { kind: 'value', code: 200, value: scaleOf(fields, object as DraftObject) };
  }
  if (info.verb !== 'update' && info.verb !== 'patch') {
    throw methodNotSupported(storage.strategy.info, info.verb);
  }
  const context = contextOf(call, info.verb);
  const value = decodeValue(call.body);
  const produce = (live: DraftObject): DraftObject => {
    const wanted = readScale(info.verb === 'patch' ? patched(call, scaleOf(fields, live), value) : value);
    checkName(wanted, storage, live);
    const metadata = {
      ...live.metadata,
      ...(wanted.metadata.resourceVersion === undefined
        ? {}
        : { resourceVersion: wanted.metadata.resourceVersion }),
    };
    return withMetadata(fields.withReplicas(live, wanted.spec.replicas ?? 0), metadata);
  };
  const { stored } = await updateObject(
    storage,
    target,
    {
      produce: (live) => produce(live as DraftObject),
      isPatch: info.verb === 'patch',
      face: scaleFace(fields),
    },
    context,
  );
  return { kind: 'value', code: 200, value: scaleOf(fields, stored.object as DraftObject) };
}

/** Admission sees the scale, and may change what it wants. */
function scaleFace(fields: ScaleFields): AdmissionFace {
  return {
    kind: { group: 'autoscaling', version: 'v1', kind: 'Scale' },
    show: (object) => scaleOf(fields, object),
    take: (shown, object) => fields.withReplicas(object, (shown as Scale).spec.replicas ?? 0),
  };
}

function patched(call: ApiCall, current: Scale, patch: unknown): unknown {
  const contentType = call.body?.contentType.split(';')[0]?.trim();
  // A Scale has no lists, so a strategic merge is a plain merge.
  return contentType === 'application/json-patch+json'
    ? applyJsonPatch(current, patch)
    : applyMergePatch(current, patch);
}

function readScale(value: unknown): Scale {
  const { object } = decodeObject(value, knownStruct('autoscaling.v1.Scale'), { fieldValidation: 'Ignore' });
  const scale = object as unknown as Scale;
  if ((scale.spec.replicas ?? 0) < 0) {
    throw badRequest(
      'Scale.autoscaling "" is invalid: spec.replicas: Invalid value: must be greater than or equal to 0',
    );
  }
  return scale;
}

function checkName(scale: Scale, storage: ResourceStorage, live: DraftObject): void {
  const { name } = scale.metadata;
  if (name !== undefined && name !== '' && name !== live.metadata.name) {
    throw notFound(storage.strategy.info, name);
  }
}

function builtInFields(storage: ResourceStorage): ScaleFields {
  return {
    read: (object) => {
      const { spec, status } = object as unknown as Scalable;
      return {
        wanted: spec.replicas ?? 0,
        current: status.replicas ?? 0,
        selector: selectorText(storage, spec.selector),
      };
    },
    withReplicas: (object, replicas) => ({ ...object, spec: { ...(object['spec'] as object), replicas } }),
  };
}

function scaleOf(fields: ScaleFields, object: DraftObject): Scale {
  const { wanted, current, selector } = fields.read(object);
  const { name, namespace = '', uid, resourceVersion, creationTimestamp } = object.metadata;
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp },
    spec: wanted === 0 ? {} : { replicas: wanted },
    status: { replicas: current, ...(selector === '' ? {} : { selector }) },
  };
}

function selectorText({ strategy }: ResourceStorage, selector: Scalable['spec']['selector']): string {
  if (selector === undefined) {
    return '';
  }
  if (strategy.info.resource === 'replicationcontrollers') {
    return Object.entries(selector as Readonly<Record<string, string>>)
      .toSorted(([left], [right]) => (left < right ? -1 : 1))
      .map(([key, value]) => `${key}=${value}`)
      .join(',');
  }
  return labelSelectorFromObject(selector).toString();
}
