import { labelValueProblems, qualifiedNameProblems } from '#api/names.ts';
import type { Namespace, Pod } from '#api/types/core.v1.ts';
import { NAMESPACE } from '#api/types/resources.ts';
import { notFound } from '#api/status-error.ts';
import type { ObjectReader } from '../../object-reader.ts';
import type { AdmissionAttributes, AdmissionScope, MutatingPlugin, ValidatingPlugin } from '../admission.ts';
import { forbid } from '../forbid.ts';
import { plainError } from './plain-error.ts';

const ANNOTATION = 'scheduler.alpha.kubernetes.io/node-selector';

type Selector = Readonly<Record<string, string>>;

/** A namespace says which nodes its pods run on. Upstream's file with a default and lists for all is not read. */
export class PodNodeSelector implements MutatingPlugin, ValidatingPlugin {
  readonly name = 'PodNodeSelector';
  readonly scope: AdmissionScope = { operations: ['CREATE'], resources: ['pods'] };
  readonly #reader: ObjectReader;

  constructor(reader: ObjectReader) {
    this.#reader = reader;
  }

  admit(attributes: AdmissionAttributes): Pod {
    const pod = attributes.object as Pod;
    const selector = this.#check(attributes);
    return Object.keys(selector).length === 0
      ? pod
      : { ...pod, spec: { ...pod.spec, nodeSelector: { ...selector, ...pod.spec.nodeSelector } } };
  }

  validate(attributes: AdmissionAttributes): void {
    this.#check(attributes);
  }

  /** The namespace's selector, which the pod's does not contradict. */
  #check(attributes: AdmissionAttributes): Selector {
    const { nodeSelector = {} } = (attributes.object as Pod).spec;
    const namespace = this.#reader.get(NAMESPACE, '', attributes.namespace);
    if (namespace === undefined) {
      throw notFound(NAMESPACE, attributes.namespace);
    }
    const selector = selectorOf(namespace);
    const isContradicted = Object.entries(selector).some(
      ([key, value]) => (nodeSelector[key] ?? value) !== value,
    );
    if (isContradicted) {
      throw forbid(attributes, 'pod node label selector conflicts with its namespace node label selector');
    }
    return selector;
  }
}

function selectorOf({ metadata }: Namespace): Selector {
  const text = metadata.annotations?.[ANNOTATION] ?? '';
  return text === '' ? {} : Object.fromEntries(text.split(',').map(readLabel));
}

function readLabel(text: string): readonly [key: string, value: string] {
  const parts = text.split('=');
  if (parts.length !== 2) {
    throw plainError(`invalid selector: [${parts.join(' ')}]`);
  }
  const [key = '', value = ''] = parts.map((part) => part.trim());
  for (const problem of [...qualifiedNameProblems(key), ...labelValueProblems(value)]) {
    throw plainError(`invalid selector: ${problem}`);
  }
  return [key, value];
}
