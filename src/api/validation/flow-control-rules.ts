import { dnsLabelProblems, dnsSubdomainProblems } from '../names.ts';
import type {
  FlowSchema,
  FlowSchemaSpec,
  LimitResponse,
  NonResourcePolicyRule,
  PolicyRulesWithSubjects,
  PriorityLevelConfiguration,
  PriorityLevelConfigurationSpec,
  QueuingConfiguration,
  ResourcePolicyRule,
  Subject,
} from '../types/flowcontrol.v1.ts';
import type { KindRules } from './kind-rules.ts';
import type { Problems } from './problems.ts';

const PRECEDENCE_MAX = 10_000;
const QUEUES_MAX = 10_000_000;
/** Bits of the hash that a hand is dealt with. */
const HASH_BITS = 60;
const VERBS = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'proxy', 'update', 'watch'];

export const FLOW_SCHEMA_RULES: KindRules<FlowSchema> = {
  check(problems, { metadata, spec, status }) {
    checkSchema(problems, metadata.name, spec);
    checkConditionTypes(problems, status.conditions);
  },
  onStatusUpdate(problems, { status }) {
    checkConditionTypes(problems, status.conditions);
  },
};

function checkSchema(problems: Problems, name: string, spec: FlowSchemaSpec): void {
  const { matchingPrecedence, distinguisherMethod, priorityLevelConfiguration: level } = spec;
  const path = 'spec.matchingPrecedence';
  if (matchingPrecedence <= 0) {
    problems.invalid(path, matchingPrecedence, 'must be a positive value');
  }
  if (matchingPrecedence > PRECEDENCE_MAX) {
    problems.invalid(path, matchingPrecedence, `must not be greater than ${PRECEDENCE_MAX}`);
  }
  if (matchingPrecedence === 1 && name !== 'exempt') {
    problems.invalid(
      path,
      matchingPrecedence,
      "only the schema named 'exempt' may have matchingPrecedence 1",
    );
  }
  if (distinguisherMethod !== undefined && !METHODS.includes(distinguisherMethod.type)) {
    problems.notOneOf('spec.distinguisherMethod.type', distinguisherMethod, METHODS);
  }
  if (level.name === '') {
    problems.required('spec.priorityLevelConfiguration.name', 'must reference a priority level');
  } else {
    problems.names('spec.priorityLevelConfiguration.name', level.name, dnsSubdomainProblems(level.name));
  }
  for (const [index, rule] of (spec.rules ?? []).entries()) {
    checkRules(problems, `spec.rules[${index}]`, rule);
  }
}

const METHODS = ['ByNamespace', 'ByUser'];

function checkRules(problems: Problems, path: string, rules: PolicyRulesWithSubjects): void {
  const { subjects, resourceRules = [], nonResourceRules = [] } = rules;
  if (subjects.length === 0) {
    problems.required(`${path}.subjects`, 'subjects must contain at least one value');
  }
  for (const [index, subject] of subjects.entries()) {
    checkSubject(problems, `${path}.subjects[${index}]`, subject);
  }
  if (resourceRules.length === 0 && nonResourceRules.length === 0) {
    problems.required(path, 'at least one of resourceRules and nonResourceRules has to be non-empty');
  }
  for (const [index, rule] of resourceRules.entries()) {
    checkResourceRule(problems, `${path}.resourceRules[${index}]`, rule);
  }
  for (const [index, rule] of nonResourceRules.entries()) {
    checkUrlRule(problems, `${path}.nonResourceRules[${index}]`, rule);
  }
}

const SUBJECTS = { Group: 'group', ServiceAccount: 'serviceAccount', User: 'user' } as const;

function checkSubject(problems: Problems, path: string, subject: Subject): void {
  const { kind, user, group, serviceAccount } = subject;
  switch (kind) {
    case 'ServiceAccount':
      checkAccount(problems, `${path}.serviceAccount`, serviceAccount);
      break;
    case 'User':
    case 'Group': {
      const field = SUBJECTS[kind];
      const named = kind === 'User' ? user : group;
      if (named === undefined) {
        problems.required(`${path}.${field}`, `${field} is required when subject kind is '${kind}'`);
      } else {
        problems.requiredText(`${path}.${field}.name`, named.name);
      }
      break;
    }
    default:
      problems.oneOf(`${path}.kind`, kind, Object.keys(SUBJECTS));
      return;
  }
  const values = { serviceAccount, user, group };
  for (const [other, field] of [
    ['ServiceAccount', 'serviceAccount'],
    ['User', 'user'],
    ['Group', 'group'],
  ] as const) {
    if (other !== kind && values[field] !== undefined) {
      problems.forbidden(`${path}.${field}`, `${field} is forbidden when subject kind is not '${other}'`);
    }
  }
}

