import { ALL_AUTHENTICATED, NODES_GROUP, NODE_USER_PREFIX, type UserInfo } from '#apiserver/authn/user.ts';
import { serviceAccountUser } from '#apiserver/authn/service-account-identity.ts';

function component(name: string, groups: readonly string[] = []): UserInfo {
  return { name, groups: [...groups, ALL_AUTHENTICATED], extra: {} };
}

/** Identities of the components in this process: the same as they have over the network, with the same rights. */
export const CONTROLLER_MANAGER: UserInfo = component('system:kube-controller-manager');
export const SCHEDULER: UserInfo = component('system:kube-scheduler');
export const PROXY: UserInfo = component('system:kube-proxy');

export function nodeUser(nodeName: string): UserInfo {
  return component(`${NODE_USER_PREFIX}${nodeName}`, [NODES_GROUP]);
}

/** A controller acts as its own service account in `kube-system`, with only that controller's rights. */
export function controllerUser(name: string): UserInfo {
  const user = serviceAccountUser('kube-system', name, '');
  return { ...user, groups: [...user.groups, ALL_AUTHENTICATED] };
}

export const DNS: UserInfo = controllerUser('coredns');

/** Plays the agents of all simulated nodes at once. */
export const SIM_NODES: UserInfo = component('system:sim-nodes');
