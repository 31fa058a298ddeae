// What `import … from 'coracle/scheduler'` gives.
export type { Node, Pod } from '#api/types/core.v1.ts';
export { StatusError } from '#api/status-error.ts';
export { Client } from '#client/client.ts';
export { connect, type ConnectOptions, type Connection, type ServerConnection } from '#client/connection.ts';
export { KubeconfigError } from '#client/kubeconfig.ts';
export { ConnectionError } from '#client/transport.ts';
export {
  readSchedulerConfiguration,
  SchedulerConfigurationError,
} from './configuration/scheduler-configuration.ts';
export type { PodExplanation } from './explain/explain-pod.ts';
export type { ExtenderOptions, ExtenderTls, ManagedResource } from './extenders/extender-options.ts';
export { definePlugin, type Place, type PluginDefinition } from './framework/define-plugin.ts';
export {
  NODE_SCORE_MAX,
  type FeasibleNodes,
  type NodeFilter,
  type NodeScorer,
  type PermitOutcome,
  type Plugin,
  type PodContext,
  type PostFilterOutcome,
  type PreFilterOutcome,
  type QueueingHint,
} from './framework/plugin.ts';
export { busy, unfit, type Rejection } from './framework/rejection.ts';
export { PluginNameError } from './plugin-names.ts';
export type { ProfileOptions } from './profile.ts';
export {
  runScheduler,
  startScheduler,
  type RunningScheduler,
  type SchedulerLease,
  type SchedulerProgramOptions,
} from './program/run-scheduler.ts';
export type { ClusterEvent } from './queue/cluster-event.ts';
export type { SchedulerOptions } from './scheduler.ts';
