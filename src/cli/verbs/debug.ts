import { readFileSync } from 'node:fs';
import { randomSuffix } from '#api/generate-name.ts';
import { structType } from '#api/schema/schema.ts';
import type { Container, EnvVar, Pod } from '#api/types/core.v1.ts';
import { SystemRandom } from '#base/random.ts';
import { isRecord } from '#codec/own-property.ts';
import { applyStrategicMerge } from '#codec/patch/strategic-merge.ts';
import { decodeYaml } from '#codec/yaml.ts';
import { CliError } from '../cli-error.ts';
import type { Command, Invocation } from '../command.ts';
import { applyProfile, type DebugPod, type DebugStyle } from '../debug-profiles.ts';
import { findObjects, type FoundObject } from '../find-objects.ts';
import { FILE_FLAGS } from '../manifests.ts';
import { asObject } from '../object-access.ts';
import { asPod, containerNames } from '../pods-of.ts';
import { pathOf } from '../resource-mapper.ts';
import { attachWhenStarted } from './debug-attach.ts';

export const DEBUG: Command = {
  name: 'debug',
  about: 'Create debugging sessions for troubleshooting workloads and nodes',
  usage: '(POD | TYPE[[.VERSION].GROUP]/NAME) [ -- COMMAND [args...] ]',
  flags: [
    ...FILE_FLAGS,
    { name: 'arguments-only', kind: 'bool', about: 'The words behind -- are arguments, not the command.' },
    { name: 'attach', kind: 'bool', about: 'Wait for the container and attach to it; so with -i.' },
    { name: 'container', short: 'c', kind: 'text', about: 'Name of the debugging container.' },
    { name: 'copy-to', kind: 'text', about: 'Debug a copy of the pod with this name.' },
    { name: 'custom', kind: 'text', about: 'A file with parts of a container that go over the profile.' },
    { name: 'env', kind: 'list', about: 'Environment variables: key=value.' },
    { name: 'image', kind: 'text', about: 'Image of the debugging container.' },
    { name: 'image-pull-policy', kind: 'text', about: 'Always, IfNotPresent or Never.' },
    { name: 'keep-annotations', kind: 'bool', about: 'A copy keeps the annotations.' },
    { name: 'keep-init-containers', kind: 'bool', initial: 'true', about: 'A copy keeps init containers.' },
    { name: 'keep-labels', kind: 'bool', about: 'A copy keeps the labels.' },
    { name: 'keep-liveness', kind: 'bool', about: 'A copy keeps liveness probes.' },
    { name: 'keep-readiness', kind: 'bool', about: 'A copy keeps readiness probes.' },
    { name: 'keep-startup', kind: 'bool', about: 'A copy keeps startup probes.' },
    {
      name: 'profile',
      kind: 'text',
      initial: 'general',
      about: 'legacy, general, baseline, restricted, netadmin or sysadmin.',
    },
    { name: 'quiet', short: 'q', kind: 'bool', about: 'Print only what the container prints.' },
    { name: 'replace', kind: 'bool', about: 'With --copy-to: delete the pod itself.' },
    { name: 'same-node', kind: 'bool', about: 'With --copy-to: keep the copy on the node.' },
    { name: 'set-image', kind: 'list', about: 'With --copy-to: other images, container=image.' },
    {
      name: 'share-processes',
      kind: 'bool',
      initial: 'true',
      about: 'With --copy-to: containers see the processes of each other.',
    },
    { name: 'stdin', short: 'i', kind: 'bool', about: 'Keep the standard input open.' },
    { name: 'target', kind: 'text', about: 'See the processes of this container.' },
    { name: 'tty', short: 't', kind: 'bool', about: 'Give the container a terminal.' },
  ],
  run: debug,
};

const NAME_PREFIX = 'debugger';

