import { jsonEqual } from '#base/json-equal.ts';
import {
  dns1035LabelProblems,
  dnsSubdomainProblems,
  pathSegmentProblems,
  qualifiedNameProblems,
} from '../names.ts';
import type {
  AuditAnnotation,
  MatchResources,
  MutatingAdmissionPolicy,
  MutatingAdmissionPolicyBinding,
  Mutation,
  ParamKind,
  ParamRef,
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicyBinding,
  ValidatingAdmissionPolicySpec,
  Validation,
  Variable,
} from '../types/admissionregistration.v1.ts';
import {
  checkMatchConditions,
  checkMatchResources,
  FAILURE_POLICIES,
  REINVOCATION_POLICIES,
  reportExpression,
} from './admission-match-rules.ts';
import type { ExpressionCheck, ExpressionChecker } from './expression-check.ts';
import type { KindRules } from './kind-rules.ts';
import { checkLabelSelector } from './label-selector-rules.ts';
import type { Problems } from './problems.ts';

const ANNOTATIONS_MAX = 20;
const VALUE_EXPRESSION_BYTES_MAX = 5 * 1024;
const REASONS = ['Forbidden', 'Invalid', 'RequestEntityTooLarge'];
const ACTIONS = ['Audit', 'Deny', 'Warn'];
const PATCH_TYPES = ['ApplyConfiguration', 'JSONPatch'];
/** A deletion has no object to change. */
const MUTABLE_OPERATIONS = ['*', 'CONNECT', 'CREATE', 'UPDATE'];

/** @param checker compiles expressions */
export function validatingPolicyRules(checker: ExpressionChecker): KindRules<ValidatingAdmissionPolicy> {
  return {
    onCreate: (problems, policy) => checkValidatingPolicy(problems, policy, { checker }),
    onUpdate: (problems, policy, previous) =>
      checkValidatingPolicy(problems, policy, { checker, previous: previous.spec }),
    onStatusUpdate: (problems, { status }) => {
      for (const [index, each] of (status.typeChecking?.expressionWarnings ?? []).entries()) {
        const at = `status.typeChecking.expressionWarnings[${index}]`;
        problems.requiredText(`${at}.warning`, each.warning);
        problems.requiredText(`${at}.fieldRef`, each.fieldRef.trim());
      }
    },
  };
}

/** @param checker compiles expressions */
export function mutatingPolicyRules(checker: ExpressionChecker): KindRules<MutatingAdmissionPolicy> {
  return {
    onCreate: (problems, policy) => checkMutatingPolicy(problems, policy, { checker }),
    onUpdate: (problems, policy, previous) =>
      checkMutatingPolicy(problems, policy, { checker, previous: previous.spec }),
  };
}

export const VALIDATING_BINDING_RULES: KindRules<ValidatingAdmissionPolicyBinding> = {
  check(problems, { spec }) {
    checkBinding(problems, spec);
    checkActions(problems, 'spec.validationActions', spec.validationActions);
  },
};

export const MUTATING_BINDING_RULES: KindRules<MutatingAdmissionPolicyBinding> = {
  check(problems, { spec }) {
    checkBinding(problems, spec);
    checkOperations(problems, 'spec.matchResources.resourceRules.operations', spec.matchResources);
  },
};

type AnySpec = Pick<
  ValidatingAdmissionPolicySpec,
  'failurePolicy' | 'paramKind' | 'matchConstraints' | 'matchConditions' | 'variables'
>;

interface Options {
  readonly checker: ExpressionChecker;
  readonly previous?: AnySpec;
}

function checkValidatingPolicy(
  problems: Problems,
  { metadata, spec }: ValidatingAdmissionPolicy,
  options: Options,
): void {
  const expressions = options.checker({ hasParams: spec.paramKind !== undefined });
  checkCommon(problems, spec, expressions, options);
  const { validations = [], auditAnnotations = [] } = spec;
  if (validations.length === 0 && auditAnnotations.length === 0) {
    const detail = 'validations or auditAnnotations must contain at least one item';
    problems.required('spec.validations', detail);
    problems.required('spec.auditAnnotations', detail);
  }
  for (const [index, validation] of validations.entries()) {
    checkValidation(problems, `spec.validations[${index}]`, validation, expressions);
  }
  if (auditAnnotations.length > ANNOTATIONS_MAX) {
    problems.invalid(
      'spec.auditAnnotations',
      auditAnnotations,
      `must not have more than ${ANNOTATIONS_MAX} auditAnnotations`,
    );
  }
  const keys = new Set<string>();
  for (const [index, annotation] of auditAnnotations.entries()) {
    const at = `spec.auditAnnotations[${index}]`;
    checkAnnotation(problems, at, annotation, { policy: metadata.name, expressions });
    if (keys.has(annotation.key)) {
      problems.duplicate(`${at}.key`, annotation.key);
    }
    keys.add(annotation.key);
  }
}

