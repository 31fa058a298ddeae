import { SILENT_LOGGER } from '#base/log.ts';
import { MetricsRegistry } from '#base/metrics.ts';
import { SeededRandom } from '#base/random.ts';
import { VirtualClock } from '#base/virtual-clock.ts';
import type { ApiObject } from '#api/object.ts';
import { objectKey } from '#api/object.ts';
import { Client } from '#client/client.ts';
import { createInformers } from '#client/informer.ts';
import { MemoryTransport } from '#client/memory-transport.ts';
import type { ControllerDeps } from './controller-deps.ts';
import { ControllerRunner } from './controller-runner.ts';
import type { Controller } from './controller.ts';

/** Controllers at work on a memory transport, in virtual time. */
export interface ControllerHarness extends AsyncDisposable {
  readonly clock: VirtualClock;
  readonly transport: MemoryTransport;
  readonly deps: ControllerDeps;
  /** Events in order: `<subject> <reason> <message>`. */
  readonly events: string[];
  /** Requests other than reads since the last call, as `<verb> <resource>[/<subresource>] <name>`. */
  writes(): readonly string[];
}

/** Starts the controllers that `create` makes, and lets them see what `fill` stored first. */
export async function controllerHarness(
  create: (deps: ControllerDeps) => readonly Controller[],
  fill: (transport: MemoryTransport) => void = () => undefined,
): Promise<ControllerHarness> {
  const clock = new VirtualClock();
  const transport = new MemoryTransport(clock);
  const random = new SeededRandom(1);
  const metrics = new MetricsRegistry();
  const events: string[] = [];
  const informers = createInformers({ transport, clock, random, log: SILENT_LOGGER });
  const recorder = {
    event: (target: object, _: string, reason: string, message: string) => {
      const subject = ('object' in target ? target.object : target) as ApiObject;
      events.push(`${objectKey(subject)} ${reason} ${message}`);
    },
  };
  const client = new Client(transport);
  const deps = { client, informers, clock, random, log: SILENT_LOGGER, metrics, events: () => recorder };
  fill(transport);
  const runner = new ControllerRunner({
    controllers: create(deps),
    informers,
    clock,
    log: SILENT_LOGGER,
    metrics,
  });
  const stop = new AbortController();
  informers.start();
  const running = runner.run(stop.signal);
  await clock.advance(0);
  let seen = 0;
  return {
    clock,
    transport,
    deps,
    events,
    writes() {
      const requests = transport.requests.slice(seen);
      seen = transport.requests.length;
      return requests
        .filter(({ verb }) => verb !== 'get' && verb !== 'list')
        .map(({ verb, resource, subresource, name, body }) => {
          const target =
            subresource === undefined ? resource.resource : `${resource.resource}/${subresource}`;
          const metadata = (body as Partial<ApiObject> | undefined)?.metadata;
          return `${verb} ${target} ${name ?? metadata?.name ?? metadata?.generateName ?? ''}`.trim();
        });
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      await running;
      await informers.close();
    },
  };
}
