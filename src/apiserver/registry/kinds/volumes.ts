import type { ResourceInfo } from '#api/resource-table.ts';
import type {
  PersistentVolume,
  PersistentVolumeClaim,
  PersistentVolumeClaimSpec,
  TypedLocalObjectReference,
} from '#api/types/core.v1.ts';
import type { Clock } from '#base/clock.ts';
import { defaultStrategy, withStatus } from '../default-strategy.ts';
import { timestamp } from '../metadata.ts';
import type { DraftObject, Strategy } from '../strategy.ts';
import { selectableFieldsOf } from './selectable-fields.ts';

/** Volumes say since when they are in their phase. */
export function persistentVolumeStrategy(info: ResourceInfo, clock: Clock): Strategy {
  const base = defaultStrategy(info);
  return {
    ...base,
    selectableFields: selectableFieldsOf('persistentvolumes'),
    prepareCreate: (object) =>
      withStatus(object, { phase: 'Pending', lastPhaseTransitionTime: timestamp(clock) }),
    prepareUpdate: async (next, current, subresource, context) => {
      const prepared = await base.prepareUpdate(next, current, subresource, context);
      return subresource === 'status' ? withTransition(prepared, current, clock) : prepared;
    },
  };
}

function withTransition(next: DraftObject, current: DraftObject, clock: Clock): DraftObject {
  const [{ status }, { status: before }] = [asVolume(next), asVolume(current)];
  const { lastPhaseTransitionTime: since } = status;
  const { lastPhaseTransitionTime: sinceBefore } = before;
  if (status.phase === before.phase) {
    return since === undefined && sinceBefore !== undefined
      ? withStatus(next, { ...status, lastPhaseTransitionTime: sinceBefore })
      : next;
  }
  return since === undefined || since === sinceBefore
    ? withStatus(next, { ...status, lastPhaseTransitionTime: timestamp(clock) })
    : next;
}

/** The two fields that name a claim's source agree, whichever of them a client knows. */
export function claimStrategy(info: ResourceInfo): Strategy {
  const base = defaultStrategy(info);
  return {
    ...base,
    selectableFields: selectableFieldsOf('persistentvolumeclaims'),
    prepareCreate: (object) => withStatus(withSources(object, undefined), { phase: 'Pending' }),
    prepareUpdate: async (next, current, subresource, context) => {
      const prepared = await base.prepareUpdate(next, current, subresource, context);
      return subresource === 'status' ? prepared : withSources(prepared, asClaim(current).spec);
    },
  };
}

function withSources(object: DraftObject, previous: PersistentVolumeClaimSpec | undefined): DraftObject {
  const { spec } = asClaim(object);
  const { dataSource, dataSourceRef } = spec;
  if (dataSource === undefined && dataSourceRef === undefined) {
    return object;
  }
  const isInUse = previous?.dataSource !== undefined || previous?.dataSourceRef !== undefined;
  if (dataSource !== undefined && dataSourceRef === undefined) {
    if (!isInUse && !isClaimOrSnapshot(dataSource)) {
      // Sources of other kinds have always been ignored in the older field.
      const { dataSource: _ignored, ...rest } = spec;
      return { ...object, spec: rest };
    }
    return { ...object, spec: { ...spec, dataSourceRef: dataSource } };
  }
  const isLocal = (dataSourceRef?.namespace ?? '') === '';
  return dataSource === undefined && dataSourceRef !== undefined && isLocal
    ? { ...object, spec: { ...spec, dataSource: withoutNamespace(dataSourceRef) } }
    : object;
}

function withoutNamespace({ apiGroup, kind, name }: TypedLocalObjectReference): TypedLocalObjectReference {
  return { ...(apiGroup === undefined ? {} : { apiGroup }), kind, name };
}

function isClaimOrSnapshot({ apiGroup = '', kind }: TypedLocalObjectReference): boolean {
  return (
    (apiGroup === '' && kind === 'PersistentVolumeClaim') ||
    (apiGroup === 'snapshot.storage.k8s.io' && kind === 'VolumeSnapshot')
  );
}

function asVolume(object: DraftObject): PersistentVolume {
  // The storage of volumes holds nothing else.
  return object as unknown as PersistentVolume;
}

function asClaim(object: DraftObject): PersistentVolumeClaim {
  // The storage of claims holds nothing else.
  return object as unknown as PersistentVolumeClaim;
}
