import type { ResourceInfo } from '#api/resource-table.ts';
import { mutatingPolicyRules, validatingPolicyRules } from '#api/validation/admission-policy-rules.ts';
import { mutatingWebhookRules, validatingWebhookRules } from '#api/validation/admission-rules.ts';
import type { ExpressionChecker } from '#api/validation/expression-check.ts';
import { rules, validatorFor, type AnyRules, type Validator } from '#api/validation/validators.ts';
import { defined } from '#base/assert.ts';
import { defaultStrategy } from '../default-strategy.ts';
import type { Strategy } from '../strategy.ts';

const RULES: Readonly<Record<string, (checker: ExpressionChecker) => AnyRules>> = {
  ValidatingWebhookConfiguration: (checker) => rules(validatingWebhookRules(checker)),
  MutatingWebhookConfiguration: (checker) => rules(mutatingWebhookRules(checker)),
  ValidatingAdmissionPolicy: (checker) => rules(validatingPolicyRules(checker)),
  MutatingAdmissionPolicy: (checker) => rules(mutatingPolicyRules(checker)),
};

/** Kinds with expressions, which are compiled when an object is written. */
export function hasExpressions({ group, kind }: ResourceInfo): boolean {
  return group === 'admissionregistration.k8s.io' && Object.hasOwn(RULES, kind);
}

/** Webhook configurations and admission policies: what compiles their expressions is loaded with the first write. */
export function admissionConfigurationStrategy(info: ResourceInfo): Strategy {
  const base = defaultStrategy(info);
  let loaded: Validator | undefined;
  const load = async (): Promise<void> => {
    if (loaded === undefined) {
      const { checkExpressions } = await import('../../admission/expressions/expression-checker.ts');
      const rulesOf = defined(RULES[info.kind], `rules of ${info.kind}`);
      loaded = validatorFor(info, rulesOf(checkExpressions));
    }
  };
  const validator = (): Validator => defined(loaded, 'the validator, loaded before it is asked');
  return {
    ...base,
    prepareCreate: async (object, context) => {
      await load();
      return base.prepareCreate(object, context);
    },
    prepareUpdate: async (next, current, subresource, context) => {
      await load();
      return base.prepareUpdate(next, current, subresource, context);
    },
    validateCreate: (object) => validator().validateCreate(object),
    validateUpdate: (next, current, subresource) =>
      subresource === 'status'
        ? validator().validateStatusUpdate(next, current)
        : validator().validateUpdate(next, current),
  };
}
