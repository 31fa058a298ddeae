import type { Ingress } from '#api/types/networking.v1.ts';
import { INGRESS_CLASS } from '#api/types/resources.ts';
import type { ObjectReader } from '../../object-reader.ts';
import type { AdmissionAttributes, AdmissionScope, MutatingPlugin } from '../admission.ts';
import { defaultClass } from '../default-class.ts';

const CLASS_ANNOTATION = 'kubernetes.io/ingress.class';
const DEFAULT_ANNOTATION = 'ingressclass.kubernetes.io/is-default-class';

/** An Ingress that names no class gets the default one. */
export class DefaultIngressClass implements MutatingPlugin {
  readonly name = 'DefaultIngressClass';
  readonly scope: AdmissionScope = { operations: ['CREATE'], resources: ['ingresses.networking.k8s.io'] };
  readonly #reader: ObjectReader;

  constructor(reader: ObjectReader) {
    this.#reader = reader;
  }

  admit({ object }: AdmissionAttributes): Ingress {
    const ingress = object as Ingress;
    if (
      ingress.spec.ingressClassName !== undefined ||
      ingress.metadata.annotations?.[CLASS_ANNOTATION] !== undefined
    ) {
      return ingress;
    }
    const found = defaultClass(this.#reader.list(INGRESS_CLASS, ''), [DEFAULT_ANNOTATION]);
    return found === undefined
      ? ingress
      : { ...ingress, spec: { ...ingress.spec, ingressClassName: found.metadata.name } };
  }
}
