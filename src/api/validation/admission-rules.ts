import { dnsSubdomainProblems } from '../names.ts';
import type {
  MutatingWebhookConfiguration,
  ValidatingWebhook,
  ValidatingWebhookConfiguration,
} from '../types/admissionregistration.v1.ts';
import type { KindRules } from './kind-rules.ts';
import { checkLabelSelector } from './label-selector-rules.ts';
import type { Problems } from './problems.ts';

const TIMEOUT_SECONDS_MAX = 30;
const OPERATIONS = ['*', 'CONNECT', 'CREATE', 'DELETE', 'UPDATE'];

export const VALIDATING_WEBHOOK_RULES: KindRules<ValidatingWebhookConfiguration> = {
  check(problems, { webhooks }) {
    checkWebhooks(problems, webhooks);
  },
};

export const MUTATING_WEBHOOK_RULES: KindRules<MutatingWebhookConfiguration> = {
  check(problems, { webhooks }) {
    checkWebhooks(problems, webhooks);
  },
};

function checkWebhooks(problems: Problems, webhooks: readonly ValidatingWebhook[] | undefined): void {
  const names = new Set<string>();
  for (const [index, webhook] of (webhooks ?? []).entries()) {
    const at = `webhooks[${index}]`;
    checkWebhook(problems, at, webhook);
    if (names.has(webhook.name)) {
      problems.duplicate(`${at}.name`, webhook.name);
    }
    names.add(webhook.name);
  }
}

function checkWebhook(problems: Problems, path: string, webhook: ValidatingWebhook): void {
  const { name, clientConfig, rules, sideEffects, admissionReviewVersions, timeoutSeconds } = webhook;
  problems.requiredName(`${path}.name`, name, dnsSubdomainProblems);
  if (name !== '' && name.split('.').length < 3) {
    problems.invalid(
      `${path}.name`,
      name,
      'should be a domain with at least three segments separated by dots',
    );
  }
  if (admissionReviewVersions.length === 0) {
    problems.required(`${path}.admissionReviewVersions`, 'must specify one of v1, v1beta1');
  }
  problems.requiredOneOf(`${path}.sideEffects`, sideEffects, ['None', 'NoneOnDryRun']);
  if (timeoutSeconds !== undefined && (timeoutSeconds < 1 || timeoutSeconds > TIMEOUT_SECONDS_MAX)) {
    problems.invalid(
      `${path}.timeoutSeconds`,
      timeoutSeconds,
      `the timeout value must be between 1 and ${TIMEOUT_SECONDS_MAX} seconds`,
    );
  }
  checkLabelSelector(problems, `${path}.namespaceSelector`, webhook.namespaceSelector);
  checkLabelSelector(problems, `${path}.objectSelector`, webhook.objectSelector);
  if ((clientConfig.url === undefined) === (clientConfig.service === undefined)) {
    problems.required(`${path}.clientConfig`, 'exactly one of url or service is required');
  }
  for (const [index, rule] of (rules ?? []).entries()) {
    const at = `${path}.rules[${index}]`;
    for (const field of ['operations', 'apiGroups', 'apiVersions', 'resources'] as const) {
      if ((rule[field] ?? []).length === 0) {
        problems.required(`${at}.${field}`);
      }
    }
    for (const [operationIndex, operation] of (rule.operations ?? []).entries()) {
      problems.oneOf(`${at}.operations[${operationIndex}]`, operation, OPERATIONS);
    }
  }
}
