import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import type { Clock } from '#base/clock.ts';
import { decodeYamlDocuments } from '#codec/yaml.ts';
import type { ApiObject } from '#api/object.ts';
import { parseApiVersion } from '#api/resource-type.ts';
import { resourceOfKind } from '#api/resource-table.ts';
import { DEPLOYMENT, POD, SERVICE } from '#api/types/resources.ts';
import type { LocalCluster } from './local-cluster.ts';

const NAMESPACE = 'default';
const NAME = 'hello';
const TIMEOUT_MS = 120_000;
const POLL_MS = 20;
const REQUEST_TIMEOUT_MS = 2_000;

export interface ExampleDeps {
  readonly cluster: LocalCluster;
  readonly clock: Clock;
  readonly onPhase: (name: string, durationMs: number) => void;
}

/** Deploys the example and waits until every copy has answered in every way a Service can be reached. */
export class ExampleApplication {
  readonly #deps: ExampleDeps;
  readonly #directory: string;

  constructor(deps: ExampleDeps, directory: string) {
    this.#deps = deps;
    this.#directory = directory;
  }

  /** Returns the URL to try, or undefined where nothing really runs. */
  async run(signal: AbortSignal): Promise<string | undefined> {
    const { cluster } = this.#deps;
    await this.#timed('example applied', () => this.#apply());
    await this.#timed('three pods ready', () => this.#until(signal, () => this.#isAvailable()));
    if (cluster.node === undefined) {
      return undefined;
    }
    const service = await cluster.plane.client.of(SERVICE).get(NAMESPACE, NAME);
    const { clusterIP = '', ports = [] } = service.spec;
    const url = `http://127.0.0.1:${ports[0]?.nodePort ?? 0}`;
    await this.#timed('all three answer on the cluster IP', () =>
      this.#untilAllAnswer(signal, () => get(`http://${clusterIP}`)),
    );
    await this.#timed('all three answer by DNS name from a pod', () =>
      this.#untilAllAnswer(signal, () => this.#getFromPod()),
    );
    await this.#timed('all three answer on the node port', () =>
      this.#untilAllAnswer(signal, () => get(url)),
    );
    return url;
  }

  async #timed(name: string, work: () => Promise<void>): Promise<void> {
    const { clock, onPhase } = this.#deps;
    const startMs = clock.monotonicMs();
    await work();
    onPhase(name, clock.monotonicMs() - startMs);
  }

  async #apply(): Promise<void> {
    const { transport } = this.#deps.cluster.plane.client;
    for (const document of decodeYamlDocuments(readFileSync(join(this.#directory, 'hello.yaml')))) {
      // The example's manifests are part of this package.
      const object = document as ApiObject;
      const info = resourceOfKind({ ...parseApiVersion(object.apiVersion), kind: object.kind });
      if (info !== undefined) {
        const query = { fieldManager: 'coracle', force: 'true' };
        await transport.request({
          verb: 'patch',
          resource: info,
          namespace: NAMESPACE,
          name: object.metadata.name,
          patchType: 'apply',
          body: object,
          query,
        });
      }
    }
  }

  async #isAvailable(): Promise<boolean> {
    const { spec, status } = await this.#deps.cluster.plane.client.of(DEPLOYMENT).get(NAMESPACE, NAME);
    return (status.availableReplicas ?? 0) >= (spec.replicas ?? 1);
  }

  /** Asks until as many different pods have answered as there are. */
  async #untilAllAnswer(signal: AbortSignal, ask: () => Promise<string>): Promise<void> {
    const { spec } = await this.#deps.cluster.plane.client.of(DEPLOYMENT).get(NAMESPACE, NAME);
    const answered = new Set<string>();
    await this.#until(signal, async () => {
      const pod = /answered by (\S+)/.exec(await ask().catch(() => ''))?.[1];
      if (pod !== undefined) {
        answered.add(pod);
      }
      return answered.size >= (spec.replicas ?? 1);
    });
  }

  async #getFromPod(): Promise<string> {
    const { cluster } = this.#deps;
    const { items } = await cluster.plane.client.of(POD).list(NAMESPACE, { labelSelector: `app=${NAME}` });
    const pod = items[0]?.metadata.name ?? '';
    const script = `fetch('http://${NAME}.${NAMESPACE}.svc.cluster.local').then((r) => r.text()).then((t) => process.stdout.write(t))`;
    const session = await cluster.node?.kubelet.streams.exec(
      { namespace: NAMESPACE, pod, container: 'web' },
      { command: ['/usr/bin/node', '-e', script], stdin: false, stdout: true, stderr: false, tty: false },
    );
    let output = '';
    for await (const chunk of session?.stdout ?? []) {
      output += String(chunk);
    }
    await session?.exit;
    session?.close();
    return output;
  }

  async #until(signal: AbortSignal, isDone: () => Promise<boolean>): Promise<void> {
    const { clock } = this.#deps;
    const deadline = clock.monotonicMs() + TIMEOUT_MS;
    while (!(await isDone())) {
      signal.throwIfAborted();
      if (clock.monotonicMs() > deadline) {
        throw new Error(
          `the example is not ready after ${TIMEOUT_MS / 1000} s; "kubectl describe pods -l app=${NAME}" says why`,
        );
      }
      await clock.sleep(POLL_MS, signal);
    }
  }
}

/** One GET on a connection of its own, so that every request may meet another pod. */
function get(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { agent: false, timeout: REQUEST_TIMEOUT_MS }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('end', () => resolve(text));
      response.on('error', reject);
    });
    outgoing.on('timeout', () => outgoing.destroy(new Error(`no answer from ${url}`)));
    outgoing.on('error', reject);
    outgoing.end();
  });
}
