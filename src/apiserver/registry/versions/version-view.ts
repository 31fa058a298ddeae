import type { ApiObject } from '#api/object.ts';
import type { ResourceInfo } from '#api/resource-table.ts';
import type { StructType } from '#api/schema/schema.ts';
import type { CustomKind, DraftObject } from '../strategy.ts';

/**
 * A served version of a resource that is stored as another one. Requests come in and go out in this version,
 * everything between works on the stored one.
 */
export interface VersionView {
  readonly info: ResourceInfo;
  readonly struct: StructType;
  readonly custom?: CustomKind;
  /** The fields that selectors may name, with the stored ones they stand for. Left out: the stored ones. */
  readonly selectableAs?: Readonly<Record<string, string>>;
  toStorage(object: ApiObject): DraftObject;
  /** The object in this version. Keeps name, versions and identity. */
  fromStorage(object: ApiObject): ApiObject;
}
