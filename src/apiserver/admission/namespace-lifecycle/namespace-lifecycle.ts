import { NAMESPACE } from '#api/types/resources.ts';
import { forbidden, notFound, StatusError } from '#api/status-error.ts';
import type { ApiObject } from '#api/object.ts';
import type { ObjectReader } from '../../object-reader.ts';
import type { AdmissionAttributes, AdmissionScope, MutatingPlugin, ValidatingPlugin } from '../admission.ts';
import { forbid } from '../forbid.ts';

/** The cluster cannot do without these. */
const IMMORTAL: ReadonlySet<string> = new Set(['default', 'kube-system', 'kube-public']);

/** Resources that say nothing about what is in a namespace, and so need none. */
const UNBOUND: ReadonlySet<string> = new Set(['localsubjectaccessreviews.authorization.k8s.io']);

/** Nothing is made in a namespace that is not there or is going; the cluster's own namespaces stay. */
export class NamespaceLifecycle implements MutatingPlugin, ValidatingPlugin {
  readonly name = 'NamespaceLifecycle';
  readonly scope: AdmissionScope = { operations: ['CREATE', 'UPDATE', 'DELETE'], resources: 'all' };
  readonly #reader: ObjectReader;

  constructor(reader: ObjectReader) {
    this.#reader = reader;
  }

  /** Changes nothing; it speaks up this early so that no other plugin works for nothing. */
  admit(attributes: AdmissionAttributes): ApiObject | undefined {
    this.#check(attributes);
    return attributes.object;
  }

  validate(attributes: AdmissionAttributes): void {
    if (attributes.operation === 'DELETE') {
      this.#check(attributes);
    }
  }

  #check(attributes: AdmissionAttributes): void {
    const { operation, resource, namespace, name } = attributes;
    if (resource.group === '' && resource.resource === 'namespaces') {
      if (operation === 'DELETE' && IMMORTAL.has(name)) {
        throw forbidden(resource, name, 'this namespace may not be deleted');
      }
      return;
    }
    if (namespace === '' || operation === 'DELETE' || UNBOUND.has(`${resource.resource}.${resource.group}`)) {
      return;
    }
    const found = this.#reader.get(NAMESPACE, '', namespace);
    if (found === undefined) {
      throw notFound(NAMESPACE, namespace);
    }
    const isGoing = found.metadata.deletionTimestamp !== undefined || found.status.phase === 'Terminating';
    if (operation === 'CREATE' && isGoing) {
      throw terminatingError(attributes);
    }
  }
}

/** Controllers look for the cause, to stop trying. */
function terminatingError(attributes: AdmissionAttributes): StatusError {
  const { namespace } = attributes;
  const { code, reason, message, details } = forbid(
    attributes,
    `unable to create new content in namespace ${namespace} because it is being terminated`,
  );
  const cause = {
    reason: 'NamespaceTerminating',
    message: `namespace ${namespace} is being terminated`,
    field: 'metadata.namespace',
  };
  return new StatusError({ code, reason, message, details: { ...details, causes: [cause] } });
}
