import { isServedByDefault, resourceInfo, resourceOfKind } from '#api/resource-table.ts';
import type { GroupVersionKind } from '#api/resource-type.ts';
import { structOfKind } from '#api/schema/schema.ts';
import type { Schema } from '#cel/schema.ts';
import { builtInSchema, metadataSchema } from '../admission/policies/built-in-schema.ts';
import type { KindSchemas } from '../admission/policies/type-checking.ts';
import { celSchemaOf } from '../crd/rules/rule-schema.ts';
import type { Registry } from './registry.ts';

/** How expressions see the objects of all kinds that are served, built in or not. */
export function kindSchemas(registry: Registry): KindSchemas {
  return {
    kindOf(resource) {
      const builtIn = resourceInfo(resource);
      return builtIn !== undefined && isServedByDefault(builtIn)
        ? builtIn
        : registry.custom.find(resource)?.info;
    },
    schemaOf(kind) {
      const struct = structOfKind(kind.group, kind.version, kind.kind);
      return struct === undefined ? customSchema(registry, kind) : builtInSchema(struct, kind.kind);
    },
  };
}

function customSchema(registry: Registry, wanted: GroupVersionKind): Schema | undefined {
  const { group, version, kind } = wanted;
  const info =
    resourceOfKind(wanted) ??
    registry.custom
      .resources()
      .find((each) => each.group === group && each.version === version && each.kind === kind);
  const served = info === undefined ? undefined : registry.custom.find(info);
  const schema = served === undefined ? undefined : celSchemaOf(served.version.schema, true);
  // Schemas of custom resources leave out what all objects have.
  return schema?.kind === 'object'
    ? {
        ...schema,
        fields: { ...schema.fields, metadata: { schema: metadataSchema(`${schema.name}.metadata`) } },
      }
    : schema;
}
