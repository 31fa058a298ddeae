import type { ApiObject, DeepPartial } from '#api/object.ts';
import { resourceOfKind } from '#api/resource-table.ts';
import { parseApiVersion } from '#api/resource-type.ts';
import { StatusError } from '#api/status-error.ts';
import { assert, defined } from '#base/assert.ts';
import type { AdmissionAttributes, AdmissionPlugin } from './admission.ts';

/** Attributes of a write of `object`: its resource is found by its kind, the sender is `eve`. */
export function writeOf(
  object: DeepPartial<ApiObject>,
  changes: Partial<AdmissionAttributes> = {},
): AdmissionAttributes {
  const { apiVersion = 'v1', kind = '' } = object;
  const info = defined(resourceOfKind({ ...parseApiVersion(apiVersion), kind }), `resource of ${kind}`);
  const namespace = info.namespaced ? (object.metadata?.namespace ?? 'default') : '';
  const metadata = { uid: '', resourceVersion: '', creationTimestamp: '', ...object.metadata };
  return {
    operation: 'CREATE',
    kind: info,
    resource: info,
    subresource: '',
    namespace,
    name: object.metadata?.name ?? '',
    object: {
      spec: {},
      ...object,
      apiVersion,
      kind,
      metadata: info.namespaced ? { namespace, ...metadata } : metadata,
    } as unknown as ApiObject,
    oldObject: undefined,
    options: {},
    user: { name: 'eve', groups: [], extra: {} },
    dryRun: false,
    ...changes,
  };
}

/** What a plugin makes of a write: the object, or the refusal as `403 message`. */
export async function outcomeOf<T = ApiObject>(
  plugin: AdmissionPlugin,
  attributes: AdmissionAttributes,
): Promise<T | string> {
  try {
    const object = 'admit' in plugin ? await plugin.admit(attributes) : attributes.object;
    if ('validate' in plugin) {
      await plugin.validate({ ...attributes, object });
    }
    return object as unknown as T;
  } catch (error) {
    if (error instanceof StatusError) {
      return `${error.code} ${error.message}`;
    }
    throw error;
  }
}

/** The refusal of a write that must be refused, as `403 message`. */
export async function refusalOf(plugin: AdmissionPlugin, attributes: AdmissionAttributes): Promise<string> {
  const outcome = await outcomeOf(plugin, attributes);
  return typeof outcome === 'string' ? outcome : 'admitted';
}

/** What comes of a write that must be admitted. */
export async function admittedBy<T>(plugin: AdmissionPlugin, attributes: AdmissionAttributes): Promise<T> {
  const outcome = await outcomeOf<T>(plugin, attributes);
  assert(typeof outcome !== 'string', `refused: ${JSON.stringify(outcome)}`);
  return outcome;
}
