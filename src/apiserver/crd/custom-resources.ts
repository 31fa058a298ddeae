import { isDeepStrictEqual } from 'node:util';
import type { ResourceInfo } from '#api/resource-table.ts';
import { apiVersionOf, type GroupVersionResource } from '#api/resource-type.ts';
import type { ApiObject } from '#api/object.ts';
import { CUSTOM_RESOURCE_DEFINITION } from '#api/types/resources.ts';
import type {
  CustomResourceDefinition,
  CustomResourceDefinitionVersion,
  JSONSchemaProps,
} from '#api/types/apiextensions.v1.ts';
import type { ObjectReader } from '../object-reader.ts';
import type { ResourceStorage, StorageDeps } from '../registry/resource-storage.ts';
import type { DraftObject } from '../registry/strategy.ts';
import type { VersionView } from '../registry/versions/version-view.ts';
import { CustomStorage } from './custom-storage.ts';
import { coerce, compileVersion, type CustomVersion } from './custom-strategy.ts';
import { customInfo } from './custom-info.ts';
import { isConditionTrue } from './definition-conditions.ts';
import { compareVersions } from './version-order.ts';

/** One served version of a custom resource. */
export interface ServedCustom {
  readonly info: ResourceInfo;
  readonly version: CustomVersion;
  readonly storage: ResourceStorage;
  /** Set when the version is not the stored one. */
  readonly view: VersionView | undefined;
  /** Set when only a webhook knows how to make this version from the stored one. */
  readonly needsWebhook: boolean;
  /** Being deleted: what is there can be read and deleted, nothing new comes. */
  readonly isTerminating: boolean;
  /** Set for deprecated versions. */
  readonly warning: string | undefined;
}

/**
 * The resources that established CustomResourceDefinitions define, by group, version and plural.
 * It follows the definitions as they are written, so that the request after a definition finds its resource.
 */
export class CustomResources {
  readonly #deps: StorageDeps;
  readonly #definitions = new Map<string, CustomResourceDefinition>();
  readonly #compiled = new Map<string, ReadonlyMap<string, ServedCustom>>();
  readonly #listeners = new Set<() => void>();
  #infos: readonly ResourceInfo[] | undefined;

  constructor(deps: StorageDeps, reader: ObjectReader) {
    this.#deps = deps;
    reader.onChange(CUSTOM_RESOURCE_DEFINITION, ({ object, previous }) => this.#follow(object, previous));
  }

  find({ group, version, resource }: GroupVersionResource): ServedCustom | undefined {
    return this.#versionsOf(`${resource}.${group}`)?.get(version);
  }

  /** Every served version of every resource, in discovery order. */
  resources(): readonly ResourceInfo[] {
    this.#infos ??= [...this.#definitions.keys()]
      .toSorted()
      .flatMap((name) => [...(this.#versionsOf(name)?.values() ?? [])])
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

  /** The schema a version was defined with; one that allows anything where it has none. */
  schemaOf(resource: GroupVersionResource): JSONSchemaProps | undefined {
    const served = this.find(resource);
    return served === undefined
      ? undefined
      : (served.version.definition.schema?.openAPIV3Schema ?? {
          type: 'object',
          'x-kubernetes-preserve-unknown-fields': true,
        });
  }

  /** One storage for each resource whose definition exists and was once accepted. */
  storageOf(name: string): ResourceStorage | undefined {
    return [...(this.#versionsOf(name)?.values() ?? [])][0]?.storage;
  }

  /** Calls back whenever other resources, or other schemas, are served. */
  onChange(callback: () => void): void {
    this.#listeners.add(callback);
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
    this.#compiled.delete(name);
    this.#infos = undefined;
    this.#listeners.forEach((listener) => listener());
  }

  #versionsOf(name: string): ReadonlyMap<string, ServedCustom> | undefined {
    const known = this.#compiled.get(name);
    const definition = this.#definitions.get(name);
    if (known !== undefined || definition === undefined || !isConditionTrue(definition, 'Established')) {
      return known;
    }
    const compiled = compile(definition, this.#deps);
    this.#compiled.set(name, compiled);
    return compiled;
  }
}

/** Of a definition, what decides how its resource is served. */
function served(definition: CustomResourceDefinition): object {
  return {
    uid: definition.metadata.uid,
    spec: definition.spec,
    names: definition.status.acceptedNames,
    isEstablished: isConditionTrue(definition, 'Established'),
    isTerminating: definition.metadata.deletionTimestamp !== undefined,
  };
}

function compile(definition: CustomResourceDefinition, deps: StorageDeps): ReadonlyMap<string, ServedCustom> {
  const all = definition.spec.versions
    .toSorted((left, right) => compareVersions(left.name, right.name))
    .map((version) => compileVersion(customInfo(definition, version), version));
  const stored = all.find((version) => version.definition.storage);
  if (stored === undefined) {
    return new Map();
  }
  const storage = new CustomStorage(deps, stored);
  const isTerminating = definition.metadata.deletionTimestamp !== undefined;
  return new Map(
    all
      .filter((version) => version.definition.served)
      .map((version) => [
        version.info.version,
        {
          info: version.info,
          version,
          storage,
          view: version === stored ? undefined : viewOf(version, stored),
          needsWebhook: version !== stored && definition.spec.conversion?.strategy === 'Webhook',
          isTerminating,
          warning: deprecationWarning(version.info, version.definition),
        },
      ]),
  );
}

/** Conversion `None`: the same fields under another version, cut to that version's schema. */
function viewOf(version: CustomVersion, stored: CustomVersion): VersionView {
  return {
    info: version.info,
    struct: version.struct,
    custom: version.kind,
    toStorage: (object: ApiObject) => coerce(object as DraftObject, stored),
    fromStorage: (object: ApiObject) => coerce(object as DraftObject, version),
  };
}

function deprecationWarning(
  info: ResourceInfo,
  { deprecated, deprecationWarning: given }: CustomResourceDefinitionVersion,
): string | undefined {
  return deprecated === true ? (given ?? `${apiVersionOf(info)} ${info.kind} is deprecated`) : undefined;
}
