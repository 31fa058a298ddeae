import type { NewObject } from '#api/object.ts';
import type {
  MutatingWebhook,
  MutatingWebhookConfiguration,
  ValidatingWebhook,
  ValidatingWebhookConfiguration,
  WebhookClientConfig,
} from '#api/types/admissionregistration.v1.ts';
import type { CustomResourceConversion } from '#api/types/apiextensions.v1.ts';
import type { AdmissionWebhook, ServedWebhook } from './served-webhook.ts';

/** How the API server reaches the webhooks: by a Service in front of the operator's pods, or by an address. */
export type WebhookAddress =
  | { readonly service: { readonly namespace: string; readonly name: string; readonly port?: number } }
  | { readonly url: string };

export interface ConfigurationOptions {
  /** Of the configuration objects. */
  readonly name: string;
  readonly address: WebhookAddress;
  /** PEM. */
  readonly authorityPem: string;
}

export const CONVERSION_PATH = '/convert';

/** Where a webhook is served: `/mutate-example-com-v1-website`, as controller-runtime has it. */
export function pathOf(webhook: ServedWebhook): string {
  if (webhook.kind === 'converting') {
    return CONVERSION_PATH;
  }
  const { group, version, kind } = webhook.resource;
  const verb = webhook.kind === 'mutating' ? 'mutate' : 'validate';
  return `/${verb}-${group.replaceAll('.', '-')}-${version}-${kind.toLowerCase()}`;
}

/** The objects that tell the API server to ask the webhooks; apply them to the cluster. */
export function configurationsOf(
  webhooks: readonly ServedWebhook[],
  options: ConfigurationOptions,
): readonly (NewObject<MutatingWebhookConfiguration> | NewObject<ValidatingWebhookConfiguration>)[] {
  const apiVersion = 'admissionregistration.k8s.io/v1';
  const metadata = { name: options.name };
  const of = (kind: AdmissionWebhook['kind']): readonly (MutatingWebhook & ValidatingWebhook)[] =>
    webhooks.flatMap((webhook) =>
      webhook.kind !== 'converting' && webhook.kind === kind ? [registration(webhook, options)] : [],
    );
  const mutating = of('mutating');
  const validating = of('validating');
  return [
    ...(mutating.length === 0
      ? []
      : [{ apiVersion, kind: 'MutatingWebhookConfiguration', metadata, webhooks: mutating } as const]),
    ...(validating.length === 0
      ? []
      : [{ apiVersion, kind: 'ValidatingWebhookConfiguration', metadata, webhooks: validating } as const]),
  ];
}

/** What goes into `spec.conversion` of a CustomResourceDefinition. */
export function conversionOf(options: Omit<ConfigurationOptions, 'name'>): CustomResourceConversion {
  return {
    strategy: 'Webhook',
    webhook: { clientConfig: clientConfig(CONVERSION_PATH, options), conversionReviewVersions: ['v1'] },
  };
}

function registration(
  webhook: AdmissionWebhook,
  options: ConfigurationOptions,
): MutatingWebhook & ValidatingWebhook {
  const { resource, rules, kind } = webhook;
  const { group, version, resource: plural } = resource;
  const { operations = ['CREATE', 'UPDATE'], failurePolicy = 'Fail', timeoutSeconds = 10 } = rules;
  return {
    // A name has three parts at least, and the core group has none to give.
    name: `${kind}.${plural}.${group === '' ? 'core.k8s.io' : group}`,
    clientConfig: clientConfig(pathOf(webhook), options),
    rules: [{ apiGroups: [group], apiVersions: [version], resources: [plural], operations }],
    failurePolicy,
    timeoutSeconds,
    sideEffects: 'None',
    admissionReviewVersions: ['v1'],
  };
}

function clientConfig(
  path: string,
  { address, authorityPem }: Pick<ConfigurationOptions, 'address' | 'authorityPem'>,
): WebhookClientConfig {
  const caBundle = Buffer.from(authorityPem).toString('base64');
  return 'url' in address
    ? { url: `${address.url}${path}`, caBundle }
    : { service: { ...address.service, path }, caBundle };
}
