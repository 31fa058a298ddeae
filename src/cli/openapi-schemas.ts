import { isRecord, type JsonRecord } from '#codec/own-property.ts';
import type { ApiResource } from './discovery.ts';
import { listAt, recordAt, textAt, valueAt } from './object-access.ts';
import type { RestClient } from './rest-client.ts';

/** The schemas of one group version, as the server's OpenAPI v3 document has them. */
export class OpenApiSchemas {
  readonly #document: unknown;

  constructor(document: unknown) {
    this.#document = document;
  }

  /** The schema of a kind; undefined when the document does not have it. */
  ofKind({ group, version, kind }: Pick<ApiResource, 'group' | 'version' | 'kind'>): JsonRecord | undefined {
    return Object.values(recordAt(this.#document, 'components', 'schemas'))
      .filter(isRecord)
      .find((schema) =>
        listAt(schema, 'x-kubernetes-group-version-kind').some(
          (each) =>
            textAt(each, 'group') === group &&
            textAt(each, 'version') === version &&
            textAt(each, 'kind') === kind,
        ),
      );
  }

  /** The schema that a `$ref` names, or the schema itself. */
  resolve(schema: JsonRecord): JsonRecord {
    const name = refName(schema);
    return name === '' ? schema : recordAt(this.#document, 'components', 'schemas', name);
  }
}

/** `io.k8s.api.core.v1.PodSpec`, or nothing when the schema is no reference. */
export function refName(schema: JsonRecord): string {
  return textAt(schema, '$ref').replace(/^.*\//, '');
}

/** The schemas that stand for one another: `allOf`, the items of a list, the values of a map. */
export function innerSchemas(schema: JsonRecord): readonly JsonRecord[] {
  return [
    ...listAt(schema, 'allOf'),
    valueAt(schema, 'items'),
    valueAt(schema, 'additionalProperties'),
  ].filter(isRecord);
}

/** Fetches the document of a group version; undefined when the server has none. */
export async function fetchSchemas(
  client: RestClient,
  { group, version }: Pick<ApiResource, 'group' | 'version'>,
): Promise<OpenApiSchemas | undefined> {
  const index = await client.request({ path: '/openapi/v3' });
  const path = textAt(
    index,
    'paths',
    group === '' ? `api/${version}` : `apis/${group}/${version}`,
    'serverRelativeURL',
  );
  return path === '' ? undefined : new OpenApiSchemas(await client.request({ path }));
}