async function debug(invocation: Invocation): Promise<number> {
  const { flags, args, dash, session } = invocation;
  const named = dash === undefined ? args : args.slice(0, dash);
  const words = dash === undefined ? [] : args.slice(dash);
  const setImages = pairsOf(flags.list('set-image'), 'set-image');
  checkFlags(invocation, { named, words });
  const targets = named.map((name) => (name.includes('/') ? name : `pods/${name}`));
  let code = 0;
  for (const found of await findObjects(invocation, { args: targets })) {
    const made = await debugOne(invocation, found, { words, setImages });
    const isAttached = flags.has('attach') ? flags.bool('attach') : flags.bool('stdin');
    if (isAttached && made.container !== '') {
      code = await attachWhenStarted(invocation, made);
    }
  }
  session.signal.throwIfAborted();
  return code;
}

/** The pod and the container to look from. */
export interface DebugPlace {
  readonly namespace: string;
  readonly pod: string;
  /** Empty when none was made or chosen. */
  readonly container: string;
}

interface DebugRequest {
  readonly words: readonly string[];
  readonly setImages: ReadonlyMap<string, string>;
}

function pairsOf(texts: readonly string[], flag: string): ReadonlyMap<string, string> {
  return new Map(
    texts.map((text) => {
      const equals = text.indexOf('=');
      if (equals <= 0) {
        throw new CliError(
          `invalid argument ${JSON.stringify(text)} for "--${flag}" flag: ${text} must be formatted as key=value`,
        );
      }
      return [text.slice(0, equals), text.slice(equals + 1)] as const;
    }),
  );
}

function checkFlags(
  { flags, session }: Invocation,
  { named, words }: { readonly named: readonly string[]; readonly words: readonly string[] },
): void {
  const has = (flag: string): boolean => flags.text(flag) !== '';
  if (flags.has('attach') && flags.bool('attach') && !has('image') && !has('container')) {
    throw new CliError(
      'you must specify --container or create a new container using --image in order to attach.',
    );
  }
  if (has('copy-to')) {
    if (!has('image') && flags.list('set-image').length === 0 && words.length === 0) {
      throw new CliError('you must specify --image, --set-image or command arguments.');
    }
    if (words.length > 0 && !has('container') && !has('image')) {
      throw new CliError('you must specify an existing container or a new image when specifying args.');
    }
  } else {
    const alone = ['replace', 'same-node'].find((flag) => flags.bool(flag));
    if (alone !== undefined || flags.list('set-image').length > 0) {
      throw new CliError(`--${alone ?? 'set-image'} may only be used with --copy-to.`);
    }
    if (!has('image')) {
      throw new CliError('you must specify --image when not using --copy-to.');
    }
  }
  if (named.length === 0 && flags.list('filename').length === 0) {
    throw new CliError('NAME or filename is required for debug');
  }
  if (!['', 'Always', 'IfNotPresent', 'Never'].includes(flags.text('image-pull-policy'))) {
    throw new CliError(`invalid image pull policy: ${flags.text('image-pull-policy')}`);
  }
  if (has('target') && has('copy-to')) {
    throw new CliError('--target is incompatible with --copy-to. Use --share-processes instead.');
  }
  if (has('target') && !flags.bool('quiet')) {
    session.print(
      `Targeting container ${JSON.stringify(flags.text('target'))}. If you don't see processes from this container it may be because the container runtime doesn't support this feature.\n`,
    );
  }
  if (flags.bool('tty') && !flags.bool('stdin')) {
    throw new CliError('-i/--stdin is required for containers with -t/--tty=true');
  }
}

async function debugOne(
  invocation: Invocation,
  found: FoundObject,
  request: DebugRequest,
): Promise<DebugPlace> {
  switch (found.object.kind) {
    case 'Node':
      return debugNode(invocation, found, request);
    case 'Pod':
      return invocation.flags.text('copy-to') === ''
        ? debugInPlace(invocation, found, request)
        : debugCopy(invocation, found, request);
    default:
      throw new CliError(`"${found.object.apiVersion}, Kind=${found.object.kind}" not supported by debug`);
  }
}

