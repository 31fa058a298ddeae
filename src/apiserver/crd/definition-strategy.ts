import type * as DefinitionProblems from './definition-problems.ts';
import type { ResourceInfo } from '#api/resource-table.ts';
import type { CustomResourceDefinition, CustomResourceDefinitionSpec } from '#api/types/apiextensions.v1.ts';
import type { FieldError } from '#api/status-error.ts';
import { Problems } from '#api/validation/problems.ts';
import { defaultStrategy, withStatus } from '../registry/default-strategy.ts';
import type { DraftObject, Strategy, ValidationCheck } from '../registry/strategy.ts';
import { checkNames } from './definition-part-problems.ts';
import { definitionWarnings } from './definition-warnings.ts';

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
    prepareCreate: (object) => withStatus(object, initialStatus(asDefinition(object).spec)),
    prepareUpdate: async (next, current, subresource, context) => {
      const prepared = await base.prepareUpdate(next, current, subresource, context);
      return subresource === 'status' ? prepared : withStoredVersion(prepared);
    },
    finishValidation,
  };
}

/** Definitions are written rarely: what checks them, and compiles their rules, is loaded for the first one. */
let loaded: typeof DefinitionProblems | undefined;

async function finishValidation(check: ValidationCheck): Promise<readonly FieldError[]> {
  const next = asDefinition(check.next);
  if (check.subresource === 'status') {
    const problems = new Problems();
    checkNames(problems, 'status.acceptedNames', next.status.acceptedNames);
    return problems.found;
  }
  loaded ??= await import('./definition-problems.ts');
  const previous = check.previous === undefined ? undefined : asDefinition(check.previous);
  const found = loaded.definitionProblems(next, previous);
  if (found.length === 0 && check.found.length === 0) {
    check.context.warnings.push(...definitionWarnings(next, previous));
  }
  return found;
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
