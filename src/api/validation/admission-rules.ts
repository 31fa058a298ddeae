import { dns1035LabelProblems, dnsSubdomainProblems } from '../names.ts';
import { jsonEqual } from '#base/json-equal.ts';
import type {
  MutatingWebhook,
  MutatingWebhookConfiguration,
  ValidatingWebhook,
  ValidatingWebhookConfiguration,
} from '../types/admissionregistration.v1.ts';
import {
  checkMatchConditions,
  checkRule,
  FAILURE_POLICIES,
  MATCH_POLICIES,
  REINVOCATION_POLICIES,
} from './admission-match-rules.ts';
import { UNCHECKED_EXPRESSIONS, type ExpressionChecker } from './expression-check.ts';
import type { KindRules } from './kind-rules.ts';
import { checkLabelSelector } from './label-selector-rules.ts';
import type { Problems } from './problems.ts';
import { checkWebhookPath, checkWebhookUrl } from './webhook-client-rules.ts';

const TIMEOUT_SECONDS_MAX = 30;
const NO_SIDE_EFFECTS = ['None', 'NoneOnDryRun'];
const SIDE_EFFECTS = ['None', 'NoneOnDryRun', 'Some', 'Unknown'];
const REVIEW_VERSIONS = ['v1', 'v1beta1'];

type Webhook = ValidatingWebhook & Pick<MutatingWebhook, 'reinvocationPolicy'>;

/** What a configuration that was stored before later rules may keep. */
interface Leniency {
  readonly ignoresConditions: boolean;
  readonly allowsSideEffects: boolean;
  readonly allowsUnknownVersions: boolean;
  readonly allowsSameNames: boolean;
}

const STRICT: Leniency = {
  ignoresConditions: false,
  allowsSideEffects: false,
  allowsUnknownVersions: false,
  allowsSameNames: false,
};

/** @param expressions compiles match conditions */
export function validatingWebhookRules(
  expressions: ExpressionChecker,
): KindRules<ValidatingWebhookConfiguration> {
  return {
    onCreate: (problems, { webhooks = [] }) => checkWebhooks(problems, webhooks, { expressions, ...STRICT }),
    onUpdate: (problems, { webhooks = [] }, previous) =>
      checkWebhooks(problems, webhooks, { expressions, ...leniency(webhooks, previous.webhooks ?? []) }),
  };
}

/** @param expressions compiles match conditions */
export function mutatingWebhookRules(
  expressions: ExpressionChecker,
): KindRules<MutatingWebhookConfiguration> {
  return {
    onCreate: (problems, { webhooks = [] }) => checkWebhooks(problems, webhooks, { expressions, ...STRICT }),
    onUpdate: (problems, { webhooks = [] }, previous) =>
      checkWebhooks(problems, webhooks, { expressions, ...leniency(webhooks, previous.webhooks ?? []) }),
  };
}

export const VALIDATING_WEBHOOK_RULES = validatingWebhookRules(UNCHECKED_EXPRESSIONS);
export const MUTATING_WEBHOOK_RULES = mutatingWebhookRules(UNCHECKED_EXPRESSIONS);

function leniency(next: readonly Webhook[], previous: readonly Webhook[]): Leniency {
  const conditions = (webhooks: readonly Webhook[]): unknown =>
    webhooks.map(({ matchConditions = [] }) => matchConditions);
  return {
    ignoresConditions: jsonEqual(conditions(next), conditions(previous)),
    allowsSideEffects: previous.some(({ sideEffects = '' }) => !NO_SIDE_EFFECTS.includes(sideEffects)),
    allowsUnknownVersions: previous.some(
      ({ admissionReviewVersions: versions }) => versions.length > 0 && !hasKnownVersion(versions),
    ),
    allowsSameNames: new Set(previous.map(({ name }) => name)).size < previous.length,
  };
}

type Options = Leniency & { readonly expressions: ExpressionChecker };