/** The container as the flags want it; what they do not say is left out. */
function wantedContainer({ flags }: Invocation, name: string, { words }: DebugRequest): Container {
  const env: EnvVar[] = [...pairsOf(flags.list('env'), 'env')].map(([key, value]) => ({ name: key, value }));
  return {
    name,
    ...(words.length === 0 ? {} : { [flags.bool('arguments-only') ? 'args' : 'command']: words }),
    ...(env.length === 0 ? {} : { env }),
    image: flags.text('image'),
    // The flag was checked.
    ...(flags.text('image-pull-policy') === ''
      ? {}
      : { imagePullPolicy: flags.text('image-pull-policy') as NonNullable<Container['imagePullPolicy']> }),
    resources: {},
    ...(flags.bool('stdin') ? { stdin: true } : {}),
    terminationMessagePolicy: 'File',
    ...(flags.bool('tty') ? { tty: true } : {}),
  };
}

function newName({ session, flags }: Invocation, pod: Pod): string {
  if (flags.text('container') !== '') {
    return flags.text('container');
  }
  const taken = containerNames(pod);
  const random = new SystemRandom();
  let name: string;
  do {
    name = `${NAME_PREFIX}-${randomSuffix(random)}`;
  } while (taken.includes(name));
  if (!flags.bool('quiet')) {
    session.print(`Defaulting debug container name to ${name}.\n`);
  }
  return name;
}

/** A pod with a profile, and what the user puts over it. */
function profiled({ flags }: Invocation, pod: DebugPod, container: string, style: DebugStyle): DebugPod {
  const keeps = (what: string): boolean => flags.bool(`keep-${what}`);
  const kept = {
    labels: keeps('labels'),
    annotations: keeps('annotations'),
    liveness: keeps('liveness'),
    readiness: keeps('readiness'),
    startup: keeps('startup'),
    initContainers: keeps('init-containers'),
  };
  const applied = applyProfile(pod, { profile: flags.text('profile'), container, style, kept });
  const path = flags.text('custom');
  return path === '' ? applied : withCustom(applied, container, path);
}

function withCustom({ metadata, spec }: DebugPod, name: string, path: string): DebugPod {
  const custom = decodeYaml(readFileSync(path, 'utf8'));
  const struct = structType('core.v1.Container');
  if (!isRecord(custom) || struct === undefined) {
    throw new CliError(`${path} does not contain a valid container spec`);
  }
  const fixed = ['name', 'command', 'image', 'lifecycle', 'volumeDevices'];
  if (fixed.some((field) => custom[field] !== undefined)) {
    throw new CliError(
      'name, command, image, lifecycle and volume devices are not modifiable via custom profile',
    );
  }
  const change = <T extends { readonly name: string }>(container: T): T =>
    // A merge by the table of containers gives one.
    container.name === name ? (applyStrategicMerge(container, custom, struct) as T) : container;
  const { ephemeralContainers } = spec;
  return {
    metadata,
    spec: {
      ...spec,
      containers: spec.containers.map(change),
      ...(ephemeralContainers === undefined ? {} : { ephemeralContainers: ephemeralContainers.map(change) }),
    },
  };
}

async function debugInPlace(
  invocation: Invocation,
  { resource, namespace, name: podName, object }: FoundObject,
  request: DebugRequest,
): Promise<DebugPlace> {
  const { session, flags } = invocation;
  const pod = asPod(object);
  const name = newName(invocation, pod);
  const container = wantedContainer(invocation, name, request);
  const target = flags.text('target');
  const wanted = { ...container, ...(target === '' ? {} : { targetContainerName: target }) };
  const { spec } = profiled(
    invocation,
    { metadata: {}, spec: { ...pod.spec, containers: [], ephemeralContainers: [wanted] } },
    name,
    'ephemeral',
  );
  await session.client.request({
    method: 'PATCH',
    path: pathOf(resource, { namespace, name: podName, subresource: 'ephemeralcontainers' }),
    contentType: 'application/strategic-merge-patch+json',
    body: { spec: { ephemeralContainers: spec.ephemeralContainers } },
  });
  return { namespace, pod: podName, container: name };
}

