/** nftables keeps the two IP families in tables of their own. */
export type NftFamily = 'ip' | 'ip6';

export interface NftTable {
  readonly family: NftFamily;
  readonly name: string;
}

/** One step of a transaction. Steps are applied in order, and all or none of them. */
export type NftOperation =
  | { readonly op: 'add-table' | 'delete-table' }
  /** @param declaration what stands between the braces, as `type ipv4_addr;` */
  | { readonly op: 'add-set' | 'add-map'; readonly name: string; readonly declaration: string }
  | { readonly op: 'delete-set' | 'delete-map'; readonly name: string }
  /** @param hook `type … hook … priority …;` of a base chain; left out for a chain that is only jumped to */
  | { readonly op: 'add-chain'; readonly name: string; readonly hook?: string }
  | { readonly op: 'flush-chain' | 'delete-chain'; readonly name: string }
  | { readonly op: 'add-rule'; readonly chain: string; readonly rule: string }
  /** @param value empty in a set */
  | { readonly op: 'add-element'; readonly set: string; readonly key: string; readonly value: string }
  | { readonly op: 'delete-element'; readonly set: string; readonly key: string };

/** The steps for one table. */
export interface NftTransaction {
  readonly table: NftTable;
  readonly operations: readonly NftOperation[];
}

/**
 * Elements named in one command. The program reads a whole command before it sends the first element, and
 * its parser slows down on very long lists.
 */
const ELEMENTS_PER_COMMAND_MAX = 2_000;

/** The text for `nft -f -`. */
export function renderTransactions(transactions: readonly NftTransaction[]): string {
  return transactions.map(renderTransaction).join('');
}

function renderTransaction({ table, operations }: NftTransaction): string {
  const at = `${table.family} ${table.name}`;
  const lines: string[] = [];
  for (let index = 0; index < operations.length;) {
    const run = elementRun(operations, index);
    if (run.length > 0) {
      lines.push(renderElements(at, run));
      index += run.length;
      continue;
    }
    const operation = operations[index];
    if (operation !== undefined) {
      lines.push(renderOperation(at, operation));
    }
    index += 1;
  }
  return lines.map((line) => `${line}\n`).join('');
}

type ElementOperation = Extract<NftOperation, { readonly op: 'add-element' | 'delete-element' }>;

/** The longest run of alike element operations on one set from `start`: they become one command. */
function elementRun(operations: readonly NftOperation[], start: number): readonly ElementOperation[] {
  const run: ElementOperation[] = [];
  for (let index = start; index < operations.length && run.length < ELEMENTS_PER_COMMAND_MAX; index++) {
    const operation = operations[index];
    if (operation?.op !== 'add-element' && operation?.op !== 'delete-element') {
      break;
    }
    const first = run[0] ?? operation;
    if (operation.op !== first.op || operation.set !== first.set) {
      break;
    }
    run.push(operation);
  }
  return run;
}

function renderElements(at: string, run: readonly ElementOperation[]): string {
  const verb = run[0]?.op === 'delete-element' ? 'delete' : 'add';
  const elements = run.map((operation) =>
    operation.op === 'add-element' && operation.value !== ''
      ? `${operation.key} : ${operation.value}`
      : operation.key,
  );
  return `${verb} element ${at} ${run[0]?.set ?? ''} { ${elements.join(', ')} }`;
}

function renderOperation(at: string, operation: NftOperation): string {
  switch (operation.op) {
    case 'add-table':
      return `add table ${at}`;
    case 'delete-table':
      return `delete table ${at}`;
    case 'add-set':
      return `add set ${at} ${operation.name} { ${operation.declaration} }`;
    case 'add-map':
      return `add map ${at} ${operation.name} { ${operation.declaration} }`;
    case 'delete-set':
      return `delete set ${at} ${operation.name}`;
    case 'delete-map':
      return `delete map ${at} ${operation.name}`;
    case 'add-chain':
      return `add chain ${at} ${operation.name}${operation.hook === undefined ? '' : ` { ${operation.hook} }`}`;
    case 'flush-chain':
      return `flush chain ${at} ${operation.name}`;
    case 'delete-chain':
      return `delete chain ${at} ${operation.name}`;
    case 'add-rule':
      return `add rule ${at} ${operation.chain} ${operation.rule}`;
    default:
      return renderElements(at, [operation]);
  }
}
