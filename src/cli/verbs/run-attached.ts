import { CliError } from '../cli-error.ts';
import type { Invocation } from '../command.ts';
import { deleteAndWait } from '../delete-object.ts';
import { fetchObject, type Target } from '../find-objects.ts';
import { listAt, textAt, valueAt } from '../object-access.ts';
import { pathOf } from '../resource-mapper.ts';
import { attachTo } from './attach.ts';

/** How often the pod is looked at until it runs. */
const POLL_MS = 200;

/** Creates a pod, waits until it runs, and stays with it to its end; the exit code is the container's. */
export async function runAttached(
  invocation: Invocation,
  pod: { readonly metadata: { readonly name: string } },
  namespace: string,
): Promise<number> {
  const { session, flags, io } = invocation;
  const resource = await session.resource('pods');
  const { name } = pod.metadata;
  const target: Target = { resource, namespace, name, source: '' };
  await session.client.request({
    method: 'POST',
    path: pathOf(resource, { namespace }),
    query: { fieldManager: 'kubectl-run' },
    body: { ...pod, metadata: { ...pod.metadata, namespace } },
  });
  try {
    const phaseOf = async (): Promise<string> =>
      textAt((await fetchObject(session, target)).object, 'status', 'phase');
    let phase = await phaseOf();
    while (phase === 'Pending' || phase === '') {
      await io.clock.sleep(POLL_MS, session.signal);
      phase = await phaseOf();
    }
    if (phase === 'Running') {
      await attachTo(invocation, {
        namespace,
        name,
        container: name,
        wantsTty: flags.bool('tty'),
        wantsStdin: flags.bool('stdin'),
      });
    } else {
      const log = session.client.stream({ path: pathOf(resource, { namespace, name, subresource: 'log' }) });
      for await (const chunk of log) {
        io.stdout.write(chunk);
      }
    }
    return await exitCodeOf(invocation, target);
  } finally {
    if (flags.bool('rm')) {
      await deleteAndWait(session, target, { query: {}, body: { gracePeriodSeconds: 0 } });
      session.print(`pod ${JSON.stringify(name)} deleted from ${namespace} namespace\n`);
    }
  }
}

/** A container that may start again has no exit code to wait for. */
async function exitCodeOf({ session, flags, io }: Invocation, target: Target): Promise<number> {
  if (flags.text('restart') === 'Always') {
    return 0;
  }
  for (;;) {
    const { object } = await fetchObject(session, target);
    const phase = textAt(object, 'status', 'phase');
    if (phase === 'Succeeded') {
      return 0;
    }
    if (phase === 'Failed') {
      const [status] = listAt(object, 'status', 'containerStatuses');
      const code = Number(valueAt(status, 'state', 'terminated', 'exitCode') ?? 1);
      throw new CliError(
        `pod ${target.namespace}/${target.name} terminated (${textAt(status, 'state', 'terminated', 'reason')})`,
        { exitCode: code },
      );
    }
    await io.clock.sleep(POLL_MS, session.signal);
  }
}
