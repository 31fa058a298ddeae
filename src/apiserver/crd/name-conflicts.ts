import type {
  CustomResourceDefinition,
  CustomResourceDefinitionCondition,
  CustomResourceDefinitionNames,
} from '#api/types/apiextensions.v1.ts';

export interface NamesDecision {
  readonly acceptedNames: CustomResourceDefinitionNames;
  readonly condition: Omit<CustomResourceDefinitionCondition, 'lastTransitionTime'>;
}

/**
 * Gives a definition the names it asks for, one by one, unless another definition of the group has them already.
 *
 * @param others the group's other definitions; of them, what was accepted counts
 */
export function decideNames(
  { spec, status }: CustomResourceDefinition,
  others: readonly CustomResourceDefinition[],
): NamesDecision {
  const taken = others.map(({ status: { acceptedNames } }) => acceptedNames);
  const resources = new Set(
    taken.flatMap(({ plural, singular = '', shortNames = [] }) => [plural, singular, ...shortNames]),
  );
  const kinds = new Set(taken.flatMap(({ kind, listKind = '' }) => [kind, listKind]));
  const asked = spec.names;
  const conflicts: { readonly reason: string; readonly names: readonly string[] }[] = [];
  const accept = (reason: string, names: readonly string[], among: ReadonlySet<string>): boolean => {
    const used = names.filter((name) => name !== '' && among.has(name));
    if (used.length > 0) {
      conflicts.push({ reason, names: used });
    }
    return used.length === 0;
  };
  const { singular = '', shortNames = [], listKind = '', categories } = asked;
  const kept = status.acceptedNames;
  const acceptedShort = accept('ShortNamesConflict', shortNames, resources) ? shortNames : kept.shortNames;
  const acceptedNames = {
    plural: accept('PluralConflict', [asked.plural], resources) ? asked.plural : kept.plural,
    singular: accept('SingularConflict', [singular], resources) ? singular : (kept.singular ?? ''),
    ...(acceptedShort === undefined || acceptedShort.length === 0 ? {} : { shortNames: acceptedShort }),
    kind: accept('KindConflict', [asked.kind], kinds) ? asked.kind : kept.kind,
    listKind: accept('ListKindConflict', [listKind], kinds) ? listKind : (kept.listKind ?? ''),
    ...(categories === undefined || categories.length === 0 ? {} : { categories }),
  };
  return { acceptedNames, condition: namesCondition(conflicts) };
}

function namesCondition(
  conflicts: readonly { readonly reason: string; readonly names: readonly string[] }[],
): NamesDecision['condition'] {
  const last = conflicts.at(-1);
  if (last === undefined) {
    return { type: 'NamesAccepted', status: 'True', reason: 'NoConflicts', message: 'no conflicts found' };
  }
  const messages = last.names.map((name) => `${JSON.stringify(name)} is already in use`);
  const message = messages.length === 1 ? messages.join('') : `[${messages.join(', ')}]`;
  return { type: 'NamesAccepted', status: 'False', reason: last.reason, message };
}
