import { isNotFound } from '#api/status-error.ts';
import type { ConfigMap, Secret } from '#api/types/core.v1.ts';
import { CONFIG_MAP, SECRET } from '#api/types/resources.ts';
import type { Client } from '#client/client.ts';

/** The ConfigMaps and Secrets that pods refer to. */
export interface ConfigSources {
  /** Undefined when there is none. */
  configMap(namespace: string, name: string, signal?: AbortSignal): Promise<ConfigMap | undefined>;
  secret(namespace: string, name: string, signal?: AbortSignal): Promise<Secret | undefined>;
}

/** Reads from the API server each time: what a container starts with is never older than its start. */
export class ApiConfigSources implements ConfigSources {
  readonly #client: Client;

  constructor(client: Client) {
    this.#client = client;
  }

  configMap(namespace: string, name: string, signal?: AbortSignal): Promise<ConfigMap | undefined> {
    return ifFound(this.#client.of(CONFIG_MAP).get(namespace, name, signal));
  }

  secret(namespace: string, name: string, signal?: AbortSignal): Promise<Secret | undefined> {
    return ifFound(this.#client.of(SECRET).get(namespace, name, signal));
  }
}

async function ifFound<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading;
  } catch (error) {
    if (isNotFound(error)) {
      return undefined;
    }
    throw error;
  }
}

/** The text of every key, whichever of the two fields holds it. Bytes that are not text are replaced. */
export function configMapTexts({ data, binaryData }: ConfigMap): ReadonlyMap<string, string> {
  return new Map([
    ...Object.entries(data ?? {}),
    ...Object.entries(binaryData ?? {}).map(
      ([key, value]) => [key, Buffer.from(value, 'base64').toString('utf8')] as const,
    ),
  ]);
}

export function secretTexts({ data }: Secret): ReadonlyMap<string, string> {
  return new Map(
    Object.entries(data ?? {}).map(([key, value]) => [key, Buffer.from(value, 'base64').toString('utf8')]),
  );
}
