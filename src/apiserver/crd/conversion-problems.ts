import { createSecureContext } from 'node:tls';
import { dns1035LabelProblems } from '#api/names.ts';
import type {
  CustomResourceConversion,
  CustomResourceDefinition,
  WebhookClientConfig,
} from '#api/types/apiextensions.v1.ts';
import { checkWebhookPath, checkWebhookUrl } from '#api/validation/webhook-client-rules.ts';
import type { Problems } from '#api/validation/problems.ts';
import { isConditionTrue } from './definition-conditions.ts';

const PATH = 'spec.conversion';
/** Upstream's own form names the client apart from the rest of the webhook. */
const CLIENT_PATH = `${PATH}.webhookClientConfig`;
const REVIEWS_PATH = `${PATH}.conversionReviewVersions`;
const REVIEW_VERSIONS = ['v1', 'v1beta1'];

/** @param previous the definition before; what was wrong with it and did not matter then does not now */
export function checkConversion(
  problems: Problems,
  conversion: CustomResourceConversion | undefined,
  previous: CustomResourceDefinition | undefined,
): void {
  if (conversion === undefined) {
    return;
  }
  problems.requiredOneOf(`${PATH}.strategy`, conversion.strategy, ['None', 'Webhook']);
  const client = conversion.webhook?.clientConfig;
  const reviews = conversion.webhook?.conversionReviewVersions ?? [];
  if (conversion.strategy !== 'Webhook') {
    const detail = 'should not be set when strategy is not set to Webhook';
    if (client !== undefined) {
      problems.forbidden(CLIENT_PATH, detail);
    }
    if (reviews.length > 0) {
      problems.forbidden(REVIEWS_PATH, detail);
    }
    return;
  }
  if (client === undefined) {
    problems.required(CLIENT_PATH, 'required when strategy is set to Webhook');
  } else {
    checkClient(problems, client, previous);
  }
  checkReviews(problems, reviews, previous);
}

function checkClient(
  problems: Problems,
  { url, service, caBundle = '' }: WebhookClientConfig,
  previous: CustomResourceDefinition | undefined,
): void {
  if ((url === undefined) === (service === undefined)) {
    problems.required(CLIENT_PATH, 'exactly one of url or service is required');
  } else if (url !== undefined) {
    checkWebhookUrl(problems, `${CLIENT_PATH}.url`, url);
  } else if (service !== undefined) {
    const at = `${CLIENT_PATH}.service`;
    // Upstream mixes the two up, and clients see its sentences.
    if (service.namespace === '') {
      problems.required(`${at}.name`, '');
    }
    if (service.name === '') {
      problems.required(`${at}.namespace`, '');
    }
    const { port = 443, path } = service;
    if (port < 1 || port > 65_535) {
      problems.invalid(`${at}.port`, port, 'port is not valid: must be between 1 and 65535, inclusive');
    }
    checkWebhookPath(problems, `${at}.path`, path);
  }
  const isTolerated =
    previous === undefined || !isConditionTrue(previous, 'Established') || hadBadAuthority(previous);
  if (caBundle !== '' && !isTolerated && !isAuthority(caBundle)) {
    problems.invalid(
      `${CLIENT_PATH}.caBundle`,
      caBundle,
      'unable to load root certificates: unable to parse bytes as PEM block',
    );
  }
}

function hadBadAuthority({ spec }: CustomResourceDefinition): boolean {
  const before = spec.conversion?.webhook?.clientConfig?.caBundle ?? '';
  return before !== '' && !isAuthority(before);
}

/** Whether a text in base64 holds certificates. */
function isAuthority(base64: string): boolean {
  const pem = Buffer.from(base64, 'base64').toString('latin1');
  if (!pem.includes('-----BEGIN CERTIFICATE-----')) {
    return false;
  }
  try {
    createSecureContext({ ca: pem });
    return true;
  } catch {
    // Anything that OpenSSL cannot read is no authority, whatever it says of it.
    return false;
  }
}

function checkReviews(
  problems: Problems,
  reviews: readonly string[],
  previous: CustomResourceDefinition | undefined,
): void {
  if (reviews.length === 0) {
    problems.required(REVIEWS_PATH, '');
    return;
  }
  reviews.forEach((version, index) => {
    if (reviews.indexOf(version) < index) {
      problems.invalid(`${REVIEWS_PATH}[${index}]`, version, 'duplicate version');
      return;
    }
    for (const wrong of dns1035LabelProblems(version)) {
      problems.invalid(`${REVIEWS_PATH}[${index}]`, version, wrong);
    }
  });
  const isKnown = (versions: readonly string[]): boolean =>
    versions.some((version) => REVIEW_VERSIONS.includes(version));
  const before = previous?.spec.conversion?.webhook?.conversionReviewVersions ?? [];
  if (!isKnown(reviews) && (before.length === 0 || isKnown(before))) {
    problems.invalid(REVIEWS_PATH, reviews, `must include at least one of ${REVIEW_VERSIONS.join(', ')}`);
  }
}