async function debugNode(
  invocation: Invocation,
  { name: node }: FoundObject,
  request: DebugRequest,
): Promise<DebugPlace> {
  const { session, flags } = invocation;
  const container = flags.text('container') || NAME_PREFIX;
  const name = `node-${NAME_PREFIX}-${node}-${randomSuffix(new SystemRandom())}`;
  if (!flags.bool('quiet')) {
    session.print(`Creating debugging pod ${name} with container ${container} on node ${node}.\n`);
  }
  const pod = profiled(
    invocation,
    {
      metadata: { name, labels: { 'app.kubernetes.io/managed-by': 'kubectl-debug' } },
      spec: {
        containers: [wantedContainer(invocation, container, request)],
        nodeName: node,
        restartPolicy: 'Never',
        tolerations: [{ operator: 'Exists' }],
      },
    },
    container,
    'node',
  );
  return { ...(await create(invocation, pod, session.namespace)), container };
}

async function create(
  { session }: Invocation,
  pod: DebugPod,
  namespace: string,
): Promise<Omit<DebugPlace, 'container'>> {
  const resource = await session.resource('pods');
  const answer = await session.client.request({
    method: 'POST',
    path: pathOf(resource, { namespace }),
    body: { apiVersion: 'v1', kind: 'Pod', ...pod, metadata: { ...pod.metadata, namespace } },
  });
  return { namespace, pod: asObject(answer).metadata.name };
}

async function debugCopy(
  invocation: Invocation,
  found: FoundObject,
  request: DebugRequest,
): Promise<DebugPlace> {
  const { session, flags } = invocation;
  const original = asPod(found.object);
  const { copy, container } = copied(invocation, original, request);
  const pod = container === '' ? copy : profiled(invocation, copy, container, 'copy');
  const made = await create(invocation, pod, found.namespace);
  if (flags.bool('replace')) {
    await session.client.request({
      method: 'DELETE',
      path: pathOf(found.resource, found),
      body: { apiVersion: 'v1', kind: 'DeleteOptions', gracePeriodSeconds: 0 },
    });
  }
  return { ...made, container };
}

/** A copy of a pod with the container to look from. */
function copied(
  invocation: Invocation,
  original: Pod,
  request: DebugRequest,
): { readonly copy: DebugPod; readonly container: string } {
  const { flags } = invocation;
  const { ephemeralContainers: _left, nodeName, ...rest } = original.spec;
  const { annotations, labels } = original.metadata;
  const containers = rest.containers.map((each) => {
    const image = request.setImages.get(each.name) ?? request.setImages.get('*');
    return image === undefined ? each : { ...each, image };
  });
  const spec: Pod['spec'] = {
    ...rest,
    ...(flags.bool('same-node') && nodeName !== undefined ? { nodeName } : {}),
    ...(flags.has('share-processes') ? { shareProcessNamespace: flags.bool('share-processes') } : {}),
    containers,
  };
  const metadata = {
    name: flags.text('copy-to'),
    ...(annotations === undefined ? {} : { annotations }),
    ...(labels === undefined ? {} : { labels }),
  };
  const present = containers.find((each) => each.name === flags.text('container'));
  if (present === undefined && flags.text('image') === '') {
    if (request.setImages.size > 0) {
      return { copy: { metadata, spec }, container: '' };
    }
    throw new CliError('you must specify image when creating new container');
  }
  const name = present?.name ?? newName(invocation, original);
  const wanted = wantedContainer(invocation, name, request);
  const next = present === undefined ? wanted : changedContainer(present, wanted);
  const all =
    present === undefined
      ? [...containers, next]
      : containers.map((each) => (each === present ? next : each));
  return { copy: { metadata, spec: { ...spec, containers: all } }, container: name };
}

/** What the flags leave open stays as the container had it; its terminal is as the flags say. */
function changedContainer(present: Container, wanted: Container): Container {
  const { stdin: _stdin, tty: _tty, args, ...rest } = present;
  const { image, name: _name, resources: _resources, terminationMessagePolicy: _policy, ...given } = wanted;
  return {
    ...rest,
    ...(wanted.command === undefined && args !== undefined ? { args } : {}),
    ...given,
    ...(image === undefined || image === '' ? {} : { image }),
  };
}
