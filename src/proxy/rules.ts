/** What one service puts into the table. Chains and elements of one name are alike whoever asks for them. */
export interface ServiceRules {
  readonly elements: readonly RuleElement[];
  readonly chains: readonly RuleChain[];
  readonly sets: readonly RuleSet[];
}

export interface RuleElement {
  readonly set: string;
  readonly key: string;
  /** Empty in a set. */
  readonly value: string;
}

export interface RuleChain {
  readonly name: string;
  readonly rules: readonly string[];
}

export interface RuleSet {
  readonly name: string;
  readonly declaration: string;
}

export const NO_RULES: ServiceRules = { elements: [], chains: [], sets: [] };
