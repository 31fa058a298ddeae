import type { ResourceInfo } from '#api/resource-table.ts';
import { methodNotSupported, unknownPath } from '#api/status-error.ts';
import type { RequestInfo } from '../request-info.ts';

/**
 * A cluster-scoped resource below a namespace, or the other way round, is nowhere; creating needs the namespace.
 *
 * @throws {StatusError} NotFound, MethodNotAllowed
 */
export function checkPlace(known: ResourceInfo, { verb, namespace, name }: RequestInfo): void {
  const isMisplaced = known.namespaced
    ? namespace === '' && name !== ''
    : namespace !== '' && known.resource !== 'namespaces';
  if (isMisplaced) {
    throw unknownPath();
  }
  if (known.namespaced && namespace === '' && verb === 'create') {
    throw methodNotSupported(known, verb);
  }
}
