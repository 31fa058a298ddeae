import type { Lease } from '../types/coordination.v1.ts';
import { dnsLabelProblems } from '../names.ts';
import type { RuntimeClass } from '../types/node.v1.ts';
import type { PodDisruptionBudget } from '../types/policy.v1.ts';
import type { PriorityClass } from '../types/scheduling.v1.ts';
import { checkTolerations } from './affinity-rules.ts';
import { checkConditions } from './condition-rules.ts';
import { checkDomainPath } from './domain-path-rules.ts';
import type { KindRules } from './kind-rules.ts';
import { checkLabelSelector } from './label-selector-rules.ts';
import { checkLabels } from './object-meta.ts';
import type { Problems } from './problems.ts';
import { checkResources } from './resource-rules.ts';
import { checkAtMostAll, checkCount, checkCounts } from './workload-rules.ts';

const USER_PRIORITY_MAX = 1_000_000_000;
const SYSTEM_PREFIX = 'system-';
const SYSTEM_PRIORITIES: Readonly<Record<string, number>> = {
  'system-cluster-critical': 2_000_000_000,
  'system-node-critical': 2_000_001_000,
};

export const DISRUPTION_BUDGET_RULES: KindRules<PodDisruptionBudget> = {
  check(problems, { spec }) {
    const { minAvailable, maxUnavailable } = spec;
    if (minAvailable !== undefined && maxUnavailable !== undefined) {
      problems.invalid('spec', spec, 'minAvailable and maxUnavailable cannot be both set');
    }
    for (const [field, value] of Object.entries({ minAvailable, maxUnavailable })) {
      if (value !== undefined) {
        checkCount(problems, `spec.${field}`, value);
        checkAtMostAll(problems, `spec.${field}`, value);
      }
    }
    checkLabelSelector(problems, 'spec.selector', spec.selector);
    if (spec.unhealthyPodEvictionPolicy !== undefined) {
      problems.oneOf('spec.unhealthyPodEvictionPolicy', spec.unhealthyPodEvictionPolicy, [
        'AlwaysAllow',
        'IfHealthyBudget',
      ]);
    }
  },
  onStatusUpdate(problems, { status }) {
    checkConditions(problems, 'status.conditions', status.conditions);
    checkCounts(problems, status, ['disruptionsAllowed', 'currentHealthy', 'desiredHealthy', 'expectedPods']);
  },
};

export const PRIORITY_CLASS_RULES: KindRules<PriorityClass> = {
  onCreate(problems, { metadata: { name }, value, globalDefault, preemptionPolicy }) {
    if (name.startsWith(SYSTEM_PREFIX)) {
      const error = systemPriorityError(name, value, globalDefault === true);
      if (error !== undefined) {
        problems.forbidden(
          'metadata.name',
          `priority class names with '${SYSTEM_PREFIX}' prefix are reserved for system use only. error: ${error}`,
        );
      }
    } else if (value > USER_PRIORITY_MAX) {
      problems.forbidden('value', `maximum allowed value of a user defined priority is ${USER_PRIORITY_MAX}`);
    }
    if (preemptionPolicy !== undefined) {
      problems.requiredOneOf('preemptionPolicy', preemptionPolicy, ['PreemptLowerPriority', 'Never']);
    }
  },
  onUpdate(problems, next, previous) {
    if (next.value !== previous.value) {
      problems.forbidden('value', 'may not be changed in an update.');
    }
    problems.immutable('preemptionPolicy', next.preemptionPolicy, previous.preemptionPolicy);
  },
};

function systemPriorityError(name: string, value: number, isGlobalDefault: boolean): string | undefined {
  const known = SYSTEM_PRIORITIES[name];
  if (known === undefined) {
    return `${name} is not a known system priority class`;
  }
  if (known !== value) {
    return `value of ${name} PriorityClass must be ${known}`;
  }
  return isGlobalDefault ? `globalDefault of ${name} PriorityClass must be false` : undefined;
}

export const LEASE_RULES: KindRules<Lease> = {
  check(problems, { spec }) {
    const { leaseDurationSeconds, leaseTransitions, strategy, preferredHolder = '' } = spec;
    if (leaseDurationSeconds !== undefined && leaseDurationSeconds <= 0) {
      problems.invalid('spec.leaseDurationSeconds', leaseDurationSeconds, 'must be greater than 0');
    }
    problems.nonNegative('spec.leaseTransitions', leaseTransitions);
    if (strategy !== undefined) {
      checkLeaseStrategy(problems, 'spec.strategy', strategy);
    }
    if (preferredHolder !== '' && (strategy ?? '') === '') {
      problems.forbidden('spec.preferredHolder', 'may only be specified if `strategy` is defined');
    }
    // No rule about an empty holder: it is how a leader gives its Lease back.
  },
};

/** How a leader is chosen: one of ours, or somebody's with a domain in front. */
function checkLeaseStrategy(problems: Problems, path: string, strategy: string): void {
  if (strategy === 'OldestEmulationVersion') {
    return;
  }
  if (strategy.includes('/')) {
    checkDomainPath(problems, path, strategy);
  } else {
    problems.oneOf(path, strategy, ['OldestEmulationVersion']);
  }
}

export const RUNTIME_CLASS_RULES: KindRules<RuntimeClass> = {
  onCreate(problems, { handler, overhead, scheduling }) {
    problems.names('handler', handler, dnsLabelProblems(handler));
    if (overhead?.podFixed !== undefined) {
      checkResources(problems, 'overhead', { limits: overhead.podFixed });
    }
    checkLabels(problems, 'scheduling.nodeSelector', scheduling?.nodeSelector);
    const tolerations = scheduling?.tolerations ?? [];
    checkTolerations(problems, 'scheduling.tolerations.tolerations', tolerations);
    const seen = new Set<string>();
    for (const [index, toleration] of tolerations.entries()) {
      const { tolerationSeconds: _free, ...pair } = toleration;
      const key = JSON.stringify([pair.key, pair.operator, pair.value, pair.effect]);
      if (seen.has(key)) {
        problems.duplicate(`scheduling.tolerations[${index}]`, toleration);
      }
      seen.add(key);
    }
  },
  onUpdate(problems, next, previous) {
    problems.immutable('handler', next.handler, previous.handler);
  },
};
