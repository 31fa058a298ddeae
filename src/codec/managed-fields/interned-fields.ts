import { deepFreeze, encodeJson } from '../canonical.ts';
import type { FieldsNode } from './fields-v1.ts';

/** Sets with a longer text are rare, and keeping them would cost more than making them again. */
const TEXT_MAX = 16 * 1024;
/** Characters of all texts together; beyond it the sets met first are let go. */
const KEPT_TEXT_MAX = 8 * 1024 * 1024;

/**
 * Equal sets of fields as one frozen object. Thousands of objects of one making own the same fields, so the set is
 * held once, compared by identity and written as JSON once. Forgetting a set costs its making and nothing else.
 */
class InternedFields {
  readonly #byText = new Map<string, FieldsNode>();
  readonly #texts = new WeakMap<FieldsNode, string>();
  #length = 0;

  intern(fields: FieldsNode): FieldsNode {
    if (this.#texts.has(fields)) {
      return fields;
    }
    const text = encodeJson(fields);
    const known = this.#byText.get(text);
    if (known !== undefined || text.length > TEXT_MAX) {
      return known ?? fields;
    }
    this.#byText.set(text, deepFreeze(fields));
    this.#texts.set(fields, text);
    this.#length += text.length;
    for (const oldest of this.#byText.keys()) {
      if (this.#length <= KEPT_TEXT_MAX) {
        break;
      }
      this.#byText.delete(oldest);
      this.#length -= oldest.length;
    }
    return fields;
  }

  textOf(fields: object): string | undefined {
    return this.#texts.get(fields as FieldsNode);
  }
}

const interned = new InternedFields();

/** The one object that stands for all sets equal to `fields`; very large sets stand for themselves. */
export function internFields(fields: FieldsNode): FieldsNode {
  return interned.intern(fields);
}

/** The JSON of an interned set. */
export function fieldsText(fields: object): string | undefined {
  return interned.textOf(fields);
}
