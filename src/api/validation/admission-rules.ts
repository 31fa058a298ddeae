import { dnsSubdomainProblems } from '../names.ts';
import type {
  MutatingWebhook,
  MutatingWebhookConfiguration,
  RuleWithOperations,
  ValidatingWebhook,
  ValidatingWebhookConfiguration,
} from '../types/admissionregistration.v1.ts';
import type { KindRules } from './kind-rules.ts';
import { checkLabelSelector } from './label-selector-rules.ts';
import type { Problems } from './problems.ts';
import { checkWebhookPath, checkWebhookUrl } from './webhook-client-rules.ts';

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

type Webhook = ValidatingWebhook & Pick<MutatingWebhook, 'reinvocationPolicy'>;

function checkWebhooks(problems: Problems, webhooks: readonly Webhook[] | undefined): void {
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

function checkWebhook(problems: Problems, path: string, webhook: Webhook): void {
  const { name, clientConfig, rules, sideEffects, admissionReviewVersions, timeoutSeconds } = webhook;
  problems.requiredName(`${path}.name`, name, dnsSubdomainProblems);
  if (name !== '' && name.split('.').length < 3) {
    problems.invalid(
      `${path}.name`,
      name,
      'should be a domain with at least three segments separated by dots',
    );
  }
  checkReviewVersions(problems, `${path}.admissionReviewVersions`, admissionReviewVersions);
  for (const [field, supported] of [
    ['failurePolicy', ['Fail', 'Ignore']],
    ['matchPolicy', ['Equivalent', 'Exact']],
    ['reinvocationPolicy', ['IfNeeded', 'Never']],
  ] as const) {
    const value = webhook[field];
    if (value !== undefined) {
      problems.oneOf(`${path}.${field}`, value, supported);
    }
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
  checkClientConfig(problems, `${path}.clientConfig`, clientConfig);
  for (const [index, rule] of (rules ?? []).entries()) {
    checkRule(problems, `${path}.rules[${index}]`, rule);
  }
}

function checkReviewVersions(problems: Problems, path: string, versions: readonly string[]): void {
  if (versions.length === 0) {
    problems.required(path, 'must specify one of v1, v1beta1');
  } else if (!versions.includes('v1') && !versions.includes('v1beta1')) {
    problems.invalid(path, versions, 'must include at least one of v1, v1beta1');
  }
  for (const [index, version] of versions.entries()) {
    if (versions.indexOf(version) !== index) {
      problems.duplicate(`${path}[${index}]`, version);
    }
  }
}

function checkClientConfig(problems: Problems, path: string, config: Webhook['clientConfig']): void {
  const { url, service } = config;
  if ((url === undefined) === (service === undefined)) {
    problems.required(path, 'exactly one of url or service is required');
  } else if (url !== undefined) {
    checkWebhookUrl(problems, `${path}.url`, url);
  } else if (service !== undefined) {
    checkService(problems, `${path}.service`, service);
  }
}

function checkService(
  problems: Problems,
  at: string,
  { name, namespace, path, port }: NonNullable<Webhook['clientConfig']['service']>,
): void {
  if (name === '') {
    problems.required(`${at}.name`, 'service name is required');
  }
  if (namespace === '') {
    problems.required(`${at}.namespace`, 'service namespace is required');
  }
  if (port !== undefined && (port < 1 || port > 65_535)) {
    problems.invalid(`${at}.port`, port, 'port is not valid: must be between 1 and 65535, inclusive');
  }
  checkWebhookPath(problems, `${at}.path`, path);
}

function checkRule(problems: Problems, at: string, rule: RuleWithOperations): void {
  for (const [field, others] of [
    ['operations', 'operations'],
    ['apiGroups', 'API groups'],
    ['apiVersions', 'API versions'],
  ] as const) {
    const values: readonly string[] = rule[field] ?? [];
    if (values.length === 0) {
      problems.required(`${at}.${field}`);
    } else if (values.length > 1 && values.includes('*')) {
      problems.invalid(`${at}.${field}`, values, `if '*' is present, must not specify other ${others}`);
    }
  }
  for (const [index, operation] of (rule.operations ?? []).entries()) {
    problems.oneOf(`${at}.operations[${index}]`, operation, OPERATIONS);
  }
  for (const [index, version] of (rule.apiVersions ?? []).entries()) {
    if (version === '') {
      problems.required(`${at}.apiVersions[${index}]`);
    }
  }
  if (rule.scope !== undefined) {
    problems.oneOf(`${at}.scope`, rule.scope, ['*', 'Cluster', 'Namespaced']);
  }
  checkRuleResources(problems, `${at}.resources`, rule.resources ?? []);
}

/** A wildcard beside what it already takes in is a mistake. */
function checkRuleResources(problems: Problems, at: string, resources: readonly string[]): void {
  if (resources.length === 0) {
    problems.required(at);
    return;
  }
  const wholes = new Set<string>();
  const everywhere = new Set<string>();
  for (const [index, pattern] of resources.entries()) {
    const [resource = '', subresource = ''] = pattern.split('/');
    if (pattern === '') {
      problems.required(`${at}[${index}]`);
    } else if (pattern === '*/*') {
      if (resources.length > 1) {
        problems.invalid(at, resources, "if '*/*' is present, must not specify other resources");
      }
    } else if (wholes.has(resource)) {
      problems.invalid(
        `${at}[${index}]`,
        pattern,
        `if '${resource}/*' is present, must not specify ${pattern}`,
      );
    } else if (subresource !== '' && everywhere.has(subresource)) {
      problems.invalid(
        `${at}[${index}]`,
        pattern,
        `if '*/${subresource}' is present, must not specify ${pattern}`,
      );
    } else if (subresource === '*') {
      wholes.add(resource);
    } else if (resource === '*' && subresource !== '') {
      everywhere.add(subresource);
    }
  }
  const isMixed = resources.some((pattern) => pattern !== '*' && !pattern.includes('/'));
  if (resources.includes('*') && isMixed) {
    problems.invalid(
      at,
      resources,
      "if '*' is present, must not specify other resources without subresources",
    );
  }
}
