import { dnsSubdomainProblems, pathSegmentProblems } from '../names.ts';
import { resourceOfKind } from '../resource-table.ts';
import type { GroupVersionKind } from '../resource-type.ts';
import type { FieldError } from '../status-error.ts';
import { type AnyMeta, checkMeta, checkMetaUpdate } from './object-meta.ts';
import type { KindRules } from './kind-rules.ts';
import { POD_RULES } from './pod.ts';
import { Problems } from './problems.ts';

/** Says what is wrong with objects of one kind; an empty list when nothing is. Objects are in normal form, with defaults. */
export interface Validator {
  validateCreate(object: object): readonly FieldError[];
  validateUpdate(next: object, previous: object): readonly FieldError[];
  validateStatusUpdate(next: object, previous: object): readonly FieldError[];
}

/** The table's key names the kind, so each rule gets the objects it was written for. */
type AnyRules = KindRules<object>;

function rules<T extends object>(of: KindRules<T>): AnyRules {
  return of as unknown as AnyRules;
}

const RULES: ReadonlyMap<string, AnyRules> = new Map([['/Pod', rules(POD_RULES)]]);

/** The validator of a kind, built in or not. A kind without rules of its own still has its metadata checked. */
export function validatorFor(kind: GroupVersionKind & { readonly namespaced?: boolean }): Validator {
  const special = RULES.get(`${kind.group}/${kind.kind}`) ?? {};
  const isNamespaced = kind.namespaced ?? resourceOfKind(kind)?.namespaced ?? true;
  const metaRules = { isNamespaced, nameRule: special.nameRule ?? (kind.group === 'rbac.authorization.k8s.io' ? pathSegmentProblems : dnsSubdomainProblems) };
  return {
    validateCreate(object) {
      const problems = new Problems();
      checkMeta(problems, metaOf(object), metaRules);
      special.check?.(problems, object);
      special.onCreate?.(problems, object);
      return problems.found;
    },
    validateUpdate(next, previous) {
      const problems = new Problems();
      checkMetaUpdate(problems, metaOf(next), metaOf(previous));
      special.check?.(problems, next);
      special.onUpdate?.(problems, next, previous);
      return problems.found;
    },
    validateStatusUpdate(next, previous) {
      const problems = new Problems();
      checkMetaUpdate(problems, metaOf(next), metaOf(previous));
      special.onStatusUpdate?.(problems, next, previous);
      return problems.found;
    },
  };
}

function metaOf(object: object): AnyMeta {
  return (object as { readonly metadata: AnyMeta }).metadata;
}
