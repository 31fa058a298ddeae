import { qualifiedNameProblems } from '#api/names.ts';
import type { Logger } from '#base/log.ts';
import type { AdmissionAttributes } from './admission.ts';

/** Adds what somebody else named to the request's audit event; a name of the wrong form is logged and left out. */
export function annotateAs(
  { annotate }: AdmissionAttributes,
  { key, value }: { readonly key: string; readonly value: string },
  log: Logger,
): void {
  if (annotate === undefined) {
    return;
  }
  const parts = key.split('/').length;
  if (parts === 2 && qualifiedNameProblems(key).length === 0) {
    annotate(key, value);
  } else {
    log.warn('set an admission audit annotation: the key has an invalid format', { key });
  }
}
