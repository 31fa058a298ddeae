import type { ContainerTarget, NodeStreamsPort } from '../streaming/node-streams-port.ts';

/** What `kubectl logs` can ask for; names as in PodLogOptions. */
export interface LogOptions {
  readonly follow?: boolean;
  readonly previous?: boolean;
  readonly timestamps?: boolean;
  readonly sinceSeconds?: number;
  readonly sinceTime?: string;
  readonly tailLines?: number;
  readonly limitBytes?: number;
  readonly stream?: 'All' | 'Stdout' | 'Stderr';
}

/** What a node's own server answers. */
export interface NodeAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string | AsyncIterable<Uint8Array>;
}

/** Everything the API server asks of a node. */
export interface NodeConnection extends NodeStreamsPort {
  logs(target: ContainerTarget, options: LogOptions, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>>;
  /** Answers a path such as `/stats/summary`; left out by nodes without a server of their own. */
  get?(path: string, query: URLSearchParams, signal: AbortSignal): Promise<NodeAnswer>;
}

/** Ways to reach nodes. Those in this process register themselves. */
export class NodeDirectory {
  readonly #connections = new Map<string, NodeConnection>();

  /** Adds a node until the returned object is disposed. */
  register(nodeName: string, connection: NodeConnection): Disposable {
    this.#connections.set(nodeName, connection);
    return {
      [Symbol.dispose]: () => {
        if (this.#connections.get(nodeName) === connection) {
          this.#connections.delete(nodeName);
        }
      },
    };
  }

  find(nodeName: string): NodeConnection | undefined {
    return this.#connections.get(nodeName);
  }
}