function checkWebhooks(problems: Problems, webhooks: readonly Webhook[], options: Options): void {
  const names = new Set<string>();
  for (const [index, webhook] of webhooks.entries()) {
    const at = `webhooks[${index}]`;
    checkWebhook(problems, at, webhook, options);
    checkReviewVersions(
      problems,
      `${at}.admissionReviewVersions`,
      webhook.admissionReviewVersions,
      options.allowsUnknownVersions,
    );
    if (!options.allowsSameNames && webhook.name !== '' && names.has(webhook.name)) {
      problems.duplicate(`${at}.name`, webhook.name);
    }
    names.add(webhook.name);
  }
}

function checkWebhook(problems: Problems, path: string, webhook: Webhook, options: Options): void {
  const { failurePolicy, matchPolicy, reinvocationPolicy, sideEffects, timeoutSeconds } = webhook;
  checkQualifiedName(problems, `${path}.name`, webhook.name);
  for (const [index, rule] of (webhook.rules ?? []).entries()) {
    checkRule(problems, `${path}.rules[${index}]`, rule);
  }
  if (failurePolicy !== undefined) {
    problems.oneOf(`${path}.failurePolicy`, failurePolicy, FAILURE_POLICIES);
  }
  if (matchPolicy !== undefined) {
    problems.oneOf(`${path}.matchPolicy`, matchPolicy, MATCH_POLICIES);
  }
  const allowed = options.allowsSideEffects ? SIDE_EFFECTS : NO_SIDE_EFFECTS;
  problems.requiredOneOf(
    `${path}.sideEffects`,
    sideEffects,
    allowed,
    `must specify one of ${allowed.join(', ')}`,
  );
  if (timeoutSeconds !== undefined && (timeoutSeconds < 1 || timeoutSeconds > TIMEOUT_SECONDS_MAX)) {
    problems.invalid(
      `${path}.timeoutSeconds`,
      timeoutSeconds,
      `the timeout value must be between 1 and ${TIMEOUT_SECONDS_MAX} seconds`,
    );
  }
  checkLabelSelector(problems, `${path}.namespaceSelector`, webhook.namespaceSelector);
  checkLabelSelector(problems, `${path}.objectSelector`, webhook.objectSelector);
  if (reinvocationPolicy !== undefined) {
    problems.oneOf(`${path}.reinvocationPolicy`, reinvocationPolicy, REINVOCATION_POLICIES);
  }
  checkClientConfig(problems, `${path}.clientConfig`, webhook.clientConfig);
  if (!options.ignoresConditions) {
    checkMatchConditions(
      problems,
      `${path}.matchConditions`,
      webhook.matchConditions,
      options.expressions({ hasParams: false }),
    );
  }
}

/** A domain of three or more parts. */
function checkQualifiedName(problems: Problems, path: string, name: string): void {
  const wrong = name === '' ? [] : dnsSubdomainProblems(name);
  if (name === '') {
    problems.required(path);
  } else if (wrong.length > 0) {
    problems.invalid(path, name, wrong.join(','));
  } else if (name.split('.').length < 3) {
    problems.invalid(path, name, 'should be a domain with at least three segments separated by dots');
  }
}

function hasKnownVersion(versions: readonly string[]): boolean {
  return versions.some((version) => REVIEW_VERSIONS.includes(version));
}

function checkReviewVersions(
  problems: Problems,
  path: string,
  versions: readonly string[],
  allowsUnknown: boolean,
): void {
  if (versions.length === 0) {
    problems.required(path, `must specify one of ${REVIEW_VERSIONS.join(', ')}`);
    return;
  }
  for (const [index, version] of versions.entries()) {
    if (versions.indexOf(version) === index) {
      problems.names(`${path}[${index}]`, version, dns1035LabelProblems(version));
    } else {
      problems.invalid(`${path}[${index}]`, version, 'duplicate version');
    }
  }
  if (!allowsUnknown && !hasKnownVersion(versions)) {
    problems.invalid(path, versions, `must include at least one of ${REVIEW_VERSIONS.join(', ')}`);
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
