/** `value` with defaults for the fields it leaves out; `value` itself when it leaves out none. */
export function fill<T extends object>(value: T, defaults: Partial<NoInfer<T>>): T {
  const [given, wanted] = [value as Fields, defaults as Fields];
  for (const key in wanted) {
    if (given[key] === undefined && wanted[key] !== undefined) {
      return withoutUndefined({ ...wanted, ...withoutUndefined(given) }) as T;
    }
  }
  return value;
}

/** `value` with some fields set; `value` itself when they are set so already. Undefined removes a field. */
export function change<T extends object>(
  value: T,
  changes: { readonly [Key in keyof T]?: T[Key] | undefined },
): T {
  const [given, wanted] = [value as Fields, changes as Fields];
  for (const key in wanted) {
    if (given[key] !== wanted[key]) {
      // Leaving a field out and setting it to undefined are the same to a reader of JSON.
      return withoutUndefined({ ...given, ...wanted }) as T;
    }
  }
  return value;
}

/** An API object seen as its fields; the functions above are typed by what they take. */
type Fields = Readonly<Record<string, unknown>>;

/** The list with each item changed; the list itself when no item does. */
export function mapItems<T>(
  items: readonly T[] | null | undefined,
  each: (item: T) => T,
): readonly T[] | undefined {
  if (items === undefined || items === null) {
    return undefined;
  }
  let changed: T[] | undefined;
  for (const [index, item] of items.entries()) {
    const next = each(item);
    if (next !== item) {
      changed ??= [...items];
      changed[index] = next;
    }
  }
  return changed ?? items;
}

/** The value changed, when there is one. */
export function whenSet<T>(value: T | undefined, each: (value: T) => T): T | undefined {
  return value === undefined ? undefined : each(value);
}

function withoutUndefined(value: Fields): Fields {
  for (const key in value) {
    if (value[key] === undefined) {
      return Object.fromEntries(Object.entries(value).filter(([, item]) => item !== undefined));
    }
  }
  return value;
}
