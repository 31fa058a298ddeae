import { frameOperations, type RulesetFrame } from './base-ruleset.ts';
import { Claims, type Change } from './claims.ts';
import type { NftOperation } from './nft-transaction.ts';
import { NO_RULES, type RuleChain, type RuleElement, type RuleSet, type ServiceRules } from './rules.ts';

/** The wanted table of one family: the rules of all services together, and the steps that lead there. */
export class RulesetModel {
  readonly #frame: RulesetFrame;
  readonly #rules = new Map<string, ServiceRules>();
  readonly #elements = new Claims<RuleElement>((left, right) => left.value === right.value);
  readonly #chains = new Claims<RuleChain>((left, right) => isSameList(left.rules, right.rules));
  readonly #sets = new Claims<RuleSet>((left, right) => left.declaration === right.declaration);

  constructor(frame: RulesetFrame) {
    this.#frame = frame;
  }

  /** Keys of the services that have rules. */
  owners(): readonly string[] {
    return [...this.#rules.keys()];
  }

  /** Replaces what a service wants by `rules`; nothing is sent yet. */
  replace(owner: string, rules: ServiceRules): void {
    const before = this.#rules.get(owner) ?? NO_RULES;
    const hasRules = rules.elements.length + rules.chains.length + rules.sets.length > 0;
    if (hasRules) {
      this.#rules.set(owner, rules);
    } else {
      this.#rules.delete(owner);
    }
    replaceClaims(this.#elements, owner, {
      before: before.elements,
      after: rules.elements,
      keyOf: elementKey,
    });
    replaceClaims(this.#chains, owner, { before: before.chains, after: rules.chains, keyOf: nameOf });
    replaceClaims(this.#sets, owner, { before: before.sets, after: rules.sets, keyOf: nameOf });
  }

  /** The steps from the table of the last call (of this or {@link takeAll}) to the wanted one; empty when alike. */
  takeChanges(): readonly NftOperation[] {
    const elements = this.#elements.takeChanges();
    const chains = this.#chains.takeChanges();
    const sets = this.#sets.takeChanges();
    return [
      ...sets.flatMap(({ before, after }) => (before === undefined ? addSet(after) : [])),
      ...chains.flatMap(({ before, after }) => (before === undefined ? addChain(after) : [])),
      // A chain may only go when no element leads to it, and a set when no rule reads it.
      ...bySet(elements.flatMap(({ before }) => (before === undefined ? [] : [before]))).map(deleteElement),
      ...chains.flatMap(({ before, after }) => [...flushChain(before), ...addRules(after)]),
      ...bySet(elements.flatMap(({ after }) => (after === undefined ? [] : [after]))).map(addElement),
      ...chains.flatMap(({ before, after }) =>
        after === undefined ? deleteNamed('delete-chain', before) : [],
      ),
      ...sets.flatMap(({ before, after }) => (after === undefined ? deleteNamed('delete-set', before) : [])),
    ];
  }

  /** The steps from any table, or none, to the wanted one. */
  takeAll(): readonly NftOperation[] {
    this.#elements.takeChanges();
    this.#chains.takeChanges();
    this.#sets.takeChanges();
    const chains = [...this.#chains.values()];
    return [
      ...frameOperations(this.#frame),
      ...[...this.#sets.values()].flatMap(addSet),
      ...chains.flatMap(addChain),
      ...chains.flatMap(addRules),
      ...bySet([...this.#elements.values()]).map(addElement),
    ];
  }
}

function replaceClaims<V>(
  claims: Claims<V>,
  owner: string,
  change: {
    readonly before: readonly V[];
    readonly after: readonly V[];
    readonly keyOf: (value: V) => string;
  },
): void {
  const { before, after, keyOf } = change;
  const kept = new Set<string>();
  for (const value of after) {
    const key = keyOf(value);
    kept.add(key);
    claims.claim(owner, key, value);
  }
  for (const value of before) {
    const key = keyOf(value);
    if (!kept.has(key)) {
      claims.release(owner, key);
    }
  }
}

function elementKey({ set, key }: RuleElement): string {
  return `${set} ${key}`;
}

function nameOf({ name }: { readonly name: string }): string {
  return name;
}

/** Elements of one set side by side, so that they become one command. */
function bySet(elements: readonly RuleElement[]): readonly RuleElement[] {
  return [...Map.groupBy(elements, ({ set }) => set).values()].flat();
}

function addSet(set: RuleSet | undefined): readonly NftOperation[] {
  return set === undefined ? [] : [{ op: 'add-set', ...set }];
}

function addChain(chain: Pick<RuleChain, 'name'> | undefined): readonly NftOperation[] {
  return chain === undefined ? [] : [{ op: 'add-chain', name: chain.name }];
}

function flushChain(chain: Change<RuleChain>['before']): readonly NftOperation[] {
  return chain === undefined ? [] : [{ op: 'flush-chain', name: chain.name }];
}

function addRules(chain: RuleChain | undefined): readonly NftOperation[] {
  return (chain?.rules ?? []).map((rule) => ({ op: 'add-rule', chain: chain?.name ?? '', rule }));
}

function deleteNamed(
  op: 'delete-chain' | 'delete-set',
  item: { readonly name: string } | undefined,
): readonly NftOperation[] {
  return item === undefined ? [] : [{ op, name: item.name }];
}

function addElement({ set, key, value }: RuleElement): NftOperation {
  return { op: 'add-element', set, key, value };
}

function deleteElement({ set, key }: RuleElement): NftOperation {
  return { op: 'delete-element', set, key };
}

function isSameList(left: readonly string[], right: readonly string[]): boolean {
  return left.length === right.length && left.every((item, index) => item === right[index]);
}
