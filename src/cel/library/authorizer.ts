import { method } from '../declarations.ts';
import type { Library, Overload } from '../declarations.ts';
import { structType } from '../types.ts';
import type { Type } from '../types.ts';
import { EvaluationError, OpaqueValue } from '../value.ts';
import type { Value } from '../value.ts';

/** What an expression asks: may the user do `verb` to a path or a resource. */
export interface AuthorizationQuestion {
  /** The request's user when undefined. */
  readonly serviceAccount: { readonly namespace: string; readonly name: string } | undefined;
  readonly verb: string;
  readonly path: string | undefined;
  readonly group: string;
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
  readonly fieldSelector: string | undefined;
  readonly labelSelector: string | undefined;
}

export interface AuthorizationAnswer {
  readonly isAllowed: boolean;
  readonly reason: string;
  readonly error: string | undefined;
}

/**
 * Answers in place: expressions do not wait. A host whose authorizer does must ask ahead of time or answer with an
 * error.
 */
export type AuthorizationPort = (question: AuthorizationQuestion) => AuthorizationAnswer;

const PREFIX = 'kubernetes.authorization.';
export const AUTHORIZER_TYPE = structType(`${PREFIX}Authorizer`);
export const RESOURCE_CHECK_TYPE = structType(`${PREFIX}ResourceCheck`);
const PATH_CHECK_TYPE = structType(`${PREFIX}PathCheck`);
const GROUP_CHECK_TYPE = structType(`${PREFIX}GroupCheck`);
const DECISION_TYPE = structType(`${PREFIX}Decision`);

const NOTHING: AuthorizationQuestion = {
  serviceAccount: undefined,
  verb: '',
  path: undefined,
  group: '',
  resource: '',
  subresource: '',
  namespace: '',
  name: '',
  fieldSelector: undefined,
  labelSelector: undefined,
};

/** A question under way; its type says how far it is. */
export class AuthorizationValue extends OpaqueValue {
  readonly type: Type;
  readonly port: AuthorizationPort;
  readonly question: AuthorizationQuestion;

  constructor(type: Type, port: AuthorizationPort, question: AuthorizationQuestion = NOTHING) {
    super();
    this.type = type;
    this.port = port;
    this.question = question;
  }

  /** The same question with more said about it. */
  with(more: Partial<AuthorizationQuestion>, type: Type = this.type): AuthorizationValue {
    return new AuthorizationValue(type, this.port, { ...this.question, ...more });
  }

  equals(other: OpaqueValue): boolean {
    return this === other;
  }
}

class DecisionValue extends OpaqueValue {
  readonly type = DECISION_TYPE;
  readonly answer: AuthorizationAnswer;

  constructor(answer: AuthorizationAnswer) {
    super();
    this.answer = answer;
  }

  equals(other: OpaqueValue): boolean {
    return this === other;
  }
}

/** The value of the variable `authorizer`. */
export function authorizerValue(port: AuthorizationPort): AuthorizationValue {
  return new AuthorizationValue(AUTHORIZER_TYPE, port);
}

/** The value of `authorizer.requestResource`, of the request under admission. */
export function resourceCheckValue(
  port: AuthorizationPort,
  request: Partial<AuthorizationQuestion>,
): AuthorizationValue {
  return new AuthorizationValue(RESOURCE_CHECK_TYPE, port, { ...NOTHING, ...request });
}

const [authorizer, pathCheck, groupCheck, resourceCheck, decision] = [
  AUTHORIZER_TYPE.name,
  PATH_CHECK_TYPE.name,
  GROUP_CHECK_TYPE.name,
  RESOURCE_CHECK_TYPE.name,
  DECISION_TYPE.name,
];

function path(value: AuthorizationValue, text: string): Value {
  return text === ''
    ? new EvaluationError('path must not be empty')
    : value.with({ path: text }, PATH_CHECK_TYPE);
}

function resource(value: AuthorizationValue, name: string): Value {
  return name === ''
    ? new EvaluationError('resource must not be empty')
    : value.with({ resource: name }, RESOURCE_CHECK_TYPE);
}

const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;

function serviceAccount(value: AuthorizationValue, namespace: string, name: string): Value {
  if (name.length > 253 || !SUBDOMAIN.test(name)) {
    return new EvaluationError('Invalid service account name');
  }
  if (namespace.length > 63 || !LABEL.test(namespace)) {
    return new EvaluationError('Invalid service account namespace');
  }
  return value.with({ serviceAccount: { namespace, name } });
}

function check(value: AuthorizationValue, verb: string): DecisionValue {
  return new DecisionValue(value.port({ ...value.question, verb }));
}

type Detail = 'subresource' | 'namespace' | 'name' | 'fieldSelector' | 'labelSelector';

function detail(id: string, name: Detail): Overload {
  return method(
    id,
    `${name}(${resourceCheck}, string): ${resourceCheck}`,
    (value: AuthorizationValue, text: string) => value.with({ [name]: text }),
  );
}

/** Questions to the cluster's authorizer: `authorizer.group('apps').resource('deployments').check('get').allowed()`. */
export const AUTHORIZER: Library = {
  types: [AUTHORIZER_TYPE, PATH_CHECK_TYPE, GROUP_CHECK_TYPE, RESOURCE_CHECK_TYPE, DECISION_TYPE],
  overloads: [
    method('authorizer_path', `path(${authorizer}, string): ${pathCheck}`, path),
    method(
      'authorizer_group',
      `group(${authorizer}, string): ${groupCheck}`,
      (value: AuthorizationValue, group: string) => value.with({ group }, GROUP_CHECK_TYPE),
    ),
    method(
      'authorizer_serviceaccount',
      `serviceAccount(${authorizer}, string, string): ${authorizer}`,
      serviceAccount,
    ),
    method('groupcheck_resource', `resource(${groupCheck}, string): ${resourceCheck}`, resource),
    detail('resourcecheck_subresource', 'subresource'),
    detail('resourcecheck_namespace', 'namespace'),
    detail('resourcecheck_name', 'name'),
    detail('authorizer_fieldselector', 'fieldSelector'),
    detail('authorizer_labelselector', 'labelSelector'),
    method('pathcheck_check', `check(${pathCheck}, string): ${decision}`, check),
    method('resourcecheck_check', `check(${resourceCheck}, string): ${decision}`, check),
    method(
      'decision_errored',
      `errored(${decision}): bool`,
      ({ answer }: DecisionValue) => answer.error !== undefined,
    ),
    method('decision_error', `error(${decision}): string`, ({ answer }: DecisionValue) => answer.error ?? ''),
    method('decision_allowed', `allowed(${decision}): bool`, ({ answer }: DecisionValue) => answer.isAllowed),
    method('decision_reason', `reason(${decision}): string`, ({ answer }: DecisionValue) => answer.reason),
  ],
};
