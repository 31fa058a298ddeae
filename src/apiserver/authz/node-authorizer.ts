import { NODE_USER_PREFIX, NODES_GROUP, type UserInfo } from '../authn/user.ts';
import { NODE_RULES } from './bootstrap/component-roles.ts';
import { NO_OPINION, type Attributes, type Authorizer, type Decision } from './authorizer.ts';
import { compileRules, rulesAllow } from './policy-rule.ts';
import type { NodeGraph } from './node-graph.ts';

const RULES = compileRules(NODE_RULES);
const ALLOWED: Decision = { outcome: 'allow', reason: '' };

/** The node a user is the agent of: undefined for users that are no node, empty when the name is missing. */
export function nodeNameOf(user: UserInfo): string | undefined {
  return user.name.startsWith(NODE_USER_PREFIX) && user.groups.includes(NODES_GROUP)
    ? user.name.slice(NODE_USER_PREFIX.length)
    : undefined;
}

/** Lets a node's agent do what all nodes may, and read only what the pods on its node refer to. */
export class NodeAuthorizer implements Authorizer {
  readonly #graph: NodeGraph;

  constructor(graph: NodeGraph) {
    this.#graph = graph;
  }

  authorize(attributes: Attributes): Decision {
    const node = nodeNameOf(attributes.user);
    if (node === undefined) {
      return NO_OPINION;
    }
    if (node === '') {
      return refuse(`unknown node for user ${JSON.stringify(attributes.user.name)}`);
    }
    if (attributes.isResourceRequest) {
      const decision = this.#authorizeOwn(node, attributes);
      if (decision !== undefined) {
        return decision;
      }
    }
    return rulesAllow(RULES, attributes) ? ALLOWED : NO_OPINION;
  }

  /** Decides about the resources of which a node may touch only its own; undefined for the others. */
  #authorizeOwn(node: string, attributes: Attributes): Decision | undefined {
    const { apiGroup, resource, subresource, namespace, name, verb } = attributes;
    const isNeeded = (kind: Parameters<NodeGraph['isReferenced']>[1]): boolean =>
      this.#graph.isReferenced(node, kind, namespace, name);
    switch (apiGroup === '' ? resource : `${resource}.${apiGroup}`) {
      case 'secrets':
        return read(attributes, 'get list watch', node, () => isNeeded('secret'));
      case 'configmaps':
        return read(attributes, 'get list watch', node, () => isNeeded('configmap'));
      case 'persistentvolumeclaims':
        return subresource === 'status'
          ? onSubresource(attributes, 'update patch', node, () => isNeeded('pvc'))
          : read(attributes, 'get', node, () => isNeeded('pvc'));
      case 'persistentvolumes':
        return read(attributes, 'get', node, () => this.#graph.usesVolume(node, name));
      case 'resourceclaims.resource.k8s.io':
        return read(attributes, 'get', node, () => isNeeded('resourceclaim'));
      case 'volumeattachments.storage.k8s.io':
        return read(attributes, 'get', node, () => this.#graph.isAttached(node, name));
      case 'serviceaccounts':
        return subresource === 'token'
          ? onSubresource(attributes, 'create', node, () => isNeeded('serviceaccount'))
          : read(attributes, 'get', node, () => isNeeded('serviceaccount'));
      case 'leases.coordination.k8s.io':
        return authorizeLease(node, attributes);
      case 'csinodes.storage.k8s.io':
        return authorizeNamesake(node, attributes, 'CSINode', 'get create update patch delete');
      case 'nodes':
        return verb === 'get' && subresource === '' && name !== node
          ? refuse(`node ${quoted(node)} cannot read ${quoted(name)}, only its own Node object`)
          : undefined;
      default:
        return undefined;
    }
  }
}

function read(attributes: Attributes, verbs: string, node: string, isRelated: () => boolean): Decision {
  const { verb, subresource, name } = attributes;
  if (!verbs.split(' ').includes(verb)) {
    return refuse(`can only ${list(verbs)} resources of this type`);
  }
  if (subresource !== '') {
    return refuse('cannot read subresource');
  }
  if (name === '') {
    return refuse('No Object name found');
  }
  return isRelated() ? ALLOWED : refuse(`no relationship found between node ${quoted(node)} and this object`);
}

function onSubresource(
  attributes: Attributes,
  verbs: string,
  node: string,
  isRelated: () => boolean,
): Decision {
  const { verb, subresource, name } = attributes;
  if (!verbs.split(' ').includes(verb)) {
    return refuse(`can only ${list(verbs)} ${subresource} of this type`);
  }
  if (name === '') {
    return refuse('No Object name found');
  }
  return isRelated() ? ALLOWED : refuse(`no relationship found between node ${quoted(node)} and this object`);
}

function authorizeLease(node: string, attributes: Attributes): Decision {
  const verbs = 'get create update patch delete';
  if (!verbs.split(' ').includes(attributes.verb)) {
    return refuse('can only get, create, update, patch, or delete a node lease');
  }
  if (attributes.namespace !== 'kube-node-lease') {
    return refuse('can only access leases in the "kube-node-lease" system namespace');
  }
  return authorizeNamesake(node, attributes, 'lease', verbs);
}

/** For objects that carry the name of the node they belong to; a new one may not show its name yet. */
function authorizeNamesake(node: string, attributes: Attributes, what: string, verbs: string): Decision {
  if (!verbs.split(' ').includes(attributes.verb)) {
    return refuse(`can only ${list(verbs)} a ${what}`);
  }
  if (attributes.verb !== 'create' && attributes.name !== node) {
    return refuse(`can only access ${what} with the same name as the requesting node`);
  }
  return ALLOWED;
}

function refuse(reason: string): Decision {
  return { outcome: 'noOpinion', reason };
}

/** Names of nodes stand in single quotes in these sentences. */
function quoted(name: string): string {
  return `'${name}'`;
}

function list(verbs: string): string {
  return verbs.split(' ').join(', ');
}
