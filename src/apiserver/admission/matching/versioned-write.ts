import type { ApiObject } from '#api/object.ts';
import type { AdmissionAttributes } from '../admission.ts';
import type { MatchedVersion } from './match-request.ts';

/** A write as one version of its resource shows it. */
export interface VersionedWrite extends MatchedVersion {
  readonly attributes: AdmissionAttributes;
  readonly object: ApiObject | undefined;
  readonly oldObject: ApiObject | undefined;
}

/** @throws {StatusError} when an object cannot be converted */
export async function inVersion(
  attributes: AdmissionAttributes,
  { resource, kind }: MatchedVersion,
): Promise<VersionedWrite> {
  const { versions, object, oldObject } = attributes;
  const show = async (stored: ApiObject | undefined): Promise<ApiObject | undefined> =>
    stored === undefined || versions === undefined ? stored : versions.fromStorage(stored, kind);
  return { attributes, resource, kind, object: await show(object), oldObject: await show(oldObject) };
}

/** The same write with the object changed in its version, back in the version that is stored. */
export async function withVersionedObject(
  { attributes, kind }: VersionedWrite,
  object: ApiObject,
): Promise<AdmissionAttributes> {
  const stored = (await attributes.versions?.toStorage(object, kind)) ?? object;
  return { ...attributes, object: stored };
}
