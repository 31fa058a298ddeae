import type { Command } from './command.ts';

interface Verb {
  readonly name: string;
  readonly aliases?: readonly string[];
  readonly about: string;
  readonly load: () => Promise<Command>;
}

/** Every verb with what loads it: a command line pays for the one it uses. */
export const VERBS: readonly Verb[] = [
  {
    name: 'annotate',
    about: 'Update the annotations on a resource',
    load: async () => (await import('./verbs/label.ts')).ANNOTATE,
  },
  {
    name: 'apply',
    about: 'Apply a configuration to a resource by file name or stdin',
    load: async () => (await import('./verbs/apply.ts')).APPLY,
  },
  {
    name: 'attach',
    about: 'Attach to a running container',
    load: async () => (await import('./verbs/attach.ts')).ATTACH,
  },
  {
    name: 'create',
    about: 'Create a resource from a file or from stdin',
    load: async () => (await import('./verbs/create.ts')).CREATE,
  },
  {
    name: 'delete',
    about: 'Delete resources by file names, stdin, resources and names, or by selector',
    load: async () => (await import('./verbs/delete.ts')).DELETE,
  },
  {
    name: 'describe',
    about: 'Show details of a specific resource or group of resources',
    load: async () => (await import('./verbs/describe.ts')).DESCRIBE,
  },
  {
    name: 'exec',
    about: 'Execute a command in a container',
    load: async () => (await import('./verbs/exec.ts')).EXEC,
  },
  {
    name: 'explain',
    about: 'Get documentation for a resource',
    load: async () => (await import('./verbs/explain.ts')).EXPLAIN,
  },
  {
    name: 'get',
    about: 'Display one or many resources',
    load: async () => (await import('./verbs/get.ts')).GET,
  },
  {
    name: 'label',
    about: 'Update the labels on a resource',
    load: async () => (await import('./verbs/label.ts')).LABEL,
  },
  {
    name: 'logs',
    aliases: ['log'],
    about: 'Print the logs for a container in a pod',
    load: async () => (await import('./verbs/logs.ts')).LOGS,
  },
  {
    name: 'patch',
    about: 'Update fields of a resource',
    load: async () => (await import('./verbs/patch.ts')).PATCH,
  },
  {
    name: 'port-forward',
    about: 'Forward one or more local ports to a pod',
    load: async () => (await import('./verbs/port-forward.ts')).PORT_FORWARD,
  },
  {
    name: 'rollout',
    about: 'Manage the rollout of a resource',
    load: async () => (await import('./verbs/rollout.ts')).ROLLOUT,
  },
  {
    name: 'scale',
    about: 'Set a new size for a deployment, replica set, or replication controller',
    load: async () => (await import('./verbs/scale.ts')).SCALE,
  },
  {
    name: 'api-resources',
    about: 'Print the supported API resources on the server',
    load: async () => (await import('./verbs/api-resources.ts')).API_RESOURCES,
  },
  {
    name: 'api-versions',
    about: 'Print the supported API versions on the server',
    load: async () => (await import('./verbs/api-resources.ts')).API_VERSIONS,
  },
  { name: 'auth', about: 'Inspect authorization', load: async () => (await import('./verbs/auth.ts')).AUTH },
  {
    name: 'cluster-info',
    about: 'Display cluster information',
    load: async () => (await import('./verbs/version.ts')).CLUSTER_INFO,
  },
  {
    name: 'cordon',
    about: 'Mark node as unschedulable',
    load: async () => (await import('./verbs/node-care.ts')).CORDON,
  },
  {
    name: 'drain',
    about: 'Drain node in preparation for maintenance',
    load: async () => (await import('./verbs/node-care.ts')).DRAIN,
  },
  { name: 'events', about: 'List events', load: async () => (await import('./verbs/events.ts')).EVENTS },
  {
    name: 'expose',
    about: 'Expose a resource as a new Kubernetes service',
    load: async () => (await import('./verbs/expose.ts')).EXPOSE,
  },
  {
    name: 'run',
    about: 'Run a particular image on the cluster',
    load: async () => (await import('./verbs/expose.ts')).RUN,
  },
  {
    name: 'uncordon',
    about: 'Mark node as schedulable',
    load: async () => (await import('./verbs/node-care.ts')).UNCORDON,
  },
  {
    name: 'version',
    about: 'Print the client and server version information',
    load: async () => (await import('./verbs/version.ts')).VERSION,
  },
  {
    name: 'wait',
    about: 'Wait for a specific condition on one or many resources',
    load: async () => (await import('./verbs/wait.ts')).WAIT,
  },
  {
    name: 'config',
    about: 'Modify kubeconfig files',
    load: async () => (await import('./verbs/config.ts')).CONFIG,
  },
  {
    name: 'replace',
    about: 'Replace a resource by file name or stdin',
    load: async () => (await import('./verbs/replace.ts')).REPLACE,
  },
  {
    name: 'set',
    about: 'Set specific features on objects',
    load: async () => (await import('./verbs/set.ts')).SET,
  },
  {
    name: 'taint',
    about: 'Update the taints on one or more nodes',
    load: async () => (await import('./verbs/taint.ts')).TAINT,
  },
  {
    name: 'autoscale',
    about: 'Auto-scale a deployment, replica set, stateful set, or replication controller',
    load: async () => (await import('./verbs/autoscale.ts')).AUTOSCALE,
  },
  {
    name: 'certificate',
    about: 'Modify certificate resources',
    load: async () => (await import('./verbs/certificate.ts')).CERTIFICATE,
  },
  {
    name: 'diff',
    about: 'Diff the live version against a would-be applied version',
    load: async () => (await import('./verbs/diff.ts')).DIFF,
  },
  {
    name: 'edit',
    about: 'Edit a resource on the server',
    load: async () => (await import('./verbs/edit.ts')).EDIT,
  },
  {
    name: 'cp',
    about: 'Copy files and directories to and from containers',
    load: async () => (await import('./verbs/cp.ts')).CP,
  },
  {
    name: 'debug',
    about: 'Create debugging sessions for troubleshooting workloads and nodes',
    load: async () => (await import('./verbs/debug.ts')).DEBUG,
  },
  {
    name: 'kustomize',
    about: 'Not supported: run kustomize and pipe its output to -f -',
    load: async () => (await import('./verbs/plugin.ts')).KUSTOMIZE,
  },
  {
    name: 'plugin',
    about: 'Provides utilities for interacting with plugins',
    load: async () => (await import('./verbs/plugin.ts')).PLUGIN,
  },
  {
    name: 'proxy',
    about: 'Run a proxy to the Kubernetes API server',
    load: async () => (await import('./verbs/proxy.ts')).PROXY,
  },
  {
    name: 'top',
    about: 'Display resource (CPU/memory) usage',
    load: async () => (await import('./verbs/top.ts')).TOP,
  },
];

export async function loadVerb(name: string): Promise<Command | undefined> {
  return VERBS.find((verb) => verb.name === name || verb.aliases?.includes(name) === true)?.load();
}
