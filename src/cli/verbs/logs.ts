import type { Pod } from '#api/types/core.v1.ts';
import { parseTime } from '#api/time.ts';
import { concatBytes } from '#base/bytes.ts';
import { CliError, silentExit } from '../cli-error.ts';
import type { Command, Invocation } from '../command.ts';
import { failureOf } from '../error-text.ts';
import { listObjects } from '../find-objects.ts';
import { asPod, containerNames, containerOf, fetchNamed, podsOf } from '../pods-of.ts';
import type { Query } from '../rest-client.ts';
import { SELECTOR_FLAG } from '../selection-flags.ts';

export const LOGS: Command = {
  name: 'logs',
  about: 'Print the logs for a container in a pod',
  usage: '[-f] [-p] (POD | TYPE/NAME) [-c CONTAINER]',
  flags: [
    SELECTOR_FLAG,
    { name: 'all-containers', kind: 'bool', about: 'The logs of every container of the pod.' },
    { name: 'all-pods', kind: 'bool', about: 'The logs of every pod; sets --prefix.' },
    { name: 'container', short: 'c', kind: 'text', about: 'The container whose logs to print.' },
    { name: 'follow', short: 'f', kind: 'bool', about: 'Go on printing as the logs grow.' },
    {
      name: 'ignore-errors',
      kind: 'bool',
      about: 'With --follow: an error in one log does not end the others.',
    },
    {
      name: 'insecure-skip-tls-verify-backend',
      kind: 'bool',
      about: "Do not let the server check the node's certificate.",
    },
    { name: 'limit-bytes', kind: 'int', initial: '0', about: 'Bytes to print at most; 0 is no limit.' },
    { name: 'max-log-requests', kind: 'int', initial: '5', about: 'How many logs may be followed at once.' },
    {
      name: 'pod-running-timeout',
      kind: 'duration',
      initial: '20s',
      about: 'Accepted: how long to wait for a pod.',
    },
    { name: 'prefix', kind: 'bool', about: 'Begin each line with its pod and container.' },
    {
      name: 'previous',
      short: 'p',
      kind: 'bool',
      about: 'The logs of the instance of the container before this one.',
    },
    { name: 'since', kind: 'duration', initial: '0s', about: 'Only what is newer than this: 5s, 2m, 3h.' },
    { name: 'since-time', kind: 'text', about: 'Only what is newer than this RFC 3339 time.' },
    {
      name: 'tail',
      kind: 'int',
      initial: '-1',
      about: 'Lines from the end; -1 is all, or 10 with a selector.',
    },
    { name: 'timestamps', kind: 'bool', about: 'Begin each line with its time.' },
  ],
  run: logs,
};

interface LogSource {
  readonly pod: Pod;
  readonly container: string;
}

async function logs(invocation: Invocation): Promise<number> {
  const { session, flags } = invocation;
  checkOptions(invocation);
  const sources = await sourcesOf(invocation);
  const isFollowing = flags.bool('follow');
  if (isFollowing && sources.length > flags.int('max-log-requests')) {
    throw new CliError(
      `you are attempting to follow ${sources.length} log streams, but maximum allowed concurrency is ${flags.int('max-log-requests')}, use --max-log-requests to increase the limit`,
    );
  }
  if (sources.length === 0) {
    session.printError(`No resources found in ${session.namespace} namespace.\n`);
    return 0;
  }
  if (isFollowing && sources.length > 1) {
    await followAll(invocation, sources);
  } else {
    for (const source of sources) {
      await printLog(invocation, source);
    }
  }
  if (session.signal.aborted) {
    throw silentExit(130);
  }
  return 0;
}

function checkOptions({ flags, args, path }: Invocation): void {
  const selector = flags.text('selector');
  const hint = `See '${path} -h' for help and examples`;
  if (args.length === 0 && selector === '') {
    throw new CliError(
      `expected 'logs [-f] [-p] (POD | TYPE/NAME) [-c CONTAINER]'.\nPOD or TYPE/NAME is a required argument for the logs command\n${hint}`,
    );
  }
  if (args.length > 0 && selector !== '') {
    throw new CliError(`only a selector (-l) or a POD name is allowed\n${hint}`);
  }
  if (args.length > 2) {
    throw new CliError(
      `expected 'logs [-f] [-p] (POD | TYPE/NAME) [-c CONTAINER]'.\nPOD or TYPE/NAME is a required argument for the logs command\n${hint}`,
    );
  }
  if (flags.has('since') && flags.has('since-time')) {
    throw new CliError('at most one of `sinceTime` or `sinceSeconds` may be specified');
  }
  if (flags.int('tail') < -1) {
    throw new CliError('--tail must be greater than or equal to -1');
  }
  if (flags.bool('all-containers') && flags.text('container') !== '') {
    throw new CliError(
      `--all-containers=true should not be specified with container name ${flags.text('container')}`,
    );
  }
  const time = flags.text('since-time');
  if (time !== '' && parseTime(time) === undefined) {
    throw new CliError(
      `parsing time ${JSON.stringify(time)} as "2006-01-02T15:04:05Z07:00": cannot parse ${JSON.stringify(time)} as "2006"`,
    );
  }
}

