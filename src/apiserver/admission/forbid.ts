import { forbidden, type StatusError } from '#api/status-error.ts';
import type { AdmissionAttributes } from './admission.ts';

/** The error by which a plugin refuses a write: `pods "x" is forbidden: why`. */
export function forbid(attributes: AdmissionAttributes, why: string): StatusError {
  const { resource, name, object } = attributes;
  // An object whose name is still to be made is called by what the name will start with.
  const known = name === '' ? (object?.metadata.name ?? '') : name;
  return forbidden(resource, known === '' ? (object?.metadata.generateName ?? '') : known, why);
}
