import type { CustomResourceDefinition } from '#api/types/apiextensions.v1.ts';
import type { Random } from '#base/random.ts';
import { isRecord, type JsonRecord } from '#codec/own-property.ts';
import type { WebhookClient } from '../admission/webhooks/webhook-client.ts';
import type { DraftObject } from '../registry/strategy.ts';
import { conversionError } from './conversion.ts';
import { withOwnMetadata } from './converted-metadata.ts';

const TIMEOUT_SECONDS = 30;
const REVIEW_VERSIONS: ReadonlySet<string> = new Set(['v1', 'v1beta1']);

interface Webhook {
  readonly definition: CustomResourceDefinition;
  readonly client: WebhookClient;
  readonly random: Random;
}

/** @throws {StatusError} when the webhook cannot be asked, refuses, or answers with other objects than it was given */
export async function convertByWebhook(
  objects: readonly DraftObject[],
  apiVersion: string,
  webhook: Webhook,
): Promise<readonly DraftObject[]> {
  const given = objects.filter((object) => object.apiVersion !== apiVersion);
  const [first] = given;
  if (first === undefined) {
    return objects;
  }
  const kind = `${first.apiVersion}, Kind=${first.kind}${objects.length > 1 ? 'List' : ''}`;
  const answer = await ask(given, apiVersion, webhook);
  if (typeof answer === 'string') {
    throw conversionError(`conversion webhook for ${kind} failed: ${answer}`);
  }
  if (answer.length !== given.length) {
    throw conversionError(
      `conversion webhook for ${kind} returned ${answer.length} objects, expected ${given.length}`,
    );
  }
  const converted = new Map(
    given.map((object, index) => {
      const result = checked(answer[index], object, apiVersion);
      if (typeof result === 'string') {
        const place = objects.length > 1 ? `converted object at index ${index}` : 'object at index 0';
        throw conversionError(`conversion webhook for ${kind} returned invalid ${place}: ${result}`);
      }
      return [object, result] as const;
    }),
  );
  return objects.map((object) => converted.get(object) ?? object);
}

/** The converted objects, or why there are none. */
async function ask(
  objects: readonly DraftObject[],
  desiredAPIVersion: string,
  { definition, client, random }: Webhook,
): Promise<readonly unknown[] | string> {
  const { clientConfig, conversionReviewVersions = [] } = definition.spec.conversion?.webhook ?? {};
  const version = conversionReviewVersions.find((each) => REVIEW_VERSIONS.has(each));
  if (clientConfig === undefined || version === undefined) {
    return 'no supported conversion review versions';
  }
  const uid = random.uuid();
  const caBundle = Buffer.from(clientConfig.caBundle ?? '', 'base64')
    .toString('latin1')
    .trim();
  const { caBundle: _authority, ...address } = clientConfig;
  const answer = await client.post(
    caBundle === '' ? address : clientConfig,
    {
      kind: 'ConversionReview',
      apiVersion: `apiextensions.k8s.io/${version}`,
      request: { uid, desiredAPIVersion, objects },
    },
    TIMEOUT_SECONDS,
  );
  return answer.kind === 'failed'
    ? answer.why.replace(/^failed to call webhook: /, '')
    : convertedObjects(answer.value, { uid, version });
}

function convertedObjects(
  review: unknown,
  { uid, version }: { readonly uid: string; readonly version: string },
): readonly unknown[] | string {
  const { apiVersion = '', kind = '', response } = isRecord(review) ? review : {};
  const group = 'apiextensions.k8s.io';
  if (version === 'v1' && (apiVersion !== `${group}/v1` || kind !== 'ConversionReview')) {
    return `expected webhook response of ${group}/v1, Kind=ConversionReview, got ${String(apiVersion)}, Kind=${String(kind)}`;
  }
  if (!isRecord(response)) {
    return 'no response provided';
  }
  if (version === 'v1' && response['uid'] !== uid) {
    return `expected response.uid=${JSON.stringify(uid)}, got ${JSON.stringify(response['uid'] ?? '')}`;
  }
  const result: JsonRecord = isRecord(response['result']) ? response['result'] : {};
  const { status = '', message = '' } = result;
  if (status !== 'Success') {
    return typeof message === 'string' && message !== ''
      ? message
      : `response.result.status was '${String(status)}', not 'Success'`;
  }
  const { convertedObjects: objects } = response;
  return Array.isArray(objects) ? (objects as readonly unknown[]) : [];
}

/** The answer with the identity of what was asked about, or what is wrong with it. */
function checked(answer: unknown, object: DraftObject, apiVersion: string): DraftObject | string {
  const { apiVersion: version = '', kind = '' } = isRecord(answer) ? answer : {};
  if (version !== apiVersion) {
    return `invalid groupVersion (expected ${apiVersion}, received ${String(version)})`;
  }
  if (kind !== object.kind) {
    return `invalid kind (expected ${object.kind}, received ${String(kind)})`;
  }
  return withOwnMetadata(object, answer as JsonRecord);
}
