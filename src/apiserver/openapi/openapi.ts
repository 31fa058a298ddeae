import { createHash } from 'node:crypto';
import type { ResourceInfo } from '#api/resource-table.ts';
import { apiVersionOf, type GroupVersionKind } from '#api/resource-type.ts';
import { structOfKind, tableName, typeNames, structType } from '#api/schema/schema.ts';
import type { JSONSchemaProps } from '#api/types/apiextensions.v1.ts';
import type { ApiResult } from '../endpoints/api-call.ts';
import type { DiscoverySource } from '../endpoints/discovery.ts';
import { KUBERNETES_VERSION } from '../endpoints/version.ts';
import { addCustomKind } from './custom-kind.ts';
import { Descriptions, type DescriptionFile } from './descriptions.ts';
import { pathItems } from './path-items.ts';
import { OPENAPI_V2, OPENAPI_V3, SchemaDocument, type Dialect } from './schema-document.ts';

const UNDESCRIBED = new Descriptions({});
const INFO = { title: 'Kubernetes', version: KUBERNETES_VERSION };

export interface SchemaSource extends DiscoverySource {
  /** The schema that a custom resource's version was defined with; undefined for built-in ones. */
  schemaOf(info: ResourceInfo): JSONSchemaProps | undefined;
}

/** Gives the texts of built-in types; an empty file where there are none. */
export type DescriptionLoader = () => Promise<DescriptionFile>;

/**
 * `/openapi/v2` and `/openapi/v3`, made from the same tables that decode and validate. A document is built
 * when it is first asked for and kept until the served resources change.
 */
export class OpenApi {
  readonly #source: SchemaSource;
  readonly #loadDescriptions: DescriptionLoader;
  readonly #documents = new Map<string, string>();
  #descriptions = UNDESCRIBED;
  #loading: Promise<void> | undefined;

  /** @param loadDescriptions is asked once, with the first document */
  constructor(source: SchemaSource, loadDescriptions: DescriptionLoader) {
    this.#source = source;
    this.#loadDescriptions = loadDescriptions;
  }

  /** The answer for a path below `/openapi`, or undefined when there is none. */
  async serve(path: string): Promise<ApiResult | undefined> {
    const [, root, version, ...rest] = path.split('/');
    if (root !== 'openapi') {
      return undefined;
    }
    this.#loading ??= this.#load();
    await this.#loading;
    if (version === 'v2' && rest.length === 0) {
      return json(this.#document('v2', () => this.#v2()));
    }
    if (version !== 'v3') {
      return undefined;
    }
    if (rest.length === 0) {
      return json(this.#document('v3', () => this.#index()));
    }
    const key = rest.join('/');
    return this.#groupVersions().has(key) ? json(this.#groupVersionDocument(key)) : undefined;
  }

  /** Drops what was built; the next request sees the resources served then. */
  reset(): void {
    this.#documents.clear();
  }

  async #load(): Promise<void> {
    this.#descriptions = new Descriptions(await this.#loadDescriptions());
  }

  #document(key: string, build: () => object): string {
    let text = this.#documents.get(key);
    if (text === undefined) {
      text = JSON.stringify(build());
      this.#documents.set(key, text);
    }
    return text;
  }

  #groupVersions(): ReadonlyMap<string, readonly ResourceInfo[]> {
    return Map.groupBy(this.#source.resources(), (info) =>
      info.group === '' ? `api/${info.version}` : `apis/${apiVersionOf(info)}`,
    );
  }

  #groupVersionDocument(key: string): string {
    return this.#document(key, () => this.#v3(this.#groupVersions().get(key) ?? []));
  }

  #index(): object {
    const paths = [...this.#groupVersions()]
      .toSorted(([left], [right]) => (left < right ? -1 : 1))
      .map(([key, infos]) => {
        const hash = this.#hashOf(infos);
        return [key, { serverRelativeURL: `/openapi/v3/${key}?hash=${hash}` }] as const;
      });
    return { paths: Object.fromEntries(paths) };
  }

  /** Of the document without its texts, which change with the program only: most clients read just one document. */
  #hashOf(infos: readonly ResourceInfo[]): string {
    const bare = JSON.stringify(this.#v3(infos, UNDESCRIBED));
    const described = this.#descriptions.isEmpty ? '' : KUBERNETES_VERSION;
    return createHash('sha512').update(bare).update(described).digest('hex').toUpperCase();
  }

  #v3(infos: readonly ResourceInfo[], descriptions = this.#descriptions): object {
    const document = this.#schemas(infos, OPENAPI_V3, descriptions);
    const paths = Object.fromEntries(infos.flatMap((info) => pathItems(info, document)));
    return { openapi: '3.0.0', info: INFO, paths, components: { schemas: document.schemas() } };
  }

  #v2(): object {
    const document = this.#schemas(this.#source.resources(), OPENAPI_V2, this.#descriptions);
    return { swagger: '2.0', info: INFO, paths: {}, definitions: document.schemas() };
  }

  #schemas(infos: readonly ResourceInfo[], dialect: Dialect, descriptions: Descriptions): SchemaDocument {
    const document = new SchemaDocument(dialect, kindsByType(infos), descriptions);
    for (const info of infos) {
      const { group, version, kind } = info;
      const schema = this.#source.schemaOf(info);
      if (schema !== undefined) {
        addCustomKind(document, info, schema);
        continue;
      }
      for (const name of [kind, `${kind}List`]) {
        const struct = structOfKind(group, version, name);
        if (struct !== undefined) {
          document.ref(struct);
        }
      }
    }
    return document;
  }
}

/** The kinds that stand for themselves in a document, by the name of their type. */
function kindsByType(infos: readonly ResourceInfo[]): ReadonlyMap<string, readonly GroupVersionKind[]> {
  const kinds = new Map<string, readonly GroupVersionKind[]>();
  const groupVersions = new Map(
    infos.map(({ group, version }) => [tableName(group, version), { group, version }]),
  );
  for (const { group, version } of groupVersions.values()) {
    for (const name of typeNames(group, version)) {
      if (structType(name)?.isKind === true) {
        kinds.set(name, [{ group, kind: name.slice(name.lastIndexOf('.') + 1), version }]);
      }
    }
  }
  return kinds;
}

function json(text: string): ApiResult {
  return { kind: 'text', code: 200, contentType: 'application/json', text };
}
