import { type NameProblems, qualifiedNameProblems } from '../names.ts';
import { type Quantity, compareQuantities, formatQuantity, parseQuantity } from '../quantity.ts';
import type {
  LimitRange,
  LimitRangeItem,
  ResourceList,
  ResourceQuota,
  ResourceQuotaSpec,
  ScopedResourceSelectorRequirement,
} from '../types/core.v1.ts';
import type { KindRules } from './kind-rules.ts';
import type { Problems } from './problems.ts';
import {
  containerResourceNameProblems,
  isOvercommitAllowed,
  isStandardQuotaResource,
  quotaResourceNameProblems,
  resourceNameProblems,
} from './resource-names.ts';
import { checkEntry } from './resource-rules.ts';

const SCOPES: ReadonlySet<string> = new Set([
  'BestEffort',
  'CrossNamespacePodAffinity',
  'NotBestEffort',
  'NotTerminating',
  'PriorityClass',
  'Terminating',
  'VolumeAttributesClass',
]);
/** Scopes that a pod has or has not; nothing to compare. */
const PLAIN_SCOPES: ReadonlySet<string> = new Set([
  'BestEffort',
  'NotBestEffort',
  'Terminating',
  'NotTerminating',
  'CrossNamespacePodAffinity',
]);
const OPPOSITES = [
  ['BestEffort', 'NotBestEffort'],
  ['Terminating', 'NotTerminating'],
] as const;
const POD_COMPUTE: ReadonlySet<string> = new Set([
  'cpu',
  'memory',
  'limits.cpu',
  'limits.memory',
  'requests.cpu',
  'requests.memory',
]);

export const QUOTA_RULES: KindRules<ResourceQuota> = {
  onCreate(problems, { spec, status }) {
    checkQuota(problems, spec);
    checkAmounts(problems, 'status.hard', status.hard);
    checkAmounts(problems, 'status.used', status.used);
  },
  onUpdate(problems, next, previous) {
    checkQuota(problems, next.spec);
    const [after, before] = [new Set(next.spec.scopes), new Set(previous.spec.scopes)];
    if (after.symmetricDifference(before).size > 0) {
      problems.invalid('spec.scopes', next.spec.scopes, 'field is immutable');
    }
  },
  onStatusUpdate(problems, { status }) {
    checkAmounts(problems, 'status.hard', status.hard);
    checkAmounts(problems, 'status.used', status.used);
  },
};

function checkAmounts(problems: Problems, path: string, list: ResourceList | undefined): void {
  for (const [name, amount] of Object.entries(list ?? {})) {
    checkEntry(problems, path, { name, amount }, quotaResourceNameProblems);
  }
}

function checkQuota(problems: Problems, spec: ResourceQuotaSpec): void {
  checkAmounts(problems, 'spec.hard', spec.hard);
  const bounded = Object.keys(spec.hard ?? {})
    .toSorted()
    .filter(isStandardQuotaResource);
  const scopes = spec.scopes ?? [];
  for (const scope of scopes) {
    if (!SCOPES.has(scope)) {
      problems.invalid('spec.scopes', scopes, 'unsupported scope');
    }
    for (const name of bounded) {
      if (!appliesTo(scope, name)) {
        problems.invalid('spec.scopes', scopes, 'unsupported scope applied to resource');
      }
    }
  }
  checkOpposites(problems, 'spec.scopes', scopes, scopes);
  if (spec.scopeSelector !== undefined) {
    checkScopeSelector(problems, spec, bounded);
  }
}

function checkOpposites(
  problems: Problems,
  path: string,
  scopes: readonly string[],
  shown: readonly string[] | undefined,
): void {
  for (const [one, other] of OPPOSITES) {
    if (scopes.includes(one) && scopes.includes(other)) {
      problems.invalid(path, shown, 'conflicting scopes');
    }
  }
}

/** Whether a scope says anything of a resource. */
function appliesTo(scope: string, name: string): boolean {
  switch (scope) {
    case 'BestEffort':
      return name === 'pods';
    case 'Terminating':
    case 'NotTerminating':
    case 'NotBestEffort':
    case 'PriorityClass':
    case 'CrossNamespacePodAffinity':
      return name === 'pods' || POD_COMPUTE.has(name);
    case 'VolumeAttributesClass':
      return name === 'persistentvolumeclaims' || name === 'requests.storage';
    default:
      return true;
  }
}

function checkScopeSelector(problems: Problems, spec: ResourceQuotaSpec, bounded: readonly string[]): void {
  const path = 'spec.scopeSelector.matchExpressions';
  const requirements = spec.scopeSelector?.matchExpressions ?? [];
  for (const requirement of requirements) {
    const { scopeName } = requirement;
    if (!SCOPES.has(scopeName)) {
      problems.invalid(`${path}.scopeName`, scopeName, 'unsupported scope');
    }
    for (const name of bounded) {
      if (!appliesTo(scopeName, name)) {
        problems.invalid(path, spec.scopeSelector, 'unsupported scope applied to resource');
      }
    }
    checkRequirement(problems, path, requirement);
  }
  const names = requirements.map(({ scopeName }) => scopeName);
  checkOpposites(problems, path, names, spec.scopes);
}

function checkRequirement(
  problems: Problems,
  path: string,
  { scopeName, operator, values = [] }: ScopedResourceSelectorRequirement,
): void {
  if (PLAIN_SCOPES.has(scopeName) && operator !== 'Exists') {
    problems.invalid(
      `${path}.operator`,
      operator,
      "must be 'Exists' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity",
    );
  }
  if (operator === 'In' || operator === 'NotIn') {
    if (values.length === 0) {
      problems.required(
        `${path}.values`,
        "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector",
      );
    }
  } else if (operator === 'Exists' || operator === 'DoesNotExist') {
    if (values.length > 0) {
      problems.invalid(
        `${path}.values`,
        values,
        "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector",
      );
    }
  } else {
    problems.invalid(`${path}.operator`, operator, 'not a valid selector operator');
  }
}

