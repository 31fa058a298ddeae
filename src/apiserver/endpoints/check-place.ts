import type { ResourceInfo } from '#api/resource-table.ts';
import { methodNotSupported, StatusError, unknownPath } from '#api/status-error.ts';
import type { RequestInfo } from '../request-info.ts';

/**
 * A cluster-scoped resource below a namespace, or the other way round, is nowhere; creating needs the namespace.
 * What changes one object needs its name, and a new object's name is not in the path.
 *
 * @throws {StatusError} NotFound, MethodNotAllowed
 */
export function checkPlace(known: ResourceInfo, info: RequestInfo): void {
  const { verb, namespace, name, subresource } = info;
  // A list of all namespaces may be for one name.
  const isOne = name !== '' && verb !== 'list' && verb !== 'watch';
  const isMisplaced = known.namespaced
    ? namespace === '' && isOne
    : namespace !== '' && known.resource !== 'namespaces';
  if (isMisplaced) {
    throw unknownPath();
  }
  if (known.namespaced && namespace === '' && verb === 'create') {
    throw methodNotSupported(known, verb);
  }
  const isNamed = name !== '';
  const needsName = verb === 'update' || verb === 'patch';
  if ((needsName && !isNamed) || (verb === 'create' && isNamed && subresource === '')) {
    throw new StatusError({
      code: 405,
      reason: 'MethodNotAllowed',
      message: 'the server does not allow this method on the requested resource',
    });
  }
}
