import type { JSONSchemaProps } from '#api/types/apiextensions.v1.ts';
import type { Problems } from '#api/validation/problems.ts';
import { isSchemaProps } from './structural-schema.ts';

/** What is wrong with how a schema says its lists are sets or maps. */
export function checkLists(problems: Problems, schema: JSONSchemaProps, path: string): void {
  const listType = schema['x-kubernetes-list-type'];
  const keys = schema['x-kubernetes-list-map-keys'] ?? [];
  const items = isSchemaProps(schema.items) ? schema.items : undefined;
  if (listType !== undefined && schema.type !== 'array') {
    const detail = 'must be array if x-kubernetes-list-type is specified';
    if ((schema.type ?? '') === '') {
      problems.required(`${path}.type`, detail);
    } else {
      problems.invalid(`${path}.type`, schema.type, detail);
    }
  } else if (listType === 'set' && items !== undefined) {
    checkSetItems(problems, items, `${path}.items`);
  }
  if (listType !== undefined) {
    problems.oneOf(`${path}.x-kubernetes-list-type`, listType, ['atomic', 'set', 'map']);
  }
  if (keys.length > 0 && listType !== 'map') {
    const detail = 'must be map if x-kubernetes-list-map-keys is non-empty';
    if (listType === undefined) {
      problems.required(`${path}.x-kubernetes-list-type`, detail);
    } else {
      problems.invalid(`${path}.x-kubernetes-list-type`, listType, detail);
    }
  }
  if (listType === 'map') {
    checkMapItems(problems, schema, keys, path);
  }
  if (items !== undefined && (listType === 'map' || listType === 'set')) {
    checkNothingMissing(problems, items, listType === 'map' ? keys : [], { path, listType });
  }
}

/** Members of a set are compared as a whole, so nobody may own parts of them. */
function checkSetItems(problems: Problems, items: JSONSchemaProps, path: string): void {
  const detail = 'must be atomic as item of a list with x-kubernetes-list-type=set';
  // Upstream says the list type in both sentences.
  const said = items['x-kubernetes-list-type'] ?? null;
  if (items.type === 'array' && said !== null && said !== 'atomic') {
    problems.invalid(`${path}.x-kubernetes-list-type`, said, detail);
  } else if (items.type === 'object' && items['x-kubernetes-map-type'] !== 'atomic') {
    problems.invalid(`${path}.x-kubernetes-map-type`, said, detail);
  }
}

function checkMapItems(
  problems: Problems,
  { items }: JSONSchemaProps,
  keys: readonly string[],
  path: string,
): void {
  const keysPath = `${path}.x-kubernetes-list-map-keys`;
  if (keys.length === 0) {
    problems.required(keysPath, 'must not be empty if x-kubernetes-list-type is map');
  }
  if (items === undefined) {
    problems.required(`${path}.items`, 'must have a schema if x-kubernetes-list-type is map');
    return;
  }
  if (!isSchemaProps(items)) {
    problems.invalid(
      `${path}.items`,
      items,
      'must only have a single schema if x-kubernetes-list-type is map',
    );
    return;
  }
  if (items.type !== 'object') {
    problems.invalid(
      `${path}.items.type`,
      items.type ?? '',
      "must be object if parent array's x-kubernetes-list-type is map",
    );
    return;
  }
  const seen = new Set<string>();
  for (const key of keys) {
    const property = items.properties?.[key];
    if (property === undefined) {
      problems.invalid(keysPath, keys, 'entries must all be names of item properties');
    } else if (property.type === 'array' || property.type === 'object') {
      problems.invalid(
        `${path}.items.properties[${key}].type`,
        items.type,
        "must be a scalar type if parent array's x-kubernetes-list-type is map",
      );
    }
    if (seen.has(key)) {
      problems.invalid(keysPath, keys, 'must not contain duplicate entries');
    }
    seen.add(key);
  }
}

/** Neither members nor the keys of them may be absent or null, or they could not be told apart. */
function checkNothingMissing(
  problems: Problems,
  items: JSONSchemaProps,
  keys: readonly string[],
  { path, listType }: { readonly path: string; readonly listType: string },
): void {
  if (items.nullable === true) {
    problems.forbidden(
      `${path}.items.nullable`,
      `cannot be nullable when x-kubernetes-list-type is ${listType}`,
    );
  }
  for (const key of keys) {
    const property = items.properties?.[key];
    const at = `${path}.items.properties[${key}]`;
    if (property !== undefined && property.default === undefined && items.required?.includes(key) !== true) {
      problems.required(
        `${at}.default`,
        'this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property',
      );
    }
    if (property?.nullable === true) {
      problems.forbidden(
        `${at}.nullable`,
        'this property is in x-kubernetes-list-map-keys, so it cannot be nullable',
      );
    }
  }
}
