/**
 * A set of fields in the very form that `FieldsV1` has on the wire, so nothing is converted on the way in or out:
 *
 *     { "f:metadata": { "f:labels": { ".": {}, "f:app": {} } }, "f:spec": { "f:replicas": {} } }
 *
 * A key is a path element: `f:` and a field name, `k:` and the key of a list item, `v:` and a value of a set. An empty
 * node is a member of the set; a node with children is one when it has `.`. The root itself is never a member.
 * Sets are immutable and share their parts; an operation that changes nothing returns its left side itself.
 */
export interface FieldsNode {
  readonly [element: string]: FieldsNode;
}

/** A member without members below it. */
export const LEAF: FieldsNode = Object.freeze({});
/** The empty set, for the root only. */
export const NO_FIELDS: FieldsNode = LEAF;

export function isMember(node: FieldsNode): boolean {
  if (node['.'] !== undefined) {
    return true;
  }
  for (const _element in node) {
    return false;
  }
  return true;
}

/** Whether a root has no member at all. */
export function isEmptySet(root: FieldsNode): boolean {
  for (const _element in root) {
    return false;
  }
  return true;
}

/** A node from its parts; undefined when nothing is left of it. */
export function makeNode(
  isOwned: boolean,
  children: ReadonlyMap<string, FieldsNode>,
): FieldsNode | undefined {
  if (children.size === 0) {
    return isOwned ? LEAF : undefined;
  }
  const node: Record<string, FieldsNode> = isOwned ? { '.': LEAF } : {};
  let last = '';
  for (const [element, child] of children) {
    if (element < last) {
      return sortedNode(isOwned, children);
    }
    node[element] = child;
    last = element;
  }
  return node;
}

/** Fields that come out of order: most come from a table, which is in order, and need no sorting. */
function sortedNode(isOwned: boolean, children: ReadonlyMap<string, FieldsNode>): FieldsNode {
  const node: Record<string, FieldsNode> = isOwned ? { '.': LEAF } : {};
  for (const [element, child] of [...children].sort(([left], [right]) => (left < right ? -1 : 1))) {
    node[element] = child;
  }
  return node;
}

function childrenOf(node: FieldsNode): Map<string, FieldsNode> {
  const children = new Map<string, FieldsNode>();
  for (const element in node) {
    const child = node[element];
    if (element !== '.' && child !== undefined) {
      children.set(element, child);
    }
  }
  return children;
}

export function union(left: FieldsNode, right: FieldsNode): FieldsNode {
  return uniteChildren(left, right, false) ?? NO_FIELDS;
}

function uniteNodes(left: FieldsNode, right: FieldsNode): FieldsNode {
  return uniteChildren(left, right, isMember(left) || isMember(right)) ?? LEAF;
}

function uniteChildren(left: FieldsNode, right: FieldsNode, isOwned: boolean): FieldsNode | undefined {
  let changed: Map<string, FieldsNode> | undefined;
  for (const element in right) {
    const added = right[element];
    if (element === '.' || added === undefined) {
      continue;
    }
    const known = left[element];
    const united = known === undefined ? added : uniteNodes(known, added);
    if (united !== known) {
      changed ??= childrenOf(left);
      changed.set(element, united);
    }
  }
  const isSame = changed === undefined && (!isOwned || isMember(left));
  return isSame ? left : makeNode(isOwned, changed ?? childrenOf(left));
}

/** The members of `left` that are not members of `right`. */
export function difference(left: FieldsNode, right: FieldsNode): FieldsNode {
  return (
    keepChildren(left, right, { isOwned: false, isWholeKept: true, keep: differenceOfNodes }) ?? NO_FIELDS
  );
}

function differenceOfNodes(left: FieldsNode, right: FieldsNode): FieldsNode | undefined {
  const isOwned = isMember(left) && !isMember(right);
  return keepChildren(left, right, { isOwned, isWholeKept: true, keep: differenceOfNodes });
}

/** The members of both sets. */
export function intersection(left: FieldsNode, right: FieldsNode): FieldsNode {
  return (
    keepChildren(left, right, { isOwned: false, isWholeKept: false, keep: intersectionOfNodes }) ?? NO_FIELDS
  );
}

function intersectionOfNodes(left: FieldsNode, right: FieldsNode): FieldsNode | undefined {
  const isOwned = isMember(left) && isMember(right);
  return keepChildren(left, right, { isOwned, isWholeKept: false, keep: intersectionOfNodes });
}

interface Keeping {
  readonly isOwned: boolean;
  /** Whether a child that only the left side has stays. */
  readonly isWholeKept: boolean;
  readonly keep: (left: FieldsNode, right: FieldsNode) => FieldsNode | undefined;
}

function keepChildren(
  left: FieldsNode,
  right: FieldsNode,
  { isOwned, isWholeKept, keep }: Keeping,
): FieldsNode | undefined {
  const kept = new Map<string, FieldsNode>();
  let isSame = true;
  for (const element in left) {
    const child = left[element];
    if (element === '.' || child === undefined) {
      continue;
    }
    const other = right[element];
    const result = other === undefined ? (isWholeKept ? child : undefined) : keep(child, other);
    isSame &&= result === child;
    if (result !== undefined) {
      kept.set(element, result);
    }
  }
  const wasOwned = isEmptySet(left) ? isOwned : left['.'] !== undefined;
  return isSame && wasOwned === isOwned && (isOwned || kept.size > 0) ? left : makeNode(isOwned, kept);
}

/** `left` without the members of `right` and everything below them. */
export function recursiveDifference(left: FieldsNode, right: FieldsNode): FieldsNode {
  return keepChildren(left, right, { isOwned: false, isWholeKept: true, keep: outside }) ?? NO_FIELDS;
}

function outside(left: FieldsNode, right: FieldsNode): FieldsNode | undefined {
  return isMember(right)
    ? undefined
    : keepChildren(left, right, { isOwned: isMember(left), isWholeKept: true, keep: outside });
}

/** Whether two sets have the same members. */
export function sameFields(left: FieldsNode, right: FieldsNode): boolean {
  if (left === right) {
    return true;
  }
  let count = 0;
  for (const element in left) {
    const [child, other] = [left[element], right[element]];
    if (child === undefined || other === undefined || !sameFields(child, other)) {
      return false;
    }
    count += 1;
  }
  for (const _element in right) {
    count -= 1;
  }
  return count === 0;
}

/** Every member as people read it: `.spec.template.spec.containers[name="web"].image`. */
export function memberPaths(root: FieldsNode): readonly string[] {
  const paths: string[] = [];
  collectPaths(root, '', paths);
  return paths;
}

function collectPaths(node: FieldsNode, path: string, paths: string[]): void {
  if (path !== '' && isMember(node)) {
    paths.push(path);
  }
  for (const element in node) {
    const child = node[element];
    if (element !== '.' && child !== undefined) {
      collectPaths(child, `${path}${elementText(element)}`, paths);
    }
  }
}

function elementText(element: string): string {
  const rest = element.slice(2);
  switch (element[0]) {
    case 'f':
      return `.${rest}`;
    case 'k': {
      const entries = Object.entries(JSON.parse(rest) as Record<string, unknown>);
      return `[${entries.map(([name, value]) => `${name}=${JSON.stringify(value)}`).join(',')}]`;
    }
    case 'v':
      return `[=${rest}]`;
    default:
      return `[${rest}]`;
  }
}
