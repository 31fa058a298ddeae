import type { ContainerStatus } from '#api/types/core.v1.ts';
import { StatusError } from '#api/status-error.ts';
import type { Invocation } from '../command.ts';
import { fetchObject } from '../find-objects.ts';
import { asPod } from '../pods-of.ts';
import { pathOf } from '../resource-mapper.ts';
import { attachTo } from './attach.ts';
import type { DebugPlace } from './debug.ts';

/** How often the pod is looked at until its container runs. */
const POLL_MS = 200;

/** Waits for a container to start, and joins it; one that has ended already shows its log. */
export async function attachWhenStarted(invocation: Invocation, place: DebugPlace): Promise<number> {
  const { session, flags, io } = invocation;
  const { namespace, pod, container } = place;
  let status: ContainerStatus | undefined;
  while (status?.state?.running === undefined && status?.state?.terminated === undefined) {
    if (status !== undefined) {
      await io.clock.sleep(POLL_MS, session.signal);
    }
    status = await statusOf(invocation, place);
  }
  if (status.state?.terminated === undefined) {
    try {
      return await attachTo(invocation, {
        namespace,
        name: pod,
        container,
        wantsStdin: flags.bool('stdin'),
        wantsTty: flags.bool('tty'),
      });
    } catch (error) {
      if (!(error instanceof StatusError)) {
        throw error;
      }
      session.warn(`couldn't attach to pod/${pod}, falling back to streaming logs: ${error.message}`);
    }
  }
  const resource = await session.resource('pods');
  const log = session.client.stream({
    path: pathOf(resource, { namespace, name: pod, subresource: 'log' }),
    query: { container },
  });
  for await (const chunk of log) {
    io.stdout.write(chunk);
  }
  return 0;
}

/** The status of the container; an empty one before there is any. */
async function statusOf(
  { session }: Invocation,
  { namespace, pod, container }: DebugPlace,
): Promise<ContainerStatus> {
  const resource = await session.resource('pods');
  const { object } = await fetchObject(session, { resource, namespace, name: pod, source: '' });
  const { containerStatuses = [], ephemeralContainerStatuses = [] } = asPod(object).status;
  const found = [...containerStatuses, ...ephemeralContainerStatuses].find(({ name }) => name === container);
  return (
    found ?? {
      name: container,
      image: '',
      imageID: '',
      lastState: {},
      ready: false,
      restartCount: 0,
      state: {},
    }
  );
}
