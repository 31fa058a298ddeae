/** How sandboxes get addresses and reach each other; the built-in bridge is one way. */
export interface PodNetwork {
  /** Makes what all pods of the node share. Safe to repeat, also over what an earlier run left. */
  start(): Promise<void>;
  /** Changes the range; pods that are there keep their addresses. */
  setRange(podCidr: string): Promise<void>;
  /** What keeps pods from getting a network; empty when all is well. */
  problem(): string;
  /**
   * Connects a sandbox.
   *
   * @param netns file that pins its network namespace
   */
  attach(sandbox: NetworkedSandbox, netns: string): Promise<readonly string[]>;
  /** Takes over a sandbox that an earlier run connected. */
  adopt(sandbox: NetworkedSandbox, ips: readonly string[]): void;
  /** Gives everything back; fine when there is nothing (any more). */
  detach(sandboxId: string): Promise<void>;
  /** Removes what `start` made. */
  destroy(): Promise<void>;
}

export interface NetworkedSandbox {
  readonly id: string;
  readonly portMappings: readonly HostPort[];
}

export interface HostPort {
  readonly protocol: 'TCP' | 'UDP' | 'SCTP';
  readonly containerPort: number;
  readonly hostPort: number;
  readonly hostIp?: string;
}
