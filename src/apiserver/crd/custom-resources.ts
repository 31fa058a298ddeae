import { isDeepStrictEqual } from 'node:util';
import type { ResourceInfo } from '#api/resource-table.ts';
import { apiVersionOf, type GroupVersionResource } from '#api/resource-type.ts';
import { CUSTOM_RESOURCE_DEFINITION } from '#api/types/resources.ts';
import type {
  CustomResourceDefinition,
  CustomResourceDefinitionVersion,
  JSONSchemaProps,
} from '#api/types/apiextensions.v1.ts';
import { ClusterIpResolver, type ServiceResolver } from '../admission/webhooks/service-resolver.ts';
import type { ObjectReader } from '../object-reader.ts';
import type { ResourceStorage, StorageDeps } from '../registry/resource-storage.ts';
import { Conversions, type Conversion } from './conversion.ts';
import { CustomStorage } from './custom-storage.ts';
import { compileVersion, type CustomVersion } from './custom-strategy.ts';
import { customInfo } from './custom-info.ts';
import { isConditionTrue } from './definition-conditions.ts';
import { compareVersions } from './version-order.ts';

/** One served version of a custom resource. */
export interface ServedCustom {
  readonly info: ResourceInfo;
  readonly version: CustomVersion;
  readonly storage: CustomStorage;
  /** Being deleted: what is there can be read and deleted, nothing new comes. */
  readonly isTerminating: () => boolean;
  /** Fires when the definition changes: watches begin anew, as it is then. */
  readonly ended: AbortSignal;
  /** Set for deprecated versions. */
  readonly warning: string | undefined;
}

interface Compiled {
  readonly served: ReadonlyMap<string, ServedCustom>;
  /** The version that objects are stored in, which need not be served. */
  readonly stored: CustomStorage | undefined;
  readonly ended: AbortController;
}

/**
 * The resources that established CustomResourceDefinitions define, by group, version and plural.
 * It follows the definitions as they are written, so that the request after a definition finds its resource.
 */
export class CustomResources implements Disposable {
  readonly #deps: StorageDeps;
  readonly #conversions: Conversions;
  readonly #definitions = new Map<string, CustomResourceDefinition>();
  readonly #compiled = new Map<string, Compiled | undefined>();
  readonly #listeners = new Set<() => void>();
  #infos: readonly ResourceInfo[] | undefined;

