import { internalError } from '#api/status-error.ts';
import type { CustomResourceSubresourceScale } from '#api/types/apiextensions.v1.ts';
import { getOwn, isRecord, type JsonRecord } from '#codec/own-property.ts';
import type { ScaleFields } from '../endpoints/subresources/scale.ts';
import type { DraftObject } from '../registry/strategy.ts';

/** What `scale` reads and writes, at the paths that a definition names. */
export function customScale(paths: CustomResourceSubresourceScale): ScaleFields {
  const { specReplicasPath, statusReplicasPath, labelSelectorPath = '' } = paths;
  return {
    checkReadable: (object) => {
      const wanted = valueAt(object, specReplicasPath);
      if (wanted === undefined || wanted === null) {
        throw internalError(`the spec replicas field ${JSON.stringify(specReplicasPath)} does not exist`);
      }
    },
    read: (object) => {
      const selector = labelSelectorPath === '' ? undefined : valueAt(object, labelSelectorPath);
      return {
        wanted: numberOf(valueAt(object, specReplicasPath)),
        current: numberOf(valueAt(object, statusReplicasPath)),
        selector: typeof selector === 'string' ? selector : '',
      };
    },
    withReplicas: (object, replicas) => setAt(object, partsOf(specReplicasPath), replicas) as DraftObject,
  };
}

/** `.spec.replicas`: scale paths are names and dots only. */
function partsOf(path: string): readonly string[] {
  return path.replace(/^\./, '').split('.');
}

function valueAt(object: DraftObject, path: string): unknown {
  return partsOf(path).reduce<unknown>(
    (value, part) => (isRecord(value) ? getOwn(value, part) : undefined),
    object,
  );
}

function numberOf(value: unknown): number {
  return typeof value === 'number' ? value : 0;
}

function setAt(object: unknown, [first, ...rest]: readonly string[], value: unknown): unknown {
  if (first === undefined) {
    return value;
  }
  const record: JsonRecord = isRecord(object) ? object : {};
  return { ...record, [first]: setAt(getOwn(record, first), rest, value) };
}
