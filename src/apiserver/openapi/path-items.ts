import type { ResourceInfo } from '#api/resource-table.ts';
import { apiVersionOf, type GroupVersionKind } from '#api/resource-type.ts';
import type { SchemaDocument } from './schema-document.ts';

/** Query parameters by what kind of operation takes them. Clients look for some of these to learn what a server can do. */
const WRITE_PARAMETERS = ['pretty', 'dryRun', 'fieldManager', 'fieldValidation'];
const LIST_PARAMETERS = [
  'allowWatchBookmarks',
  'continue',
  'fieldSelector',
  'labelSelector',
  'limit',
  'resourceVersion',
  'resourceVersionMatch',
  'sendInitialEvents',
  'timeoutSeconds',
  'watch',
];
const DELETE_PARAMETERS = ['pretty', 'dryRun', 'gracePeriodSeconds', 'orphanDependents', 'propagationPolicy'];

const INTEGERS: ReadonlySet<string> = new Set(['limit', 'timeoutSeconds', 'gracePeriodSeconds']);
const BOOLEANS: ReadonlySet<string> = new Set([
  'allowWatchBookmarks',
  'sendInitialEvents',
  'watch',
  'orphanDependents',
  'force',
]);

const STRATEGIC_PATCH = 'application/strategic-merge-patch+json';
const PATCH_TYPES = [
  'application/apply-patch+yaml',
  'application/json-patch+json',
  'application/merge-patch+json',
  STRATEGIC_PATCH,
];

interface Operation {
  readonly method: string;
  readonly action: string;
  readonly verb: string;
  readonly parameters: readonly string[];
  readonly body: 'object' | 'patch' | 'options' | undefined;
  readonly isList: boolean;
}

const ITEM_OPERATIONS: readonly Operation[] = [
  { method: 'get', action: 'get', verb: 'get', parameters: ['pretty'], body: undefined, isList: false },
  {
    method: 'put',
    action: 'put',
    verb: 'update',
    parameters: WRITE_PARAMETERS,
    body: 'object',
    isList: false,
  },
  {
    method: 'patch',
    action: 'patch',
    verb: 'patch',
    parameters: [...WRITE_PARAMETERS, 'force'],
    body: 'patch',
    isList: false,
  },
  {
    method: 'delete',
    action: 'delete',
    verb: 'delete',
    parameters: DELETE_PARAMETERS,
    body: 'options',
    isList: false,
  },
  {
    method: 'post',
    action: 'post',
    verb: 'create',
    parameters: WRITE_PARAMETERS,
    body: 'object',
    isList: false,
  },
];

const COLLECTION_OPERATIONS: readonly Operation[] = [
  {
    method: 'get',
    action: 'list',
    verb: 'list',
    parameters: ['pretty', ...LIST_PARAMETERS],
    body: undefined,
    isList: true,
  },
  {
    method: 'post',
    action: 'post',
    verb: 'create',
    parameters: WRITE_PARAMETERS,
    body: 'object',
    isList: false,
  },
  {
    method: 'delete',
    action: 'deletecollection',
    verb: 'deletecollection',
    parameters: [...DELETE_PARAMETERS, ...LIST_PARAMETERS],
    body: 'options',
    isList: false,
  },
];

/** The paths of one resource, with their operations. */
export function pathItems(
  info: ResourceInfo,
  document: SchemaDocument,
): readonly (readonly [path: string, item: object])[] {
  const root = info.group === '' ? `/api/${info.version}` : `/apis/${apiVersionOf(info)}`;
  const collection = info.namespaced
    ? `${root}/namespaces/{namespace}/${info.resource}`
    : `${root}/${info.resource}`;
  const shape = { info, document };
  const paths: (readonly [string, object])[] = [
    [collection, pathItem(shape, COLLECTION_OPERATIONS, info.verbs, info)],
    [
      `${collection}/{name}`,
      pathItem(
        shape,
        ITEM_OPERATIONS.filter(({ method }) => method !== 'post'),
        info.verbs,
        info,
      ),
    ],
  ];
  if (info.namespaced && info.verbs.includes('list')) {
    const all = COLLECTION_OPERATIONS.filter(({ verb }) => verb === 'list');
    paths.push([`${root}/${info.resource}`, pathItem(shape, all, info.verbs, info)]);
  }
  for (const [name, sub] of Object.entries(info.subresources)) {
    const verbs = sub.verbs.includes('connect') ? ['get', 'create'] : sub.verbs;
    paths.push([`${collection}/{name}/${name}`, pathItem(shape, ITEM_OPERATIONS, verbs, sub)]);
  }
  return paths.filter(([, item]) => Object.keys(item).length > 1);
}

interface Shape {
  readonly info: ResourceInfo;
  readonly document: SchemaDocument;
}

function pathItem(
  { info, document }: Shape,
  operations: readonly Operation[],
  verbs: readonly string[],
  kind: GroupVersionKind,
): object {
  const item: Record<string, object> = {
    parameters: info.namespaced
      ? [parameter('namespace', 'path'), parameter('name', 'path')]
      : [parameter('name', 'path')],
  };
  for (const operation of operations) {
    if (verbs.includes(operation.verb)) {
      item[operation.method] = operationObject(operation, kind, document);
    }
  }
  return item;
}

function operationObject(operation: Operation, kind: GroupVersionKind, document: SchemaDocument): object {
  const { group, version } = kind;
  const schema = document.refOfKind(operation.isList ? { ...kind, kind: `${kind.kind}List` } : kind) ?? {
    type: 'string',
  };
  return {
    tags: [group === '' ? `core_${version}` : `${group.split('.')[0]}_${version}`],
    'x-kubernetes-action': operation.action,
    'x-kubernetes-group-version-kind': { group, kind: kind.kind, version },
    parameters: operation.parameters.map((name) => parameter(name, 'query')),
    ...(operation.body === undefined
      ? {}
      : { requestBody: requestBody(operation.body, schema, document.isAdded(kind)) }),
    responses: { 200: { description: 'OK', content: { 'application/json': { schema } } } },
  };
}

function requestBody(body: 'object' | 'patch' | 'options', schema: object, isCustom: boolean): object {
  if (body === 'patch') {
    // Clients read here which patches a resource takes.
    const types = isCustom ? PATCH_TYPES.filter((type) => type !== STRATEGIC_PATCH) : PATCH_TYPES;
    return {
      content: Object.fromEntries(types.map((type) => [type, { schema: { type: 'object' } }])),
      required: true,
    };
  }
  return {
    content: { '*/*': { schema: body === 'object' ? schema : { type: 'object' } } },
    ...(body === 'object' ? { required: true } : {}),
  };
}

function parameter(name: string, where: 'path' | 'query'): object {
  const type = INTEGERS.has(name) ? 'integer' : BOOLEANS.has(name) ? 'boolean' : 'string';
  return {
    name,
    in: where,
    ...(where === 'path' ? { required: true } : {}),
    schema: { type, uniqueItems: true },
  };
}