async function sourcesOf(invocation: Invocation): Promise<readonly LogSource[]> {
  const { session, flags, args } = invocation;
  const [name = '', container = ''] = args;
  const given = flags.text('container') || container;
  let pods: readonly Pod[];
  if (flags.text('selector') === '') {
    const found = await fetchNamed(session, name);
    const all = await podsOf(session, found);
    const [first] = all.toSorted(byLogging);
    if (first === undefined) {
      throw new CliError('timed out waiting for the condition');
    }
    if (flags.bool('all-pods')) {
      pods = all;
    } else {
      pods = [first];
      if (all.length > 1) {
        session.printError(`Found ${all.length} pods, using pod/${first.metadata.name}\n`);
      }
    }
  } else {
    const found = await listObjects(session, await session.resource('pods'), session.namespace, {
      labelSelector: flags.text('selector'),
    });
    pods = found.map(({ object }) => asPod(object));
  }
  return pods.flatMap((pod) =>
    flags.bool('all-containers')
      ? inStartOrder(pod).map((each) => ({ pod, container: each }))
      : [{ pod, container: containerOf(session, pod, given) }],
  );
}

function inStartOrder(pod: Pod): readonly string[] {
  const names = containerNames(pod);
  const init = new Set((pod.spec.initContainers ?? []).map(({ name }) => name));
  return [...names.filter((name) => init.has(name)), ...names.filter((name) => !init.has(name))];
}

/** The pod whose log says most: on a node, running, ready, long ready, seldom restarted. */
function byLogging(left: Pod, right: Pod): number {
  const rank = ({ spec, status }: Pod): number =>
    (spec.nodeName === undefined || spec.nodeName === '' ? 8 : 0) +
    (status.phase === 'Running' ? 0 : 4) +
    (status.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True') === true ? 0 : 2);
  return rank(left) - rank(right) || readySince(left) - readySince(right);
}

function readySince({ status }: Pod): number {
  const ready = status.conditions?.find(({ type }) => type === 'Ready');
  return Date.parse(ready?.lastTransitionTime ?? '') || 0;
}

function logQuery({ flags }: Invocation, container: string): Query {
  const isTrue = (name: string): string => (flags.bool(name) ? 'true' : '');
  const tail = flags.has('tail') ? flags.text('tail') : flags.text('selector') === '' ? '' : '10';
  const sinceMs = flags.durationMs('since');
  return {
    container,
    follow: isTrue('follow'),
    previous: isTrue('previous'),
    timestamps: isTrue('timestamps'),
    insecureSkipTLSVerifyBackend: isTrue('insecure-skip-tls-verify-backend'),
    tailLines: tail === '-1' ? '' : tail,
    limitBytes: flags.int('limit-bytes') > 0 ? flags.text('limit-bytes') : '',
    sinceSeconds: sinceMs > 0 ? String(Math.ceil(sinceMs / 1000)) : '',
    sinceTime: flags.text('since-time'),
  };
}

async function followAll(invocation: Invocation, sources: readonly LogSource[]): Promise<void> {
  const { session, flags } = invocation;
  const outcomes = await Promise.allSettled(sources.map((source) => printLog(invocation, source)));
  const errors = outcomes.flatMap((outcome): readonly unknown[] =>
    outcome.status === 'rejected' ? [outcome.reason] : [],
  );
  for (const error of errors) {
    if (!flags.bool('ignore-errors')) {
      throw error;
    }
    session.printError(failureOf(error, () => session.client.target.server).text);
  }
}

async function printLog(invocation: Invocation, { pod, container }: LogSource): Promise<void> {
  const { session, flags } = invocation;
  const { namespace, name } = pod.metadata;
  const body = session.client.stream(
    { path: `/api/v1/namespaces/${namespace}/pods/${name}/log`, query: logQuery(invocation, container) },
    session.signal,
  );
  if (flags.bool('prefix') || flags.bool('all-pods')) {
    const head = new TextEncoder().encode(`[pod/${name}/${container}] `);
    for await (const line of linesOf(body)) {
      await write(invocation, concatBytes([head, line]));
    }
    return;
  }
  for await (const chunk of body) {
    await write(invocation, chunk);
  }
}

/** Waits while whoever reads the output is behind. */
async function write({ io }: Invocation, chunk: string | Uint8Array): Promise<void> {
  if (!io.stdout.write(chunk)) {
    await new Promise<void>((resolve) => io.stdout.once('drain', resolve));
  }
}

const NEWLINE = 0x0a;

/** The lines with their ends, as bytes: a log need not be text, and empty lines are lines. */
async function* linesOf(body: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  let open: Uint8Array = new Uint8Array(0);
  for await (const chunk of body) {
    let rest: Uint8Array = open.length === 0 ? chunk : concatBytes([open, chunk]);
    for (let end = rest.indexOf(NEWLINE); end >= 0; end = rest.indexOf(NEWLINE)) {
      yield rest.subarray(0, end + 1);
      rest = rest.subarray(end + 1);
    }
    open = rest;
  }
  if (open.length > 0) {
    yield open;
  }
}