  /** @param services finds conversion webhooks that are Services; by their cluster addresses when left out */
  constructor(deps: StorageDeps, reader: ObjectReader, services?: ServiceResolver) {
    const { clock, random } = deps;
    this.#deps = deps;
    this.#conversions = new Conversions({
      clock,
      random,
      services: services ?? new ClusterIpResolver(reader),
    });
    reader.onChange(CUSTOM_RESOURCE_DEFINITION, ({ object, previous }) => this.#follow(object, previous));
  }

  find({ group, version, resource }: GroupVersionResource): ServedCustom | undefined {
    return this.#compiledOf(`${resource}.${group}`)?.served.get(version);
  }

  /** Every served version of every resource, in discovery order. */
  resources(): readonly ResourceInfo[] {
    this.#infos ??= [...this.#definitions.keys()]
      .toSorted()
      .flatMap((name) => [...(this.#compiledOf(name)?.served.values() ?? [])])
      .map(({ info }) => info)
      .toSorted((left, right) =>
        left.group === right.group
          ? compareVersions(left.version, right.version)
          : left.group < right.group
            ? -1
            : 1,
      );
    return this.#infos;
  }

  /** The schema a version was defined with, and the fields it can be selected by; one that allows anything where it has none. */
  schemaOf(resource: GroupVersionResource): JSONSchemaProps | undefined {
    const definition = this.find(resource)?.version.definition;
    if (definition === undefined) {
      return undefined;
    }
    const { schema, selectableFields = [] } = definition;
    const props = schema?.openAPIV3Schema ?? ANY_OBJECT_PROPS;
    const fields = selectableFields.map(({ jsonPath }) => ({ fieldPath: jsonPath.replace(/^\./, '') }));
    return fields.length === 0
      ? props
      : Object.assign({}, props, { 'x-kubernetes-selectable-fields': fields });
  }

  /** The objects of a definition that exists and was once accepted, as they are stored. */
  storageOf(name: string): ResourceStorage | undefined {
    return this.#compiledOf(name)?.stored;
  }

  /** Calls back whenever other resources, or other schemas, are served. */
  onChange(callback: () => void): void {
    this.#listeners.add(callback);
  }

  /** Closes the connections to conversion webhooks. */
  [Symbol.dispose](): void {
    this.#conversions[Symbol.dispose]();
  }

  #follow(
    object: CustomResourceDefinition | undefined,
    previous: CustomResourceDefinition | undefined,
  ): void {
    const name = object?.metadata.name ?? previous?.metadata.name ?? '';
    if (object === undefined) {
      this.#definitions.delete(name);
    } else {
      this.#definitions.set(name, object);
    }
    if (
      object !== undefined &&
      previous !== undefined &&
      isDeepStrictEqual(served(object), served(previous))
    ) {
      return;
    }
    // Deletion changes what is served and not how; watches go on until the last object is gone.
    if (object === undefined || previous === undefined || !isDeepStrictEqual(form(object), form(previous))) {
      this.#compiled.get(name)?.ended.abort();
      this.#compiled.delete(name);
    }
    this.#infos = undefined;
    this.#listeners.forEach((listener) => listener());
  }

  #compiledOf(name: string): Compiled | undefined {
    const definition = this.#definitions.get(name);
    if (this.#compiled.has(name) || definition === undefined || !isConditionTrue(definition, 'Established')) {
      return this.#compiled.get(name);
    }
    const compiled = compile(definition, {
      deps: this.#deps,
      conversion: this.#conversions.of(definition),
      isTerminating: () => this.#definitions.get(name)?.metadata.deletionTimestamp !== undefined,
    });
    this.#compiled.set(name, compiled);
    return compiled;
  }
}

const ANY_OBJECT_PROPS: JSONSchemaProps = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };

/** Of a definition, what decides how its objects are read and written. */
function form({ metadata: { uid }, spec, status: { acceptedNames } }: CustomResourceDefinition): object {
  return { uid, spec, acceptedNames };
}

/** Of a definition, what decides whether and how its resource is served. */
function served(definition: CustomResourceDefinition): object {
  return {
    ...form(definition),
    isEstablished: isConditionTrue(definition, 'Established'),
    isTerminating: definition.metadata.deletionTimestamp !== undefined,
  };
}

interface CompileOptions {
  readonly deps: StorageDeps;
  readonly conversion: Conversion;
  readonly isTerminating: () => boolean;
}

function compile(
  definition: CustomResourceDefinition,
  { deps, conversion, isTerminating }: CompileOptions,
): Compiled | undefined {
  const versions = definition.spec.versions
    .toSorted((left, right) => compareVersions(left.name, right.name))
    .map((version) => compileVersion(customInfo(definition, version), version));
  const stored = versions.find((version) => version.definition.storage);
  if (stored === undefined) {
    return undefined;
  }
  const family = {
    all: new Map(versions.map((version) => [apiVersionOf(version.info), version])),
    stored,
    conversion,
  };
  const storageOf = new Map(
    versions.map((version) => [version, new CustomStorage(deps, version, family)] as const),
  );
  const ended = new AbortController();
  const served = [...storageOf]
    .filter(([version]) => version.definition.served)
    .map(([version, storage]) => ({
      info: version.info,
      version,
      storage,
      isTerminating,
      ended: ended.signal,
      warning: deprecationWarning(version.info, version.definition),
    }));
  return {
    served: new Map(served.map((each) => [each.info.version, each])),
    stored: storageOf.get(stored),
    ended,
  };
}

function deprecationWarning(
  info: ResourceInfo,
  { deprecated, deprecationWarning: given }: CustomResourceDefinitionVersion,
): string | undefined {
  return deprecated === true ? (given ?? `${apiVersionOf(info)} ${info.kind} is deprecated`) : undefined;
}
