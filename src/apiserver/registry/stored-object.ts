import type { ApiObject } from '#api/object.ts';
import { apiVersionOf, type GroupVersionKind } from '#api/resource-type.ts';
import { utf8Encode } from '#base/bytes.ts';
import type { KeyValue, Revision } from '#store/store.ts';
import { decodeStored } from '#codec/stored-form.ts';

/**
 * How the bytes of one kind begin. The encoder always writes `{"apiVersion":…,"kind":…,"metadata":{` first
 * and leaves `resourceVersion` out, so the revision is spliced in at a known offset and nothing is parsed.
 */
export interface StoredLayout {
  readonly kind: GroupVersionKind;
  /** `{"apiVersion":"v1","kind":"Pod","metadata":{"resourceVersion":"` */
  readonly head: Uint8Array;
  /** `{"metadata":{"resourceVersion":"`: in a typed list the items carry no type of their own. */
  readonly itemHead: Uint8Array;
  /** Offset in the stored bytes of what comes after `"metadata":{`. */
  readonly bodyOffset: number;
}

const REVISION_END = utf8Encode('",');

export function storedLayout(kind: GroupVersionKind): StoredLayout {
  const type = `{"apiVersion":${JSON.stringify(apiVersionOf(kind))},"kind":${JSON.stringify(kind.kind)},`;
  return {
    kind,
    head: utf8Encode(`${type}"metadata":{"resourceVersion":"`),
    itemHead: utf8Encode('{"metadata":{"resourceVersion":"'),
    bodyOffset: utf8Encode(`${type}"metadata":{`).length,
  };
}

/**
 * One object at one revision: its bytes as stored, and, once somebody in this process asks, the parsed and
 * frozen object. Shared by everyone who reads that revision.
 */
export class StoredObject {
  readonly key: string;
  readonly revision: Revision;
  readonly bytes: Uint8Array;
  readonly layout: StoredLayout;
  #object: ApiObject | undefined;

  constructor(key: string, bytes: Uint8Array, revision: Revision, layout: StoredLayout, object?: ApiObject) {
    this.key = key;
    this.bytes = bytes;
    this.revision = revision;
    this.layout = layout;
    this.#object = object;
  }

  static fromStore({ key, value, modRevision }: KeyValue, layout: StoredLayout): StoredObject {
    return new StoredObject(key, value, modRevision, layout);
  }

  /** The object with its `resourceVersion`, deep-frozen. */
  get object(): ApiObject {
    this.#object ??= decodeStored(this.bytes, String(this.revision));
    return this.#object;
  }

  /** The bytes a client gets for this object on its own. Not kept: a copy costs little, and would double what a cache holds. */
  get wire(): Uint8Array {
    return withRevision(this.layout.head, this);
  }

  /** The same state as seen at a later revision: how a watch shows an object that left its selector. */
  at(revision: Revision): StoredObject {
    return new StoredObject(this.key, this.bytes, revision, this.layout);
  }

  /** Length of this object as an item of a typed list. */
  get itemLength(): number {
    const { itemHead, bodyOffset } = this.layout;
    return (
      itemHead.length + String(this.revision).length + REVISION_END.length + this.bytes.length - bodyOffset
    );
  }

  /** Writes this object as a list item into `target` at `offset`; there must be {@link itemLength} bytes of room. */
  writeItem(target: Buffer, offset: number): void {
    writeParts(target, offset, this.layout.itemHead, this);
  }
}

function withRevision(head: Uint8Array, stored: StoredObject): Uint8Array {
  const length =
    head.length +
    String(stored.revision).length +
    REVISION_END.length +
    stored.bytes.length -
    stored.layout.bodyOffset;
  const target = Buffer.allocUnsafe(length);
  writeParts(target, 0, head, stored);
  return target;
}

function writeParts(
  target: Buffer,
  start: number,
  head: Uint8Array,
  { bytes, revision, layout }: StoredObject,
): void {
  target.set(head, start);
  let offset = start + head.length;
  offset += target.write(String(revision), offset, 'latin1');
  target.set(REVISION_END, offset);
  offset += REVISION_END.length;
  target.set(bytes.subarray(layout.bodyOffset), offset);
}
