import { quantityToMillis, quantityToNumber } from '#api/quantity.ts';
import { defined } from '#base/assert.ts';

/** Position of a resource's columns. The first three are fixed; others get theirs when first seen. */
export type ResourceId = number;

export const CPU: ResourceId = 0;
export const MEMORY: ResourceId = 1;
export const EPHEMERAL_STORAGE: ResourceId = 2;

/** Gives every resource name a small number, so that amounts live in arrays. */
export class ResourceIds {
  readonly #names: string[] = ['cpu', 'memory', 'ephemeral-storage'];
  readonly #ids = new Map<string, ResourceId>(this.#names.map((name, id) => [name, id]));

  get size(): number {
    return this.#names.length;
  }

  idOf(name: string): ResourceId {
    const known = this.#ids.get(name);
    if (known !== undefined) {
      return known;
    }
    const id = this.#names.push(name) - 1;
    this.#ids.set(name, id);
    return id;
  }

  nameOf(id: ResourceId): string {
    return defined(this.#names[id], 'the name of a resource');
  }
}

/** Amounts read before; a cluster uses few distinct quantities. */
const amounts = new Map<string, number>();
const AMOUNTS_MAX = 4096;

/** A quantity as the scheduler counts it: millicores of CPU, bytes and units of everything else, rounded up. */
export function amountOf(resource: string, quantity: string): number {
  const isCpu = resource === 'cpu';
  const key = isCpu ? `m${quantity}` : quantity;
  const known = amounts.get(key);
  if (known !== undefined) {
    return known;
  }
  const amount = isCpu ? quantityToMillis(quantity) : quantityToNumber(quantity);
  if (amounts.size >= AMOUNTS_MAX) {
    amounts.clear();
  }
  amounts.set(key, amount);
  return amount;
}

/** Resources beyond the basic three that a node counts: extended ones, huge pages, attachable volumes. */
export function isScalarResource(name: string): boolean {
  return name.includes('/') || name.startsWith('hugepages-') || name.startsWith('attachable-volumes-');
}