export const LIMIT_RANGE_RULES: KindRules<LimitRange> = {
  check(problems, { spec }) {
    const types = new Set<string>();
    for (const [index, limit] of spec.limits.entries()) {
      const at = `spec.limits[${index}]`;
      const { type } = limit;
      problems.names(`${at}.type`, type, limitTypeProblems(type));
      if (types.has(type)) {
        problems.duplicate(`${at}.type`, type);
      }
      types.add(type);
      checkNames(problems, at, limit);
      const names = new Set(LISTS.flatMap((list) => Object.keys(limit[list] ?? {})));
      for (const name of names) {
        checkOrder(problems, at, limit, name);
        checkRatio(problems, at, limit, name);
      }
    }
  },
};

const LISTS = ['max', 'min', 'default', 'defaultRequest', 'maxLimitRequestRatio'] as const;

function limitTypeProblems(type: string): NameProblems {
  const wrong = qualifiedNameProblems(type);
  const isKnown = type.includes('/') || ['Pod', 'Container', 'PersistentVolumeClaim'].includes(type);
  return wrong.length > 0 || isKnown ? wrong : ['must be a standard limit type or fully qualified'];
}

function checkNames(problems: Problems, at: string, limit: LimitRangeItem): void {
  const { type } = limit;
  const rule = type === 'Pod' || type === 'Container' ? containerResourceNameProblems : resourceNameProblems;
  for (const list of LISTS) {
    const isRefused = type === 'Pod' && (list === 'default' || list === 'defaultRequest');
    const names = Object.keys(limit[list] ?? {});
    if (isRefused && names.length > 0) {
      problems.forbidden(`${at}.${list}`, "may not be specified when `type` is 'Pod'");
    } else {
      for (const name of names) {
        problems.names(`${at}.${list}[${name}]`, name, rule(name));
      }
    }
    const hasStorage = limit.min?.['storage'] !== undefined || limit.max?.['storage'] !== undefined;
    if (list === 'defaultRequest' && type === 'PersistentVolumeClaim' && !hasStorage) {
      problems.required(
        `${at}.limits`,
        'either minimum or maximum storage value is required, but neither was provided',
      );
    }
  }
}

type List = (typeof LISTS)[number];

/** What may not be more than what: the lower list, the upper one, whose path and value are told, and the names. */
const ORDERS: readonly (readonly [
  lower: List,
  upper: List,
  told: List,
  shown: 'lower' | 'upper',
  lowerName: string,
  upperName: string,
])[] = [
  ['min', 'max', 'min', 'lower', 'min', 'max'],
  ['min', 'defaultRequest', 'defaultRequest', 'upper', 'min', 'default request'],
  ['defaultRequest', 'max', 'defaultRequest', 'lower', 'default request', 'max'],
  ['defaultRequest', 'default', 'defaultRequest', 'lower', 'default request', 'default limit'],
  ['min', 'default', 'default', 'lower', 'min', 'default'],
  ['default', 'max', 'default', 'upper', 'default', 'max'],
];

function checkOrder(problems: Problems, at: string, limit: LimitRangeItem, name: string): void {
  for (const [lower, upper, told, shown, lowerName, upperName] of ORDERS) {
    const [low, high] = [limit[lower]?.[name], limit[upper]?.[name]];
    const isCounted = limit.type !== 'Pod' || (!lower.startsWith('default') && !upper.startsWith('default'));
    if (low === undefined || high === undefined || !isCounted) {
      continue;
    }
    if (compareQuantities(parseQuantity(low), parseQuantity(high)) > 0) {
      problems.invalid(
        `${at}.${told}[${name}]`,
        shown === 'lower' ? low : high,
        `${lowerName} value ${low} is greater than ${upperName} value ${high}`,
      );
    }
  }
  const [limitDefault, request] = [limit.default?.[name], limit.defaultRequest?.[name]];
  if (
    limitDefault !== undefined &&
    request !== undefined &&
    !isOvercommitAllowed(name) &&
    compareQuantities(parseQuantity(limitDefault), parseQuantity(request)) !== 0
  ) {
    problems.invalid(
      `${at}.defaultRequest[${name}]`,
      request,
      `default value ${limitDefault} must equal to defaultRequest value ${request} in ${name}`,
    );
  }
}

const ONE: Quantity = { nanos: 1_000_000_000n, format: 'DecimalSI' };

function checkRatio(problems: Problems, at: string, limit: LimitRangeItem, name: string): void {
  const text = limit.maxLimitRequestRatio?.[name];
  if (text === undefined) {
    return;
  }
  const ratio = parseQuantity(text);
  const path = `${at}.maxLimitRequestRatio[${name}]`;
  if (compareQuantities(ratio, ONE) < 0) {
    problems.invalid(path, text, `ratio ${formatQuantity(ratio)} is less than 1`);
  }
  const [min, max] = [limit.min?.[name], limit.max?.[name]];
  if (min === undefined || max === undefined) {
    return;
  }
  const bound = Number(parseQuantity(max).nanos) / Number(parseQuantity(min).nanos);
  if (Number(ratio.nanos) / 1e9 > bound) {
    problems.invalid(
      path,
      text,
      `ratio ${formatQuantity(ratio)} is greater than max/min = ${bound.toFixed(6)}`,
    );
  }
}
