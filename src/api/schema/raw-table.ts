/** A type as `src/api/tables/<group>.<version>.json` writes it down. */
export interface RawType {
  /** True for a type that stands on its own on the wire, with `apiVersion` and `kind`. */
  readonly kind?: boolean;
  /** The values of a string type; with `enum` no other is valid. */
  readonly values?: readonly string[];
  readonly enum?: boolean;
  /** The type this is another name for, in the notation of {@link RawField.type}. */
  readonly alias?: string;
  readonly fields?: readonly RawField[];
  /** `atomic` when server-side apply owns the whole value, whatever refers to it. */
  readonly mapType?: string;
  readonly introduced?: string;
  readonly deprecated?: string;
  readonly removed?: string;
}

export interface RawField {
  readonly name?: string | null;
  /** The fields of this type stand in the parent's JSON. */
  readonly inline?: string;
  /**
   * A scalar (`string`, `bool`, `int32`, `int64`, `float64`, `bytes`, `time`, `microTime`, `duration`,
   * `quantity`, `intOrString`, `rawExtension`, `fieldsV1`, `json`), `core.v1.Pod` for another type,
   * `[]T` for a list, `{}T` for a map with string keys.
   */
  readonly type?: string;
  /** Protobuf field number, and the message's field name where it differs from the JSON name. */
  readonly pb?: number;
  readonly pbName?: string;
  readonly required?: boolean;
  /** Absent and zero are different. */
  readonly pointer?: boolean;
  /** Written even when it is empty (the declaration has no `omitempty`). */
  readonly keepEmpty?: boolean;
  readonly default?: unknown;
  /** Strategic merge patch: `merge`, `replace`, `retainKeys`, or two of them with a comma. */
  readonly patchStrategy?: string;
  readonly patchMergeKey?: string;
  /** Server-side apply: `atomic`, `set` or `map`. */
  readonly listType?: string;
  readonly listMapKeys?: readonly string[];
  readonly mapType?: string;
  readonly structType?: string;
  readonly featureGate?: string;
  readonly validation?: Readonly<Record<string, unknown>>;
}
