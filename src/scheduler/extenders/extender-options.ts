/** How the server of an extender is recognised, and how it recognises the scheduler; PEM. */
export interface ExtenderTls {
  /** Left out: the extender's certificate is not checked, as upstream has it. */
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly serverName?: string;
  readonly isInsecure?: boolean;
}

/** A resource that an extender decides about. */
export interface ManagedResource {
  readonly name: string;
  /** `NodeResourcesFit` does not look at it. */
  readonly ignoredByScheduler?: boolean;
}

/** A program that has a say in scheduling, over HTTP: `extenders` of a KubeSchedulerConfiguration. */
export interface ExtenderOptions {
  /** Verbs are appended to it: `http://127.0.0.1:8888/scheduler`. */
  readonly urlPrefix: string;
  /** A verb that is left out is not asked for. */
  readonly filterVerb?: string;
  readonly prioritizeVerb?: string;
  readonly bindVerb?: string;
  readonly preemptVerb?: string;
  /** Of its scores, which go from 0 to 10; 1 when left out. */
  readonly weight?: number;
  /** 5 s when left out. */
  readonly httpTimeoutMs?: number;
  /** It knows the nodes and wants their names only. */
  readonly nodeCacheCapable?: boolean;
  /** It is asked about pods that want one of these; about all pods when there are none. */
  readonly managedResources?: readonly ManagedResource[];
  /** Scheduling goes on without it when it fails. */
  readonly ignorable?: boolean;
  /** How to trust it; it is spoken to by HTTPS where `urlPrefix` says so. */
  readonly tls?: ExtenderTls;
}
