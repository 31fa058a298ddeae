import type { SubjectAccessReview } from '#api/types/authorization.v1.ts';
import { schemaVariable, type Environment } from '#cel/environment.ts';
import { MATCH_CONDITIONS_COST_BUDGET, PER_CALL_COST_MAX } from '#cel/kubernetes-environment.ts';
import { compile, type Program } from '#cel/program.ts';
import type { Schema } from '#cel/schema.ts';
import { BOOL, sameType } from '#cel/types.ts';
import { kubernetesExpressions } from '../expressions/kubernetes-expressions.ts';
import { ReviewError } from '../review-webhook/review-webhook.ts';

const TEXT: Schema = { kind: 'string' };
const TEXTS: Schema = { kind: 'list', items: TEXT };

function object(name: string, fields: Readonly<Record<string, Schema>>): Schema {
  const entries = Object.entries(fields).map(([field, schema]) => [field, { schema }] as const);
  return { kind: 'object', name: `kubernetes.${name}`, fields: Object.fromEntries(entries) };
}

function selector(kind: 'Field' | 'Label'): Schema {
  const requirement = object(`${kind}SelectorRequirement`, { key: TEXT, operator: TEXT, values: TEXTS });
  return object(`${kind}SelectorAttributes`, {
    rawSelector: TEXT,
    requirements: { kind: 'list', items: requirement },
  });
}

const SPEC = object('SubjectAccessReviewSpec', {
  resourceAttributes: object('ResourceAttributes', {
    namespace: TEXT,
    verb: TEXT,
    group: TEXT,
    version: TEXT,
    resource: TEXT,
    subresource: TEXT,
    name: TEXT,
    fieldSelector: selector('Field'),
    labelSelector: selector('Label'),
  }),
  nonResourceAttributes: object('NonResourceAttributes', { path: TEXT, verb: TEXT }),
  user: TEXT,
  groups: TEXTS,
  extra: { kind: 'map', values: TEXTS },
  uid: TEXT,
});

let environment: Environment | undefined;

/** Conditions under which an authorizer is asked at all: all must hold. */
export class ReviewConditions {
  readonly #programs: readonly Program[];

  private constructor(programs: readonly Program[]) {
    this.#programs = programs;
  }

  /** One text for each expression that cannot be used, by its place. */
  static compile(sources: readonly string[]): ReviewConditions | ReadonlyMap<number, string> {
    environment ??= kubernetesExpressions().extend([schemaVariable('request', SPEC)]);
    const programs: Program[] = [];
    const problems = new Map<number, string>();
    for (const [index, source] of sources.entries()) {
      const compiled = compile(source, environment);
      if (!compiled.ok) {
        problems.set(index, `compilation failed: ${compiled.message}`);
      } else if (sameType(compiled.program.type, BOOL)) {
        programs.push(compiled.program);
      } else {
        problems.set(index, 'must evaluate to bool');
      }
    }
    return problems.size > 0 ? problems : new ReviewConditions(programs);
  }

  /** One condition that does not hold decides, also when others fail. @throws {ReviewError} */
  match(spec: SubjectAccessReview['spec']): boolean {
    const problems: string[] = [];
    let remaining = MATCH_CONDITIONS_COST_BUDGET;
    for (const program of this.#programs) {
      const outcome = program.evaluate(
        { request: filled(spec) },
        { costBudget: Math.min(remaining, PER_CALL_COST_MAX) },
      );
      remaining -= outcome.cost;
      if (!outcome.ok) {
        problems.push(
          `cel evaluation error: expression '${program.source}' resulted in error: ${outcome.error}`,
        );
      } else if (outcome.value !== true) {
        return false;
      }
    }
    if (problems.length > 0) {
      throw new ReviewError(problems.length > 1 ? `[${problems.join(', ')}]` : problems[0]);
    }
    return true;
  }
}

/** Fields of a part that is there can be read though they are empty, as in Go. */
function filled(spec: SubjectAccessReview['spec']): object {
  const { resourceAttributes, nonResourceAttributes, user = '', groups = [], extra = {}, uid = '' } = spec;
  const empty = { namespace: '', verb: '', group: '', version: '', resource: '', subresource: '', name: '' };
  return {
    user,
    groups,
    extra,
    uid,
    ...(resourceAttributes === undefined ? {} : { resourceAttributes: { ...empty, ...resourceAttributes } }),
    ...(nonResourceAttributes === undefined ? {} : { nonResourceAttributes }),
  };
}
