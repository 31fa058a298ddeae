import { isDeepStrictEqual } from 'node:util';
import type { ResourceInfo } from '#api/resource-table.ts';
import type { CustomResourceDefinition, CustomResourceDefinitionSpec } from '#api/types/apiextensions.v1.ts';
import { defaultStrategy, withStatus } from '../registry/default-strategy.ts';
import type { DraftObject, Strategy } from '../registry/strategy.ts';
import { definitionWarnings } from './definition-warnings.ts';
import { definitionProblems, definitionUpdateProblems } from './definition-problems.ts';

/** Keeps a definition until its objects are gone. */
export const CLEANUP_FINALIZER = 'customresourcecleanup.apiextensions.k8s.io';

const WEBHOOK_PORT = 443;

/** How CustomResourceDefinitions themselves behave. */
export function definitionStrategy(info: ResourceInfo): Strategy {
  const base = defaultStrategy(info);
  return {
    ...base,
    deletionFinalizers: [CLEANUP_FINALIZER],
    applyDefaults: (object) => withSpecDefaults(base.applyDefaults(object)),
    prepareCreate: (object, { warnings }) => {
      warnings.push(...definitionWarnings(asDefinition(object)));
      return withStatus(object, initialStatus(asDefinition(object).spec));
    },
    prepareUpdate: async (next, current, subresource, context) => {
      const prepared = await base.prepareUpdate(next, current, subresource, context);
      if (subresource === 'status') {
        return prepared;
      }
      if (!isDeepStrictEqual(next['spec'], current['spec'])) {
        context.warnings.push(...definitionWarnings(asDefinition(next)));
      }
      return withStoredVersion(prepared);
    },
    validateCreate: (object) => [...base.validateCreate(object), ...definitionProblems(asDefinition(object))],
    validateUpdate: (next, current, subresource) => [
      ...base.validateUpdate(next, current, subresource),
      ...(subresource === 'status'
        ? []
        : definitionUpdateProblems(asDefinition(next), asDefinition(current))),
    ],
  };
}

function asDefinition(object: DraftObject): CustomResourceDefinition {
  return object as unknown as CustomResourceDefinition;
}

function withSpecDefaults(object: DraftObject): DraftObject {
  const { spec } = asDefinition(object);
  const { names, conversion } = spec;
  const { kind, singular = '', listKind = '' } = names;
  const service = conversion?.webhook?.clientConfig?.service;
  return {
    ...object,
    spec: {
      ...spec,
      names: {
        ...names,
        ...(singular === '' && kind !== '' ? { singular: kind.toLowerCase() } : {}),
        ...(listKind === '' && kind !== '' ? { listKind: `${kind}List` } : {}),
      },
      conversion:
        conversion === undefined
          ? { strategy: 'None' }
          : service === undefined || service.port !== undefined
            ? conversion
            : {
                ...conversion,
                webhook: {
                  ...conversion.webhook,
                  clientConfig: {
                    ...conversion.webhook?.clientConfig,
                    service: { ...service, port: WEBHOOK_PORT },
                  },
                },
              },
    },
  };
}

function storageVersion({ versions }: CustomResourceDefinitionSpec): string | undefined {
  return versions.find(({ storage }) => storage)?.name;
}

function initialStatus(spec: CustomResourceDefinitionSpec): object {
  const stored = storageVersion(spec);
  return {
    conditions: null,
    acceptedNames: { plural: '', kind: '' },
    storedVersions: stored === undefined ? null : [stored],
  };
}

/** Objects may be stored in every version that ever was the storage version. */
function withStoredVersion(object: DraftObject): DraftObject {
  const { spec, status } = asDefinition(object);
  const stored = storageVersion(spec);
  const known = status.storedVersions ?? [];
  return stored === undefined || known.includes(stored)
    ? object
    : withStatus(object, { ...status, storedVersions: [...known, stored] });
}