function checkMutatingPolicy(problems: Problems, { spec }: MutatingAdmissionPolicy, options: Options): void {
  const expressions = options.checker({ hasParams: spec.paramKind !== undefined });
  checkCommon(problems, spec, expressions, { ...options, isMutating: true });
  const { mutations = [], reinvocationPolicy } = spec;
  if (mutations.length === 0) {
    problems.required('spec.mutations', 'mutations must contain at least one item');
  }
  for (const [index, mutation] of mutations.entries()) {
    checkMutation(problems, `spec.mutations[${index}]`, mutation, expressions);
  }
  problems.requiredOneOf('spec.reinvocationPolicy', reinvocationPolicy, REINVOCATION_POLICIES);
}

function checkCommon(
  problems: Problems,
  spec: AnySpec,
  expressions: ExpressionCheck,
  { previous, isMutating = false }: Options & { readonly isMutating?: boolean },
): void {
  const { failurePolicy, paramKind, matchConstraints, matchConditions, variables = [] } = spec;
  problems.requiredOneOf('spec.failurePolicy', failurePolicy, FAILURE_POLICIES);
  if (paramKind !== undefined) {
    checkParamKind(problems, 'spec.paramKind', paramKind);
  }
  if (matchConstraints === undefined) {
    problems.required('spec.matchConstraints');
  } else {
    checkMatchResources(problems, 'spec.matchConstraints', matchConstraints);
    if ((matchConstraints.resourceRules ?? []).length === 0) {
      problems.required('spec.matchConstraints.resourceRules');
    }
    if (isMutating) {
      checkOperations(problems, 'spec.matchConstraints.resourceRules.operations', matchConstraints);
    }
  }
  const isSame =
    previous !== undefined &&
    jsonEqual([paramKind, matchConditions], [previous.paramKind, previous.matchConditions]);
  if (!isSame) {
    checkMatchConditions(problems, 'spec.matchConditions', matchConditions, expressions);
  }
  for (const [index, variable] of variables.entries()) {
    checkVariable(problems, `spec.variables[${index}]`, variable, expressions);
  }
}

function checkOperations(problems: Problems, path: string, resources: MatchResources | undefined): void {
  for (const { operations = [] } of resources?.resourceRules ?? []) {
    for (const operation of operations) {
      problems.oneOf(path, operation, MUTABLE_OPERATIONS);
    }
  }
}

function checkParamKind(problems: Problems, path: string, { apiVersion = '', kind = '' }: ParamKind): void {
  const parts = apiVersion === '/' ? ['', ''] : apiVersion.split('/');
  if (apiVersion === '') {
    problems.required(`${path}.apiVersion`);
  } else if (parts.length > 2) {
    problems.invalid(`${path}.apiVersion`, apiVersion, `unexpected GroupVersion string: ${apiVersion}`);
  } else {
    const [group = '', version = ''] = parts.length === 1 ? ['', ...parts] : parts;
    const wrongGroup = group === '' ? [] : dnsSubdomainProblems(group);
    if (wrongGroup.length > 0) {
      problems.invalid(`${path}.apiVersion`, group, wrongGroup.join(','));
    }
    const wrongVersion = dns1035LabelProblems(version);
    if (version === '') {
      problems.invalid(`${path}.apiVersion`, apiVersion, 'version must be specified');
    } else if (wrongVersion.length > 0) {
      problems.invalid(`${path}.apiVersion`, version, wrongVersion.join(','));
    }
  }
  const wrongKind = dns1035LabelProblems(kind.toLowerCase());
  if (kind === '') {
    problems.required(`${path}.kind`);
  } else if (wrongKind.length > 0) {
    problems.invalid(
      `${path}.kind`,
      kind,
      `may have mixed case, but should otherwise match: ${wrongKind.join(',')}`,
    );
  }
}

const RESERVED: ReadonlySet<string> = new Set(
  'true false null in as break const continue else for function if import let loop package namespace return var void while'.split(
    ' ',
  ),
);

function checkVariable(
  problems: Problems,
  at: string,
  { name, expression }: Variable,
  expressions: ExpressionCheck,
): void {
  if (name.trim() === '') {
    problems.required(`${at}.name`, 'name is not specified');
  } else if (!/^[_a-zA-Z][_a-zA-Z0-9]*$/.test(name) || RESERVED.has(name)) {
    problems.invalid(`${at}.name`, name, 'must be a valid CEL identifier');
  }
  if (expression.trim() === '') {
    problems.required(`${at}.expression`, 'expression is not specified');
  } else {
    reportExpression(problems, `${at}.expression`, expression, expressions.variable(name, expression));
  }
}

