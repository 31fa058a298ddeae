import type { Labels } from '#api/label-requirement.ts';
import type { LabelSelector } from '#api/label-selector.ts';
import type { PodAffinityTerm } from '#api/types/core.v1.ts';
import { NO_LABELS, selectorKey, selectorOf } from './selectors.ts';

/** The namespace and labels that many pods share. Whatever is known about one of those pods is kept here. */
export interface LabelSet {
  readonly namespace: string;
  readonly labels: Labels;
}

export type NamespaceLabels = (namespace: string) => Labels;

/** Chooses pods by namespace and labels. */
export interface PodSelector {
  /** The same for selectors that choose the same pods; fit as a map key. */
  readonly key: string;
  /** True when the labels of namespaces decide too, so that their change changes the choice. */
  readonly readsNamespaceLabels: boolean;
  matches(pods: LabelSet, namespaceLabels: NamespaceLabels): boolean;
}

/** Pods of one namespace whose labels match. */
export function podSelectorIn(namespace: string, selector: LabelSelector): PodSelector {
  return {
    key: JSON.stringify([namespace, selectorKey(selector)]),
    readsNamespaceLabels: false,
    matches: (pods) => pods.namespace === namespace && selector.matches(pods.labels),
  };
}

/** The pods an affinity term speaks of. Without namespaces and namespace selector: those of its own namespace. */
export function podSelectorOfTerm(term: PodAffinityTerm, ownNamespace: string): PodSelector {
  const selector = selectorOf(term.labelSelector);
  const listed = term.namespaces ?? [];
  const bySelector = term.namespaceSelector === undefined ? undefined : selectorOf(term.namespaceSelector);
  const names = new Set(listed.length === 0 && bySelector === undefined ? [ownNamespace] : listed);
  return {
    key: JSON.stringify([
      [...names].sort(),
      bySelector === undefined ? null : selectorKey(bySelector),
      selectorKey(selector),
    ]),
    readsNamespaceLabels: bySelector !== undefined && !bySelector.isEmpty,
    matches: (pods, namespaceLabels) =>
      (names.has(pods.namespace) || (bySelector?.matches(namespaceLabels(pods.namespace)) ?? false)) &&
      selector.matches(pods.labels),
  };
}

/** Pods that every one of the selectors chooses. */
export function everySelector(selectors: readonly PodSelector[]): PodSelector {
  return {
    key: JSON.stringify(['every', ...selectors.map(({ key }) => key)]),
    readsNamespaceLabels: selectors.some(({ readsNamespaceLabels }) => readsNamespaceLabels),
    matches: (pods, namespaceLabels) =>
      selectors.every((selector) => selector.matches(pods, namespaceLabels)),
  };
}

/** Sets kept at once. Beyond, the table starts anew; pods keep the sets they have. */
const LABEL_SETS_MAX = 65_536;

/** Gives pods of the same namespace and labels the same {@link LabelSet} object. */
export class LabelSets {
  readonly #sets = new Map<string, LabelSet>();

  of(namespace: string, labels: Labels = NO_LABELS): LabelSet {
    const key = JSON.stringify([namespace, labels]);
    let set = this.#sets.get(key);
    if (set === undefined) {
      if (this.#sets.size >= LABEL_SETS_MAX) {
        this.#sets.clear();
      }
      set = { namespace, labels };
      this.#sets.set(key, set);
    }
    return set;
  }
}
