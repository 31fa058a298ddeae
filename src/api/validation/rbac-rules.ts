import { jsonEqual } from '#base/json-equal.ts';
import { dnsSubdomainProblems, pathSegmentProblems } from '../names.ts';
import type {
  ClusterRole,
  ClusterRoleBinding,
  PolicyRule,
  Role,
  RoleBinding,
  RoleRef,
  Subject,
} from '../types/rbac.v1.ts';
import type { KindRules } from './kind-rules.ts';
import { checkLabelSelector } from './label-selector-rules.ts';
import type { Problems } from './problems.ts';

const GROUP = 'rbac.authorization.k8s.io';

export const ROLE_RULES: KindRules<Role> = {
  nameRule: pathSegmentProblems,
  check(problems, { rules }) {
    checkRules(problems, rules, true);
  },
};

export const CLUSTER_ROLE_RULES: KindRules<ClusterRole> = {
  nameRule: pathSegmentProblems,
  check(problems, { rules, aggregationRule }) {
    checkRules(problems, rules, false);
    if (aggregationRule === undefined) {
      return;
    }
    const selectors = aggregationRule.clusterRoleSelectors ?? [];
    if (selectors.length === 0) {
      problems.required(
        'aggregationRule.clusterRoleSelectors',
        'at least one clusterRoleSelector required if aggregationRule is non-nil',
      );
    }
    for (const [index, selector] of selectors.entries()) {
      checkLabelSelector(problems, `aggregationRule.clusterRoleSelectors[${index}]`, selector);
    }
  },
};

function checkRules(
  problems: Problems,
  rules: readonly PolicyRule[] | null | undefined,
  isNamespaced: boolean,
): void {
  for (const [index, rule] of (rules ?? []).entries()) {
    const at = `rules[${index}]`;
    const { verbs, apiGroups = [], resources = [], resourceNames = [], nonResourceURLs = [] } = rule;
    if (verbs.length === 0) {
      problems.required(`${at}.verbs`, 'verbs must contain at least one value');
    }
    if (nonResourceURLs.length > 0) {
      if (isNamespaced) {
        problems.invalid(
          `${at}.nonResourceURLs`,
          nonResourceURLs,
          'namespaced rules cannot apply to non-resource URLs',
        );
      }
      if (apiGroups.length + resources.length + resourceNames.length > 0) {
        problems.invalid(
          `${at}.nonResourceURLs`,
          nonResourceURLs,
          'rules cannot apply to both regular resources and non-resource URLs',
        );
      }
      continue;
    }
    if (apiGroups.length === 0) {
      problems.required(`${at}.apiGroups`, 'resource rules must supply at least one api group');
    }
    if (resources.length === 0) {
      problems.required(`${at}.resources`, 'resource rules must supply at least one resource');
    }
  }
}

export const ROLE_BINDING_RULES: KindRules<RoleBinding> = {
  nameRule: pathSegmentProblems,
  check(problems, { roleRef, subjects }) {
    checkRoleRef(problems, roleRef, ['Role', 'ClusterRole']);
    checkSubjects(problems, subjects, true);
  },
  onUpdate: checkSameRole,
};

export const CLUSTER_ROLE_BINDING_RULES: KindRules<ClusterRoleBinding> = {
  nameRule: pathSegmentProblems,
  check(problems, { roleRef, subjects }) {
    checkRoleRef(problems, roleRef, ['ClusterRole']);
    checkSubjects(problems, subjects, false);
  },
  onUpdate: checkSameRole,
};

interface Binding {
  readonly roleRef: RoleRef;
}

function checkSameRole(problems: Problems, next: Binding, previous: Binding): void {
  if (!jsonEqual(next.roleRef, previous.roleRef)) {
    problems.invalid('roleRef', next.roleRef, 'cannot change roleRef');
  }
}

function checkRoleRef(problems: Problems, { apiGroup, kind, name }: RoleRef, kinds: readonly string[]): void {
  problems.oneOf('roleRef.apiGroup', apiGroup, [GROUP]);
  problems.oneOf('roleRef.kind', kind, kinds);
  problems.requiredName('roleRef.name', name, pathSegmentProblems);
}

/** In a namespace, a service account without one is nobody; across the cluster it has to be said. */
function checkSubjects(
  problems: Problems,
  subjects: readonly Subject[] | undefined,
  isNamespaced: boolean,
): void {
  for (const [index, { kind, name, namespace = '', apiGroup = '' }] of (subjects ?? []).entries()) {
    const at = `subjects[${index}]`;
    if (name === '') {
      problems.required(`${at}.name`);
    }
    switch (kind) {
      case 'ServiceAccount':
        if (name !== '') {
          problems.names(`${at}.name`, name, dnsSubdomainProblems(name));
        }
        if (apiGroup !== '') {
          problems.oneOf(`${at}.apiGroup`, apiGroup, ['']);
        }
        if (namespace === '' && !isNamespaced) {
          problems.required(`${at}.namespace`);
        }
        break;
      case 'User':
      case 'Group':
        problems.oneOf(`${at}.apiGroup`, apiGroup, [GROUP]);
        break;
      default:
        problems.oneOf(`${at}.kind`, kind, ['ServiceAccount', 'User', 'Group']);
    }
  }
}