function checkValidation(
  problems: Problems,
  at: string,
  { expression, message = '', messageExpression = '', reason }: Validation,
  expressions: ExpressionCheck,
): void {
  if (expression.trim() === '') {
    problems.required(`${at}.expression`, 'expression is not specified');
  } else {
    reportExpression(problems, `${at}.expression`, expression, expressions.validation(expression));
  }
  const path = `${at}.messageExpression`;
  if (messageExpression !== '' && messageExpression.trim() === '') {
    problems.invalid(path, messageExpression, 'must be non-empty if specified');
  } else if (messageExpression !== '') {
    reportExpression(problems, path, messageExpression, expressions.message(messageExpression));
  }
  if (message !== '' && message.trim() === '') {
    problems.invalid(`${at}.message`, message, 'must be non-empty if specified');
  } else if (/[\n\r]/.test(message.trim())) {
    problems.invalid(`${at}.message`, message, 'must not contain line breaks');
  }
  if (reason !== undefined) {
    problems.oneOf(`${at}.reason`, reason, REASONS);
  }
}

function checkAnnotation(
  problems: Problems,
  at: string,
  { key, valueExpression }: AuditAnnotation,
  { policy, expressions }: { readonly policy: string; readonly expressions: ExpressionCheck },
): void {
  if (policy === '') {
    problems.invalid(`${at}.key`, key, 'requires metadata.name be non-empty');
  } else {
    const qualified = `${policy}/${key}`;
    problems.names(`${at}.key`, qualified, qualifiedNameProblems(qualified));
  }
  const path = `${at}.valueExpression`;
  const trimmed = valueExpression.trim();
  if (trimmed === '') {
    problems.required(path, 'valueExpression is not specified');
  } else if (Buffer.byteLength(trimmed) > VALUE_EXPRESSION_BYTES_MAX) {
    problems.required(path, `must not exceed ${VALUE_EXPRESSION_BYTES_MAX} bytes in length`);
  } else {
    reportExpression(problems, path, valueExpression, expressions.annotation(trimmed));
  }
}

function checkMutation(
  problems: Problems,
  at: string,
  { patchType, jsonPatch, applyConfiguration }: Mutation,
  expressions: ExpressionCheck,
): void {
  problems.requiredOneOf(`${at}.patchType`, patchType, PATCH_TYPES);
  const patches = {
    JSONPatch: { field: 'jsonPatch', patch: jsonPatch, other: applyConfiguration },
    ApplyConfiguration: { field: 'applyConfiguration', patch: applyConfiguration, other: jsonPatch },
  } as const;
  if (patchType !== 'JSONPatch' && patchType !== 'ApplyConfiguration') {
    return;
  }
  const { field, patch, other } = patches[patchType];
  const expression = (patch?.expression ?? '').trim();
  if (patch === undefined) {
    problems.required(`${at}.${field}`, `must be specified when patchType is ${patchType}`);
  } else if (expression === '') {
    problems.required(`${at}.${field}.expression`);
  } else {
    reportExpression(problems, `${at}.${field}.expression`, expression, expressions[field](expression));
  }
  if (other !== undefined) {
    const wrong = field === 'jsonPatch' ? 'applyConfiguration' : 'jsonPatch';
    problems.invalid(`${at}.${wrong}`, `{${wrong}}`, `must not be specified when patchType is ${patchType}`);
  }
}

function checkBinding(
  problems: Problems,
  {
    policyName,
    paramRef,
    matchResources,
  }: { readonly policyName?: string; readonly paramRef?: ParamRef; readonly matchResources?: MatchResources },
): void {
  problems.requiredName('spec.policyName', policyName, dnsSubdomainProblems);
  if (paramRef !== undefined) {
    checkParamRef(problems, 'spec.paramRef', paramRef);
  }
  if (matchResources !== undefined) {
    checkMatchResources(problems, 'spec.matchResources', matchResources);
  }
}

function checkParamRef(problems: Problems, path: string, reference: ParamRef): void {
  const { name = '', selector, parameterNotFoundAction: action } = reference;
  const exclusive = 'name and selector are mutually exclusive';
  if (name !== '') {
    problems.names(`${path}.name`, name, pathSegmentProblems(name));
    if (selector !== undefined) {
      problems.forbidden(`${path}.name`, exclusive);
    }
  }
  if (selector !== undefined) {
    checkLabelSelector(problems, `${path}.selector`, selector);
    if (name !== '') {
      problems.forbidden(`${path}.selector`, exclusive);
    }
  }
  if (name === '' && selector === undefined) {
    problems.required(path, 'one of name or selector must be specified');
  }
  problems.requiredOneOf(`${path}.parameterNotFoundAction`, action, ['Deny', 'Allow']);
}

function checkActions(problems: Problems, path: string, actions: readonly string[]): void {
  for (const [index, action] of actions.entries()) {
    problems.oneOf(`${path}[${index}]`, action, ACTIONS);
    if (actions.indexOf(action) !== index) {
      problems.duplicate(`${path}[${index}]`, action);
    }
  }
  if (actions.includes('Deny') && actions.includes('Warn')) {
    problems.invalid(
      path,
      actions,
      'must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)',
    );
  }
  if (actions.length === 0) {
    problems.required(path, 'at least one validation action is required');
  }
}
