import type {
  ConfigMap,
  DownwardAPIVolumeFile,
  KeyToPath,
  Pod,
  Secret,
  Volume,
  VolumeProjection,
} from '#api/types/core.v1.ts';
import { utf8Encode } from '#base/bytes.ts';
import type { ConfigSources } from '../container/config-sources.ts';
import { fieldValue, resourceValue, type FieldContext } from '../container/field-values.ts';
import type { PayloadFile } from './atomic-writer.ts';
import type { ServiceAccountTokens } from './service-account-tokens.ts';

const MODE_DEFAULT = 0o644;
/** A token's owner alone may read it, when the pod says who that is. */
const TOKEN_MODE = 0o600;

export interface PayloadDeps {
  readonly sources: ConfigSources;
  readonly tokens: ServiceAccountTokens;
  readonly fields: FieldContext;
}

/** The files of a volume whose content comes from the API; undefined for a volume of another kind. */
export async function volumePayload(
  pod: Pod,
  volume: Volume,
  deps: PayloadDeps,
  signal: AbortSignal,
): Promise<Map<string, PayloadFile> | undefined> {
  const { configMap, secret, downwardAPI, projected } = volume;
  const projections: readonly VolumeProjection[] | undefined =
    configMap !== undefined
      ? [{ configMap }]
      : secret !== undefined
        ? [{ secret: { ...secret, ...(secret.secretName === undefined ? {} : { name: secret.secretName }) } }]
        : downwardAPI !== undefined
          ? [{ downwardAPI: { items: downwardAPI.items ?? [] } }]
          : projected === undefined
            ? undefined
            : (projected.sources ?? []);
  if (projections === undefined) {
    return undefined;
  }
  const mode = (configMap ?? secret ?? downwardAPI ?? projected)?.defaultMode ?? MODE_DEFAULT;
  const payload = new Map<string, PayloadFile>();
  for (const projection of projections) {
    await project({ pod, deps, mode, payload, signal }, projection);
  }
  return payload;
}

interface Projecting {
  readonly pod: Pod;
  readonly deps: PayloadDeps;
  readonly mode: number;
  readonly payload: Map<string, PayloadFile>;
  readonly signal: AbortSignal;
}

async function project(context: Projecting, projection: VolumeProjection): Promise<void> {
  const { pod, deps, payload, signal, mode } = context;
  const { namespace } = pod.metadata;
  const { configMap, secret, downwardAPI, serviceAccountToken } = projection;
  if (configMap !== undefined) {
    const { name = '', optional = false, items } = configMap;
    const found = await deps.sources.configMap(namespace, name, signal);
    addItems(context, found && configMapBytes(found), {
      missing: `configmap "${name}" not found`,
      missingKey: 'references non-existent config key',
      optional,
      items,
    });
  } else if (secret !== undefined) {
    const { name = '', optional = false, items } = secret;
    const found = await deps.sources.secret(namespace, name, signal);
    addItems(context, found && secretBytes(found), {
      missing: `secret "${name}" not found`,
      missingKey: 'references non-existent secret key',
      optional,
      items,
    });
  } else if (downwardAPI !== undefined) {
    for (const item of downwardAPI.items ?? []) {
      const data = utf8Encode(downwardText(pod, item, deps.fields));
      payload.set(item.path, { data, mode: item.mode ?? mode });
    }
  } else if (serviceAccountToken !== undefined) {
    const token = await deps.tokens.token(pod, serviceAccountToken, signal);
    const uid = commonUser(pod);
    const isRestricted = uid !== undefined || pod.spec.securityContext?.fsGroup !== undefined;
    payload.set(serviceAccountToken.path, {
      data: utf8Encode(token),
      mode: isRestricted ? TOKEN_MODE : mode,
      ...(uid === undefined ? {} : { uid }),
    });
  } else {
    const kind = Object.keys(projection)[0] ?? 'empty';
    throw new Error(`projected volume sources of type ${kind} are not supported by Coracle yet`);
  }
}

interface ItemsOf {
  readonly missing: string;
  readonly missingKey: string;
  readonly optional: boolean;
  readonly items: readonly KeyToPath[] | undefined;
}

function addItems(
  { payload, mode }: Projecting,
  bytes: ReadonlyMap<string, Uint8Array> | undefined,
  { missing, missingKey, optional, items }: ItemsOf,
): void {
  if (bytes === undefined) {
    if (!optional) {
      throw new Error(missing);
    }
    return;
  }
  if (items === undefined || items.length === 0) {
    for (const [key, data] of bytes) {
      payload.set(key, { data, mode });
    }
    return;
  }
  for (const { key, path, mode: own } of items) {
    const data = bytes.get(key);
    if (data !== undefined) {
      payload.set(path, { data, mode: own ?? mode });
    } else if (!optional) {
      throw new Error(`${missingKey}: ${key}`);
    }
  }
}

function downwardText(
  pod: Pod,
  { fieldRef, resourceFieldRef }: DownwardAPIVolumeFile,
  fields: FieldContext,
): string {
  if (fieldRef !== undefined) {
    return fieldValue(pod, fieldRef, fields);
  }
  return resourceFieldRef === undefined
    ? ''
    : resourceValue(pod, resourceFieldRef.containerName ?? '', resourceFieldRef, fields);
}

function configMapBytes({ data, binaryData }: ConfigMap): ReadonlyMap<string, Uint8Array> {
  return new Map([
    ...Object.entries(data ?? {}).map(([key, text]) => [key, utf8Encode(text)] as const),
    ...Object.entries(binaryData ?? {}).map(([key, text]) => [key, Buffer.from(text, 'base64')] as const),
  ]);
}

function secretBytes({ data }: Secret): ReadonlyMap<string, Uint8Array> {
  return new Map(Object.entries(data ?? {}).map(([key, text]) => [key, Buffer.from(text, 'base64')]));
}

/** The user that all containers of the pod run as, when the pod says so. */
function commonUser({ spec }: Pod): number | undefined {
  const users = new Set(
    [...(spec.initContainers ?? []), ...spec.containers].map(
      ({ securityContext }) => securityContext?.runAsUser ?? spec.securityContext?.runAsUser,
    ),
  );
  return users.size === 1 ? [...users][0] : undefined;
}
