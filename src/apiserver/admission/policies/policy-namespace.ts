import { notFound } from '#api/status-error.ts';
import type { Namespace } from '#api/types/core.v1.ts';
import { NAMESPACE } from '#api/types/resources.ts';
import type { ObjectReader } from '../../object-reader.ts';
import type { AdmissionAttributes } from '../admission.ts';

/**
 * The namespace that expressions see beside an object in it; none for objects of the cluster, namespaces among them.
 *
 * @throws {StatusError} NotFound
 */
export function namespaceOf(
  reader: ObjectReader,
  { namespace, kind }: AdmissionAttributes,
): Namespace | undefined {
  if (namespace === '' || (kind.group === '' && kind.kind === 'Namespace')) {
    return undefined;
  }
  const found = reader.get(NAMESPACE, '', namespace);
  if (found === undefined) {
    throw notFound({ group: '', resource: 'namespaces' }, namespace);
  }
  return found;
}
