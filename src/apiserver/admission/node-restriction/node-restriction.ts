import type { ApiObject } from '#api/object.ts';
import type { Node, PersistentVolumeClaim, Pod } from '#api/types/core.v1.ts';
import { POD } from '#api/types/resources.ts';
import { nodeNameOf } from '../../authz/node-authorizer.ts';
import type { ObjectReader } from '../../object-reader.ts';
import type { AdmissionAttributes, AdmissionScope, MutatingPlugin, ValidatingPlugin } from '../admission.ts';
import { forbid } from '../forbid.ts';
import { refuseNewNode, refuseNodeUpdate } from './node-rules.ts';
import { refuseClaimStatus, refuseNewPod, refusePodStatus, refuseToken, type Refusal } from './pod-rules.ts';

const LEASE_NAMESPACE = 'kube-node-lease';

/** Holds a node's agent to its own node and the pods on it, beyond what authorization can say. */
export class NodeRestriction implements MutatingPlugin, ValidatingPlugin {
  readonly name = 'NodeRestriction';
  readonly scope: AdmissionScope = {
    operations: ['CREATE', 'UPDATE', 'DELETE'],
    resources: [
      'pods',
      'pods/status',
      'pods/eviction',
      'nodes',
      'nodes/status',
      'persistentvolumeclaims',
      'persistentvolumeclaims/status',
      'serviceaccounts/token',
      'leases.coordination.k8s.io',
      'csinodes.storage.k8s.io',
    ],
  };
  readonly #reader: ObjectReader;

  constructor(reader: ObjectReader) {
    this.#reader = reader;
  }

  /** Changes nothing; it must see what the node sent, before others fill it in. */
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
    const node = nodeNameOf(attributes.user);
    if (node === undefined) {
      return;
    }
    const refusal =
      node === ''
        ? `could not determine node from user ${JSON.stringify(attributes.user.name)}`
        : this.#refusal(node, attributes);
    if (refusal !== undefined) {
      throw forbid(attributes, refusal);
    }
  }

  #refusal(node: string, attributes: AdmissionAttributes): Refusal {
    const { resource, subresource, object, oldObject } = attributes;
    switch (resource.resource) {
      case 'pods':
        return this.#refusePod(node, attributes);
      case 'nodes':
        return refuseNode(node, attributes);
      case 'persistentvolumeclaims':
        return subresource === 'status'
          ? refuseClaimStatus(node, object as PersistentVolumeClaim, oldObject as PersistentVolumeClaim)
          : 'may only update PVC status';
      case 'serviceaccounts':
        return refuseToken(node, attributes, this.#reader);
      case 'leases':
        return attributes.namespace === LEASE_NAMESPACE
          ? refuseNamesake(node, attributes, 'node lease')
          : `can only access leases in the ${JSON.stringify(LEASE_NAMESPACE)} system namespace`;
      default:
        return refuseNamesake(node, attributes, 'CSINode');
    }
  }

  #refusePod(node: string, attributes: AdmissionAttributes): Refusal {
    const { operation, subresource, namespace, name, object, oldObject } = attributes;
    const who = `node ${JSON.stringify(node)}`;
    if (subresource === 'status') {
      return refusePodStatus(node, object as Pod, oldObject as Pod);
    }
    if (subresource === 'eviction') {
      const evicted = this.#reader.get(POD, namespace, name);
      return evicted === undefined || evicted.spec.nodeName === node
        ? undefined
        : `node ${node} can only evict pods with spec.nodeName set to itself`;
    }
    switch (operation) {
      case 'CREATE':
        return refuseNewPod(node, object as Pod, this.#reader);
      case 'DELETE':
        return (oldObject as Pod | undefined)?.spec.nodeName === node
          ? undefined
          : `${who} can only delete pods with spec.nodeName set to itself`;
      default:
        return `unexpected operation ${JSON.stringify(operation)}, ${who} can only create and delete mirror pods`;
    }
  }
}

function refuseNode(node: string, attributes: AdmissionAttributes): Refusal {
  const { operation, object, oldObject } = attributes;
  const name = nameOf(attributes);
  if (name !== node) {
    return `node ${JSON.stringify(node)} is not allowed to modify node ${JSON.stringify(name)}`;
  }
  switch (operation) {
    case 'CREATE':
      return refuseNewNode(node, object as Node);
    case 'UPDATE':
      return refuseNodeUpdate(node, object as Node, oldObject as Node);
    default:
      return undefined;
  }
}

function refuseNamesake(node: string, attributes: AdmissionAttributes, what: string): Refusal {
  return nameOf(attributes) === node
    ? undefined
    : `can only access ${what} with the same name as the requesting node`;
}

function nameOf({ name, object }: AdmissionAttributes): string {
  return name === '' ? (object?.metadata.name ?? '') : name;
}
