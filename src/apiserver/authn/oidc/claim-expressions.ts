import type { Environment } from '#cel/environment.ts';
import { schemaVariable } from '#cel/environment.ts';
import { jsonOfValue } from '#cel/json-of-value.ts';
import { PER_CALL_COST_MAX } from '#cel/kubernetes-environment.ts';
import { compile, type Program } from '#cel/program.ts';
import { adaptUntyped, type Schema } from '#cel/schema.ts';
import { BOOL, DYN, mapOf, sameType, STRING } from '#cel/types.ts';
import { isError } from '#cel/value.ts';
import { kubernetesExpressions } from '../../expressions/kubernetes-expressions.ts';
import type { UserInfo } from '../user.ts';

const TEXTS: Schema = { kind: 'list', items: { kind: 'string' } };

const USER: Schema = {
  kind: 'object',
  name: 'kubernetes.UserInfo',
  fields: {
    username: { schema: { kind: 'string' } },
    uid: { schema: { kind: 'string' } },
    groups: { schema: TEXTS },
    extra: { schema: { kind: 'map', values: TEXTS } },
  },
};

/** What an expression about an identity speaks of. */
export type Subject = 'claims' | 'user';

let environments: Readonly<Record<Subject, Environment>> | undefined;

function environmentOf(subject: Subject): Environment {
  environments ??= {
    claims: kubernetesExpressions().extend([
      { name: 'claims', type: mapOf(STRING, DYN), adapt: adaptUntyped },
    ]),
    user: kubernetesExpressions().extend([schemaVariable('user', USER)]),
  };
  return environments[subject];
}

/** An expression over a token's claims, or over the user that was made of them. */
export class IdentityExpression {
  readonly source: string;
  readonly #program: Program;
  readonly #subject: Subject;

  private constructor(source: string, program: Program, subject: Subject) {
    this.source = source;
    this.#program = program;
    this.#subject = subject;
  }

  /** A text says why it cannot be used. @param isRule rules come to true or false */
  static compile(source: string, subject: Subject, isRule: boolean): IdentityExpression | string {
    const compiled = compile(source, environmentOf(subject));
    if (!compiled.ok) {
      return `compilation failed: ${compiled.message}`;
    }
    return isRule && !sameType(compiled.program.type, BOOL)
      ? 'must evaluate to bool'
      : new IdentityExpression(source, compiled.program, subject);
  }

  /** The JSON of what it comes to. @throws {ExpressionError} */
  evaluate(value: object): unknown {
    const outcome = this.#program.evaluate({ [this.#subject]: value }, { costBudget: PER_CALL_COST_MAX });
    if (!outcome.ok) {
      throw new ExpressionError(`expression '${this.source}' resulted in error: ${outcome.error}`);
    }
    const json = jsonOfValue(outcome.value);
    if (typeof json === 'object' && json !== null && !Array.isArray(json) && isError(json as never)) {
      throw new ExpressionError(`expression '${this.source}' resulted in a value without JSON`);
    }
    return json;
  }

  /** True when the text of the expression reads this claim. */
  reads(claim: string): boolean {
    return new RegExp(`\\bclaims\\s*(?:\\.\\??\\s*${claim}\\b|\\[\\??\\s*['"]${claim}['"]\\s*\\])`).test(
      this.source,
    );
  }
}

/** An expression could not be evaluated. */
export class ExpressionError extends Error {
  override readonly name = 'ExpressionError';
  readonly code = 'authn/expression';
}

/** A user as expressions see it. */
export function userValue({ name, uid = '', groups, extra }: UserInfo): object {
  return { username: name, uid, groups, extra };
}
