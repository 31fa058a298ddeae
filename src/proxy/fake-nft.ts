import { assert } from '#base/assert.ts';
import type { Nft } from './nft.ts';
import type { NftOperation, NftTransaction } from './nft-transaction.ts';

/** A transaction step that the kernel would have refused. */
export class FakeNftError extends Error {
  override readonly name = 'FakeNftError';
  readonly code = 'proxy/fake-nft';
}

interface FakeTable {
  readonly sets: Map<string, Map<string, string>>;
  readonly chains: Map<string, readonly string[]>;
}

/** The twin of {@link Nft}: keeps tables in memory and refuses what the kernel refuses. */
export class FakeNft implements Nft {
  /** Every transaction that was applied, oldest first. */
  readonly applied: (readonly NftTransaction[])[] = [];
  #tables = new Map<string, FakeTable>();
  #failures = 0;

  /** Makes the next `count` transactions fail. */
  failNext(count = 1): void {
    this.#failures = count;
  }

  /** As `nft flush ruleset` by somebody else. */
  flush(): void {
    this.#tables = new Map();
  }

  async apply(transactions: readonly NftTransaction[]): Promise<void> {
    if (this.#failures > 0) {
      this.#failures -= 1;
      throw new FakeNftError('told to fail');
    }
    const tables = structuredClone(this.#tables);
    for (const { table, operations } of transactions) {
      for (const operation of operations) {
        applyOperation(tables, `${table.family} ${table.name}`, operation);
      }
    }
    this.#tables = tables;
    this.applied.push(transactions);
  }

  hasTable(name: string): boolean {
    return this.#tables.has(name);
  }

  /** @param table family and name, as `ip coracle-x` */
  elements(table: string, set: string): Readonly<Record<string, string>> {
    return Object.fromEntries(this.#tables.get(table)?.sets.get(set) ?? []);
  }

  chain(table: string, chain: string): readonly string[] | undefined {
    return this.#tables.get(table)?.chains.get(chain);
  }

  chains(table: string): readonly string[] {
    return [...(this.#tables.get(table)?.chains.keys() ?? [])];
  }
}

function applyOperation(tables: Map<string, FakeTable>, at: string, operation: NftOperation): void {
  if (operation.op === 'add-table') {
    if (!tables.has(at)) {
      tables.set(at, { sets: new Map(), chains: new Map() });
    }
    return;
  }
  const table = tables.get(at);
  refuseUnless(table !== undefined, `no table ${at}`);
  switch (operation.op) {
    case 'delete-table':
      tables.delete(at);
      break;
    case 'add-set':
    case 'add-map':
      table.sets.set(operation.name, table.sets.get(operation.name) ?? new Map());
      break;
    case 'delete-set':
    case 'delete-map':
      refuseUnless(
        [...table.chains.values()].flat().every((rule) => !rule.includes(`@${operation.name} `)),
        `set ${operation.name} is in use`,
      );
      refuseUnless(table.sets.delete(operation.name), `no set ${operation.name}`);
      break;
    case 'add-element':
    case 'delete-element':
      applyElement(table, operation);
      break;
    default:
      applyChainStep(table, operation);
  }
}

type ElementStep = Extract<NftOperation, { readonly op: 'add-element' | 'delete-element' }>;

function applyElement(table: FakeTable, step: ElementStep): void {
  const set = table.sets.get(step.set);
  refuseUnless(set !== undefined, `no set ${step.set}`);
  if (step.op === 'delete-element') {
    refuseUnless(set.delete(step.key), `no element ${step.key} in ${step.set}`);
    return;
  }
  const before = set.get(step.key);
  refuseUnless(before === undefined || before === step.value, `${step.set} has another ${step.key}`);
  for (const target of targetsOf(step.value)) {
    refuseUnless(table.chains.has(target), `no chain ${target}`);
  }
  set.set(step.key, step.value);
}

type ChainStep = Extract<
  NftOperation,
  { readonly op: 'add-chain' | 'flush-chain' | 'delete-chain' | 'add-rule' }
>;

function applyChainStep(table: FakeTable, step: Exclude<NftOperation, ElementStep>): void {
  const { op } = step;
  assert(
    op === 'add-chain' || op === 'flush-chain' || op === 'delete-chain' || op === 'add-rule',
    'the other steps were dealt with',
  );
  const chainStep: ChainStep = step;
  const name = chainStep.op === 'add-rule' ? chainStep.chain : chainStep.name;
  const rules = table.chains.get(name);
  if (chainStep.op === 'add-chain') {
    table.chains.set(name, rules ?? []);
    return;
  }
  refuseUnless(rules !== undefined, `no chain ${name}`);
  if (chainStep.op === 'flush-chain') {
    table.chains.set(name, []);
  } else if (chainStep.op === 'add-rule') {
    for (const target of targetsOf(chainStep.rule)) {
      refuseUnless(table.chains.has(target), `no chain ${target}`);
    }
    table.chains.set(name, [...rules, chainStep.rule]);
  } else {
    refuseUnless(rules.length === 0, `chain ${name} has rules`);
    const texts = [
      ...[...table.chains.values()].flat(),
      ...[...table.sets.values()].flatMap((set) => [...set.values()]),
    ];
    refuseUnless(
      texts.every((text) => !targetsOf(text).includes(name)),
      `chain ${name} is in use`,
    );
    table.chains.delete(name);
  }
}

function targetsOf(text: string): readonly string[] {
  return [...text.matchAll(/\b(?:goto|jump) ([\w-]+)/g)].map(([, target = '']) => target);
}

function refuseUnless(condition: boolean, message: string): asserts condition {
  if (!condition) {
    throw new FakeNftError(message);
  }
}
