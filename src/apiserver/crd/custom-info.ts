import type { ResourceInfo, SubresourceInfo } from '#api/resource-table.ts';
import type {
  CustomResourceDefinition,
  CustomResourceDefinitionVersion,
} from '#api/types/apiextensions.v1.ts';

const VERBS: readonly string[] = [
  'create',
  'delete',
  'deletecollection',
  'get',
  'list',
  'patch',
  'update',
  'watch',
];
const SUBRESOURCE_VERBS: readonly string[] = ['get', 'patch', 'update'];

/** How discovery describes one version of a custom resource. */
export function customInfo(
  { spec, status }: CustomResourceDefinition,
  { name: version, subresources }: CustomResourceDefinitionVersion,
): ResourceInfo {
  const { plural, singular, kind, listKind, shortNames = [], categories = [] } = status.acceptedNames;
  const { group } = spec;
  const own: SubresourceInfo = { group, version, kind, verbs: SUBRESOURCE_VERBS };
  const scale: SubresourceInfo = {
    group: 'autoscaling',
    version: 'v1',
    kind: 'Scale',
    verbs: SUBRESOURCE_VERBS,
  };
  const storageVersion = spec.versions.find(({ storage }) => storage)?.name;
  return {
    group,
    version,
    ...(storageVersion === undefined ? {} : { storageVersion }),
    resource: plural,
    kind,
    singular: singular ?? kind.toLowerCase(),
    listKind: listKind ?? `${kind}List`,
    namespaced: spec.scope === 'Namespaced',
    verbs: VERBS,
    shortNames,
    categories,
    subresources: {
      ...(subresources?.status === undefined ? {} : { status: own }),
      ...(subresources?.scale === undefined ? {} : { scale }),
    },
  };
}
