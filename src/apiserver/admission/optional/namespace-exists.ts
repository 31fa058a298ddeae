import { NAMESPACE } from '#api/types/resources.ts';
import { notFound } from '#api/status-error.ts';
import type { ObjectReader } from '../../object-reader.ts';
import type { AdmissionAttributes, AdmissionScope, ValidatingPlugin } from '../admission.ts';

/** Nothing happens in a namespace that is not there. */
export class NamespaceExists implements ValidatingPlugin {
  readonly name = 'NamespaceExists';
  readonly scope: AdmissionScope = { operations: ['CREATE', 'UPDATE', 'DELETE'], resources: 'all' };
  readonly #reader: ObjectReader;

  constructor(reader: ObjectReader) {
    this.#reader = reader;
  }

  validate({ namespace, kind }: AdmissionAttributes): void {
    const isNamespace = kind.group === '' && kind.kind === 'Namespace';
    if (namespace !== '' && !isNamespace && this.#reader.get(NAMESPACE, '', namespace) === undefined) {
      throw notFound(NAMESPACE, namespace);
    }
  }
}
