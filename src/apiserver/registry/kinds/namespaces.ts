import type { Namespace } from '#api/types/core.v1.ts';
import type { ResourceInfo } from '#api/resource-table.ts';
import { defaultStrategy, onlyStatus, withStatus } from '../default-strategy.ts';
import { withMetadata } from '../metadata.ts';
import type { DraftObject, Strategy } from '../strategy.ts';

/** Held by every namespace until its content is gone. */
const KUBERNETES_FINALIZER = 'kubernetes';
const NAME_LABEL = 'kubernetes.io/metadata.name';

export function namespaceStrategy(info: ResourceInfo): Strategy {
  const base = defaultStrategy(info);
  return {
    ...base,
    selectableFields: { 'status.phase': (object) => asNamespace(object).status.phase ?? '' },
    applyDefaults: (object) => withNameLabel(base.applyDefaults(object)),
    prepareCreate: (object) => {
      const finalizers = asNamespace(object).spec.finalizers ?? [];
      const held = finalizers.includes(KUBERNETES_FINALIZER)
        ? finalizers
        : [...finalizers, KUBERNETES_FINALIZER];
      return withStatus({ ...object, spec: { finalizers: held } }, { phase: 'Active' });
    },
    prepareUpdate: (next, current, subresource) => {
      switch (subresource) {
        case 'status':
          return onlyStatus(next, current);
        case 'finalize':
          // Only the finalizers of the spec change here.
          return withMetadata({ ...current, spec: next['spec'] }, { ...next.metadata });
        default:
          return { ...next, spec: current['spec'], status: current['status'] };
      }
    },
    isHeld: (object) => (asNamespace(object).spec.finalizers ?? []).length > 0,
    markDeleted: (object) => withStatus(object, { ...asNamespace(object).status, phase: 'Terminating' }),
  };
}

/** Every namespace can be selected by its name. */
function withNameLabel(object: DraftObject): DraftObject {
  const { name, labels } = object.metadata;
  if (name === undefined || name === '' || labels?.[NAME_LABEL] === name) {
    return object;
  }
  return withMetadata(object, { ...object.metadata, labels: { ...labels, [NAME_LABEL]: name } });
}

function asNamespace(object: DraftObject): Namespace {
  return object as unknown as Namespace;
}