function checkAccount(problems: Problems, path: string, account: Subject['serviceAccount']): void {
  if (account === undefined) {
    problems.required(path, "serviceAccount is required when subject kind is 'ServiceAccount'");
    return;
  }
  const { name, namespace } = account;
  if (name === '') {
    problems.required(`${path}.name`);
  } else if (name !== '*') {
    problems.names(`${path}.name`, name, dnsSubdomainProblems(name));
  }
  if (namespace === '') {
    problems.required(`${path}.namespace`, 'must specify namespace for service account');
  } else {
    problems.names(`${path}.namespace`, namespace, dnsLabelProblems(namespace));
  }
}

function checkVerbs(problems: Problems, path: string, verbs: readonly string[]): void {
  if (verbs.length === 0) {
    problems.required(path, 'verbs must contain at least one value');
  } else if (verbs.includes('*')) {
    checkAlone(problems, path, verbs, 'verbs');
  } else if (!verbs.every((verb) => VERBS.includes(verb))) {
    problems.notOneOf(path, verbs, VERBS);
  }
}

/** A wildcard stands alone. */
function checkAlone(problems: Problems, path: string, values: readonly string[], what: string): void {
  if (values.length > 1 && values.includes('*')) {
    problems.invalid(path, values, `if '*' is present, must not specify other ${what}`);
  }
}

function checkResourceRule(problems: Problems, path: string, rule: ResourcePolicyRule): void {
  const { verbs, apiGroups, resources, clusterScope } = rule;
  const namespaces = rule.namespaces ?? [];
  checkVerbs(problems, `${path}.verbs`, verbs);
  if (apiGroups.length === 0) {
    problems.required(`${path}.apiGroups`, 'resource rules must supply at least one api group');
  }
  checkAlone(problems, `${path}.apiGroups`, apiGroups, 'api groups');
  if (resources.length === 0) {
    problems.required(`${path}.resources`, 'resource rules must supply at least one resource');
  }
  checkAlone(problems, `${path}.resources`, resources, 'resources');
  if (namespaces.length === 0 && clusterScope !== true) {
    problems.required(
      `${path}.namespaces`,
      'resource rules that are not cluster scoped must supply at least one namespace',
    );
  } else if (namespaces.includes('*')) {
    checkAlone(problems, `${path}.namespaces`, namespaces, 'namespaces');
  } else {
    for (const [index, namespace] of namespaces.entries()) {
      for (const problem of dnsLabelProblems(namespace)) {
        problems.invalid(
          `${path}.namespaces[${index}]`,
          namespace,
          `each member of this list must be '*' or a DNS-1123 label; ${problem}`,
        );
      }
    }
  }
}

function checkUrlRule(
  problems: Problems,
  path: string,
  { verbs, nonResourceURLs }: NonResourcePolicyRule,
): void {
  checkVerbs(problems, `${path}.verbs`, verbs);
  const at = `${path}.nonResourceURLs`;
  if (nonResourceURLs.length === 0) {
    problems.required(at, 'nonResourceURLs must contain at least one value');
  } else if (nonResourceURLs.includes('*')) {
    checkAlone(problems, at, nonResourceURLs, 'non-resource URLs');
  } else {
    for (const [index, url] of nonResourceURLs.entries()) {
      const problem = urlProblem(url);
      if (problem !== undefined) {
        problems.invalid(`${at}[${index}]`, url, problem);
      }
    }
  }
}

function urlProblem(url: string): string | undefined {
  if (url === '') {
    return 'must not be empty';
  }
  if (url === '/') {
    return undefined;
  }
  if (!url.startsWith('/')) {
    return 'must start with slash';
  }
  if (url.includes(' ')) {
    return 'must not contain white-space';
  }
  if (url.includes('//')) {
    return 'must not contain double slash';
  }
  const stars = url.split('*').length - 1;
  return stars > 1 || (stars === 1 && !url.endsWith('/*'))
    ? 'wildcard can only do suffix matching'
    : undefined;
}

function checkConditionTypes(
  problems: Problems,
  conditions: readonly { readonly type?: string }[] | undefined,
): void {
  const seen = new Set<string>();
  for (const [index, { type = '' }] of (conditions ?? []).entries()) {
    const at = `status.conditions[${index}].type`;
    if (seen.has(type)) {
      problems.duplicate(at, type);
    }
    seen.add(type);
    problems.requiredText(at, type, 'must not be empty');
  }
}

