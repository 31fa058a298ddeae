import { JSON_PATCH } from '#cel/library/format.ts';
import { AUTHORIZER_TYPE, RESOURCE_CHECK_TYPE } from '#cel/library/authorizer.ts';
import { schemaVariable, type Environment, type Variable } from '#cel/environment.ts';
import { kubernetesEnvironment } from '#cel/kubernetes-environment.ts';
import { adaptUntyped, type Schema } from '#cel/schema.ts';
import { DYN } from '#cel/types.ts';
import { patchShape } from './patch-values.ts';
import { QUANTITIES } from '../../expressions/kubernetes-expressions.ts';

/** Which of the variables that are not everywhere an expression may name. */
export interface VariableChoice {
  readonly hasParams: boolean;
  readonly hasAuthorizer: boolean;
  /** `Object{}` and `JSONPatch{}`, which only mutations make. */
  readonly hasPatchTypes?: boolean;
}

const TEXT: Schema = { kind: 'string' };
const TEXTS: Schema = { kind: 'list', items: TEXT };
const TEXT_MAP: Schema = { kind: 'map', values: TEXT };
const TIME: Schema = { kind: 'date-time' };

function object(name: string, fields: Readonly<Record<string, Schema>>): Schema {
  return {
    kind: 'object',
    name,
    fields: Object.fromEntries(Object.entries(fields).map(([field, schema]) => [field, { schema }])),
  };
}

const KIND = object('kubernetes.GroupVersionKind', { group: TEXT, version: TEXT, kind: TEXT });
const RESOURCE = object('kubernetes.GroupVersionResource', { group: TEXT, version: TEXT, resource: TEXT });

/** The variable `request`: a review's request without its objects. */
export const REQUEST_SCHEMA: Schema = object('kubernetes.AdmissionRequest', {
  kind: KIND,
  resource: RESOURCE,
  subResource: TEXT,
  requestKind: KIND,
  requestResource: RESOURCE,
  requestSubResource: TEXT,
  name: TEXT,
  namespace: TEXT,
  operation: TEXT,
  userInfo: object('kubernetes.UserInfo', {
    username: TEXT,
    uid: TEXT,
    groups: TEXTS,
    extra: { kind: 'map', values: TEXTS },
  }),
  dryRun: { kind: 'bool' },
  options: { kind: 'dyn' },
});

/** The variable `namespaceObject`; null for objects of the cluster. */
export const NAMESPACE_SCHEMA: Schema = {
  ...object('kubernetes.Namespace', {
    metadata: object('kubernetes.NamespaceMetadata', {
      name: TEXT,
      generateName: TEXT,
      namespace: TEXT,
      labels: TEXT_MAP,
      annotations: TEXT_MAP,
      UID: TEXT,
      creationTimestamp: TIME,
      deletionGracePeriodSeconds: { kind: 'int' },
      deletionTimestamp: TIME,
      generation: { kind: 'int' },
      resourceVersion: TEXT,
      finalizers: TEXTS,
    }),
    spec: object('kubernetes.NamespaceSpec', { finalizers: TEXTS }),
    status: object('kubernetes.NamespaceStatus', {
      conditions: {
        kind: 'list',
        items: object('kubernetes.NamespaceCondition', {
          status: TEXT,
          type: TEXT,
          lastTransitionTime: TIME,
          message: TEXT,
          reason: TEXT,
        }),
      },
      phase: TEXT,
    }),
  }),
  nullable: true,
};

/** A variable of whatever JSON the host gives. */
export function untypedVariable(name: string): Variable {
  return { name, type: DYN, adapt: adaptUntyped };
}

const AUTHORIZER_VARIABLES: readonly Variable[] = [
  { name: 'authorizer', type: AUTHORIZER_TYPE },
  { name: 'authorizer.requestResource', type: RESOURCE_CHECK_TYPE },
];

const REQUEST_VARIABLES: readonly Variable[] = [
  schemaVariable('request', REQUEST_SCHEMA),
  schemaVariable('namespaceObject', NAMESPACE_SCHEMA),
];

const OBJECTS: readonly Variable[] = [untypedVariable('object'), untypedVariable('oldObject')];

const environments = new Map<string, Environment>();

/**
 * What an expression of a policy or of match conditions may name.
 *
 * @param objects how `object` and `oldObject` (and `params`) are declared; as any JSON when left out
 */
export function admissionEnvironment(choice: VariableChoice, objects?: readonly Variable[]): Environment {
  if (objects !== undefined) {
    return build(choice, objects);
  }
  const key = `${choice.hasParams}/${choice.hasAuthorizer}/${choice.hasPatchTypes === true}`;
  return environments.getOrInsertComputed(key, () =>
    build(choice, choice.hasParams ? [...OBJECTS, untypedVariable('params')] : OBJECTS),
  );
}

function build({ hasAuthorizer, hasPatchTypes }: VariableChoice, objects: readonly Variable[]): Environment {
  const variables = [...REQUEST_VARIABLES, ...objects, ...(hasAuthorizer ? AUTHORIZER_VARIABLES : [])];
  return hasPatchTypes === true
    ? kubernetesEnvironment(QUANTITIES, [JSON_PATCH]).extend(variables).resolving(patchShape)
    : kubernetesEnvironment(QUANTITIES).extend(variables);
}
