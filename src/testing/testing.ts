// What `import … from 'coracle/testing'` gives.
import { TestCluster, type TestClusterOptions } from './test-cluster.ts';

/**
 * Starts a real cluster in this process, in milliseconds, on a clock of its own.
 *
 * ```ts
 * await using cluster = await startCluster({ nodes: 3 });
 * await cluster.apply(manifests);
 * await cluster.until('deployment/web', isAvailable);
 * ```
 */
export function startCluster(options: TestClusterOptions = {}): Promise<TestCluster> {
  return TestCluster.start(options);
}

export type { ApiObject, NewObject } from '#api/object.ts';
export type { ResourceType } from '#api/resource-type.ts';
export { StatusError } from '#api/status-error.ts';
export * from '#api/types/resources.ts';
export { Client } from '#client/client.ts';
export { ConnectionError } from '#client/transport.ts';
export type { Duration } from '#base/duration.ts';
export { StageError } from '#kubelet/sim/stages/stage-error.ts';
export type { FaultEffect, RequestFilter } from './faults.ts';
export type { Connection } from '#client/connection.ts';
export { InvariantError } from './invariants.ts';
export { ManifestError } from './manifests.ts';
export { matchers } from './matchers.ts';
export { exists, isAvailable, isComplete, isGone, isReady, type Predicate } from './predicates.ts';
export type { Change } from './recorder.ts';
export { UnknownResourceError, type Target } from './target.ts';
export type { NamespaceOption, TestClock, TestNode, UntilOptions, Watched } from './cluster-handles.ts';
export type {
  CommandHandler,
  ContainerCommand,
  ContainerEnd,
  ContainerFunction,
  FunctionContainer,
  RequestHandler,
} from './functions/container-function.ts';
export type { CommandResult, ContainerChoice, LogChoice } from './pod-access.ts';
export type { TestCluster, TestClusterOptions } from './test-cluster.ts';
export { UntilError } from './until-error.ts';