export const PRIORITY_LEVEL_RULES: KindRules<PriorityLevelConfiguration> = {
  check(problems, { metadata, spec, status }) {
    checkLevel(problems, metadata.name, spec);
    checkConditionTypes(problems, status.conditions);
  },
  onStatusUpdate(problems, { status }) {
    checkConditionTypes(problems, status.conditions);
  },
};

function checkLevel(problems: Problems, name: string, spec: PriorityLevelConfigurationSpec): void {
  const { type, limited, exempt } = spec;
  if ((name === 'exempt') !== (type === 'Exempt')) {
    problems.invalid('spec.type', type, "type must be 'Exempt' if and only if name is 'exempt'");
  }
  if (type === 'Exempt') {
    if (limited !== undefined) {
      problems.forbidden('spec.limited', 'must be nil if the type is not Limited');
    }
    const shares = exempt?.nominalConcurrencyShares;
    if (shares !== undefined && shares < 0) {
      problems.invalid('spec.exempt.nominalConcurrencyShares', shares, 'must be a non-negative integer');
    }
    problems.upTo('spec.exempt.lendablePercent', exempt?.lendablePercent, 100);
  } else if (type === 'Limited') {
    if (exempt !== undefined) {
      problems.forbidden('spec.exempt', 'must be nil if the type is Limited');
    }
    if (limited === undefined) {
      problems.required('spec.limited', 'must not be empty when type is Limited');
    } else {
      checkLimited(problems, limited);
    }
  } else {
    problems.oneOf('spec.type', type, ['Exempt', 'Limited']);
  }
}

function checkLimited(
  problems: Problems,
  limited: NonNullable<PriorityLevelConfigurationSpec['limited']>,
): void {
  const {
    nominalConcurrencyShares: shares = 0,
    limitResponse,
    lendablePercent,
    borrowingLimitPercent,
  } = limited;
  // Nothing at all is a choice too; it stops a level.
  if (shares < 0) {
    problems.invalid('spec.limited.nominalConcurrencyShares', shares, 'must be a non-negative integer');
  }
  checkResponse(problems, 'spec.limited.limitResponse', limitResponse);
  problems.upTo('spec.limited.lendablePercent', lendablePercent, 100);
  if (borrowingLimitPercent !== undefined && borrowingLimitPercent < 0) {
    problems.invalid(
      'spec.limited.borrowingLimitPercent',
      borrowingLimitPercent,
      'if specified, must be a non-negative integer',
    );
  }
}

function checkResponse(problems: Problems, path: string, { type, queuing }: LimitResponse): void {
  if (type === 'Reject') {
    if (queuing !== undefined) {
      problems.forbidden(`${path}.queuing`, 'must be nil if limited.limitResponse.type is not Limited');
    }
  } else if (type !== 'Queue') {
    problems.oneOf(`${path}.type`, type, ['Queue', 'Reject']);
  } else if (queuing === undefined) {
    problems.required(`${path}.queuing`, 'must not be empty if limited.limitResponse.type is Limited');
  } else {
    checkQueuing(problems, `${path}.queuing`, queuing);
  }
}

function checkQueuing(
  problems: Problems,
  path: string,
  { queueLengthLimit, queues, handSize }: QueuingConfiguration,
): void {
  if (queueLengthLimit <= 0) {
    problems.invalid(`${path}.queueLengthLimit`, queueLengthLimit, 'must be positive');
  }
  if (queues <= 0) {
    problems.invalid(`${path}.queues`, queues, 'must be positive');
  } else if (queues > QUEUES_MAX) {
    problems.invalid(`${path}.queues`, queues, `must not be greater than ${QUEUES_MAX}`);
  }
  if (handSize <= 0) {
    problems.invalid(`${path}.handSize`, handSize, 'must be positive');
  } else if (handSize > queues) {
    problems.invalid(`${path}.handSize`, handSize, `should not be greater than queues (${queues})`);
  } else if (entropyBits(queues, handSize) > HASH_BITS) {
    problems.invalid(
      `${path}.handSize`,
      handSize,
      `required entropy bits of deckSize ${queues} and handSize ${handSize} should not be greater than ${HASH_BITS}`,
    );
  }
}

/** Bits it takes to tell every way of drawing a hand apart. */
function entropyBits(queues: number, handSize: number): number {
  return Math.ceil(Math.log2(queues) * handSize);
}
