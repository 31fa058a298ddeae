import { jsonEqual } from '#base/json-equal.ts';
import type { ExtensionClient } from './extension-client.ts';
import { rootPathOf, type RemoteApi } from './remote-api.ts';

const TIMEOUT_MS = 60_000;

type Json = Readonly<Record<string, unknown>>;

/** The parts of an OpenAPI v2 document that are merged. */
export interface SwaggerPart {
  readonly paths: Json;
  readonly definitions: Json;
}

/** Where the document of one version lies, in the words of its server's index; undefined when it has none. @throws {Error} */
export async function fetchV3Location(client: ExtensionClient, api: RemoteApi): Promise<object | undefined> {
  const { code, body } = await client.get(api, '/openapi/v3', {
    accept: 'application/json',
    timeoutMs: TIMEOUT_MS,
  });
  if (code !== 200) {
    return undefined;
  }
  const { paths = {} } = JSON.parse(body) as { readonly paths?: Readonly<Record<string, object>> };
  return paths[rootPathOf(api).slice(1)];
}

/** What an extension server's document says of one version; undefined when it has none. @throws {Error} */
export async function fetchV2(client: ExtensionClient, api: RemoteApi): Promise<SwaggerPart | undefined> {
  const { code, body } = await client.get(api, '/openapi/v2', {
    accept: 'application/json',
    timeoutMs: TIMEOUT_MS,
  });
  if (code !== 200) {
    return undefined;
  }
  const { paths = {}, definitions = {} } = JSON.parse(body) as Partial<SwaggerPart>;
  return partBelow({ paths, definitions }, `${rootPathOf(api)}/`);
}

const REFERENCE = '#/definitions/';

/** The paths below a prefix and every definition that they lead to. */
export function partBelow({ paths, definitions }: SwaggerPart, prefix: string): SwaggerPart {
  const kept = Object.fromEntries(Object.entries(paths).filter(([path]) => path.startsWith(prefix)));
  const names = new Set<string>();
  const open = [...referencesIn(kept)];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (!names.has(name) && Object.hasOwn(definitions, name)) {
      names.add(name);
      open.push(...referencesIn(definitions[name]));
    }
  }
  return {
    paths: kept,
    definitions: Object.fromEntries(Object.entries(definitions).filter(([name]) => names.has(name))),
  };
}

/** Both documents in one. A path that both have stays the first one's; a definition that differs gets another name. */
export function mergeV2(first: SwaggerPart, second: SwaggerPart): SwaggerPart {
  const renamed = new Map<string, string>();
  for (const [name, definition] of Object.entries(second.definitions)) {
    if (Object.hasOwn(first.definitions, name) && !jsonEqual(first.definitions[name], definition)) {
      renamed.set(name, freeName(name, first.definitions, second.definitions));
    }
  }
  const { paths, definitions } = withNames(second, renamed);
  return {
    paths: { ...paths, ...first.paths },
    definitions: {
      ...first.definitions,
      ...Object.fromEntries(
        Object.entries(definitions).map(([name, value]) => [renamed.get(name) ?? name, value]),
      ),
    },
  };
}

function freeName(name: string, ...taken: readonly Json[]): string {
  for (let number = 2; ; number++) {
    const candidate = `${name}_v${number}`;
    if (!taken.some((names) => Object.hasOwn(names, candidate))) {
      return candidate;
    }
  }
}

function withNames(part: SwaggerPart, renamed: ReadonlyMap<string, string>): SwaggerPart {
  if (renamed.size === 0) {
    return part;
  }
  return JSON.parse(JSON.stringify(part), (key, value: unknown) =>
    key === '$ref' && typeof value === 'string' && value.startsWith(REFERENCE)
      ? `${REFERENCE}${renamed.get(value.slice(REFERENCE.length)) ?? value.slice(REFERENCE.length)}`
      : value,
  ) as SwaggerPart;
}

function referencesIn(value: unknown): readonly string[] {
  const found: string[] = [];
  JSON.stringify(value, (key, each: unknown) => {
    if (key === '$ref' && typeof each === 'string' && each.startsWith(REFERENCE)) {
      found.push(each.slice(REFERENCE.length));
    }
    return each;
  });
  return found;
}
