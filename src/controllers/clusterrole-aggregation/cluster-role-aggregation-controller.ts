import { labelSelectorFromObject } from '#api/label-selector.ts';
import type { ClusterRole, PolicyRule } from '#api/types/rbac.v1.ts';
import { CLUSTER_ROLE } from '#api/types/resources.ts';
import type { Informer } from '#client/lister.ts';
import type { ControllerDeps } from '../runner/controller-deps.ts';
import {
  type Controller,
  DONE,
  enqueueOnChange,
  type KeyQueue,
  type ReconcileResult,
} from '../runner/controller.ts';

/** Gives roles that gather others the rules of those they gather: `admin` what every `aggregate-to-admin` role has. */
export class ClusterRoleAggregationController implements Controller {
  readonly name = 'ClusterRoleAggregator';
  readonly workers = 5;
  readonly #deps: ControllerDeps;
  readonly #roles: Informer<ClusterRole>;

  constructor(deps: ControllerDeps) {
    this.#deps = deps;
    this.#roles = deps.informers.of(CLUSTER_ROLE);
  }

  connect(queue: KeyQueue): readonly Disposable[] {
    // Which role a change concerns is only known by the selectors, and there are few that select.
    const gathering = (): readonly string[] =>
      this.#roles
        .list()
        .filter(({ aggregationRule }) => aggregationRule !== undefined)
        .map(({ metadata }) => metadata.name);
    return [enqueueOnChange(this.#roles, queue, gathering)];
  }

  async reconcile(name: string, signal: AbortSignal): Promise<ReconcileResult> {
    const role = this.#roles.get(name);
    if (role?.aggregationRule === undefined) {
      return DONE;
    }
    const rules = gatheredRules(role, this.#roles.list());
    if (JSON.stringify(rules) !== JSON.stringify(role.rules ?? [])) {
      await this.#deps.client.of(CLUSTER_ROLE).update({ ...role, rules }, {}, signal);
    }
    return DONE;
  }
}

/** The rules of every other role that one of the selectors picks, by name, each rule once. */
export function gatheredRules(role: ClusterRole, roles: readonly ClusterRole[]): readonly PolicyRule[] {
  const selectors = (role.aggregationRule?.clusterRoleSelectors ?? []).map(labelSelectorFromObject);
  const gathered = roles
    .filter(
      ({ metadata }) =>
        metadata.name !== role.metadata.name &&
        selectors.some((selector) => selector.matches(metadata.labels)),
    )
    .toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
  const rules = new Map<string, PolicyRule>();
  for (const rule of gathered.flatMap((other) => other.rules ?? [])) {
    const key = JSON.stringify(rule);
    if (!rules.has(key)) {
      rules.set(key, rule);
    }
  }
  return [...rules.values()];
}
