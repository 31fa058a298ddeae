import type { JsonRecord } from '#codec/own-property.ts';
import { CHANGE_FLAGS, changeObjects } from '../change-object.ts';
import { CliError } from '../cli-error.ts';
import type { Command, Invocation } from '../command.ts';
import { findObjects } from '../find-objects.ts';
import { readStream } from '../manifests.ts';
import { type AnyObject, listAt, recordAt, sortedEntries, textAt, valueAt } from '../object-access.ts';
import { withContainers, withPodSpec } from '../pod-spec-of.ts';
import { qualifiedName } from '../resource-mapper.ts';

export const SET_ENV: Command = {
  name: 'env',
  about: 'Update environment variables on a pod template',
  usage: 'RESOURCE/NAME KEY_1=VAL_1 ... KEY_N=VAL_N',
  flags: [
    ...CHANGE_FLAGS,
    {
      name: 'containers',
      short: 'c',
      kind: 'text',
      initial: '*',
      about: 'The names of containers in the pod templates to change; * stands for any text.',
    },
    { name: 'env', short: 'e', kind: 'array', about: 'A variable to set: key=value.' },
    { name: 'from', kind: 'text', about: 'A ConfigMap or Secret whose keys become variables.' },
    { name: 'keys', kind: 'list', about: 'With --from: take these keys only.' },
    { name: 'list', kind: 'bool', about: 'Print the variables and change nothing.' },
    { name: 'overwrite', kind: 'bool', initial: 'true', about: 'Allow what is there to be overwritten.' },
    { name: 'prefix', kind: 'text', about: 'Put this before the names of the variables.' },
  ],
  run: setEnv,
};

/** Stricter than the API, which takes any printable name. */
const ENV_NAME = /^[-._a-zA-Z][-._a-zA-Z0-9]*$/;
const ENV_NAME_PROBLEM =
  "a valid environment variable name must consist of alphabetic characters, digits, '_', '-', or '.', and must not start with a digit (e.g. 'my.env-name',  or 'MY_ENV.NAME',  or 'MyEnvName1', regex used for validation is '[-._a-zA-Z][-._a-zA-Z0-9]*')";

/** One variable of a container, as the API has it. */
type Variable = JsonRecord;

interface EnvChange {
  readonly set: readonly Variable[];
  readonly removed: readonly string[];
}

async function setEnv(invocation: Invocation): Promise<void> {
  const { flags, session } = invocation;
  const { resources, words } = splitWords(invocation.args);
  if (flags.bool('list') && flags.text('output') !== '') {
    throw new CliError('--list and --output may not be specified together');
  }
  if (flags.list('keys').length > 0 && flags.text('from') === '') {
    throw new CliError('when specifying --keys, a configmap or secret must be provided with --from');
  }
  const { set, removed } = await readWords(invocation, [...flags.list('env'), ...words]);
  const prefix = flags.text('prefix');
  const change: EnvChange = {
    set: [...set, ...(await variablesFrom(invocation))].map((variable) => ({
      ...variable,
      name: `${prefix}${textAt(variable, 'name')}`,
    })),
    removed,
  };
  const pattern = flags.text('containers');
  await changeObjects(invocation, resources, {
    manager: 'kubectl-set',
    outcome: 'env updated',
    refusal: 'failed to patch env update to pod template: ',
    apply: (object) => {
      const changed = withPodSpec(object, (spec) => {
        const result = withContainers(spec, pattern, (container) => {
          const env = changedEnv(invocation, { object, container, change });
          if (flags.bool('list')) {
            session.print(envText(object, container, env));
          }
          return env.length === 0 && valueAt(container, 'env') === undefined
            ? container
            : { ...container, env };
        });
        if (result.count === 0) {
          session.warn(
            `${object.kind}/${object.metadata.name} does not have any containers matching ${JSON.stringify(pattern)}`,
          );
        }
        return result.spec;
      });
      return flags.bool('list') ? object : changed;
    },
  });
}

/** Splits `deployment/web A=1 B-` into what names objects and what changes variables. */
function splitWords(args: readonly string[]): {
  readonly resources: readonly string[];
  readonly words: readonly string[];
} {
  const isChange = (arg: string): boolean => arg.indexOf('=') > 0 || arg.endsWith('-');
  const start = args.findIndex(isChange);
  const words = start < 0 ? [] : args.slice(start);
  if (!words.every(isChange)) {
    throw new CliError(`all resources must be specified before environment changes: ${args.join(' ')}`);
  }
  return { resources: start < 0 ? args : args.slice(0, start), words };
}

async function readWords({ io }: Invocation, words: readonly string[]): Promise<EnvChange> {
  const set: Variable[] = [];
  const removed: string[] = [];
  for (const word of words) {
    const equals = word.indexOf('=');
    if (word === '-') {
      set.push(...variablesIn(await readStream(io.stdin)));
    } else if (equals >= 0) {
      const name = word.slice(0, equals);
      if (!ENV_NAME.test(name)) {
        throw new CliError(`${JSON.stringify(name)} is not a valid key name: ${ENV_NAME_PROBLEM}`);
      }
      set.push({ name, value: word.slice(equals + 1) });
    } else if (word.endsWith('-')) {
      removed.push(word.slice(0, -1));
    } else {
      throw new CliError(`unknown environment variable: ${word}`);
    }
  }
  if (set.some(({ name }) => removed.includes(String(name)))) {
    throw new CliError('can not both modify and remove the same environment variable in the same command');
  }
  return { set, removed };
}

/** Lines as `env` prints them; what follows a `#` is left out. */
function variablesIn(text: string): readonly Variable[] {
  return text
    .split('\n')
    .map((line) => line.replace(/#.*$/, ''))
    .filter((line) => line.includes('='))
    .map((line) => {
      const equals = line.indexOf('=');
      return { name: line.slice(0, equals), value: line.slice(equals + 1) };
    });
}

/** References to the keys of the object that `--from` names. */
async function variablesFrom(invocation: Invocation): Promise<readonly Variable[]> {
  const { flags, session } = invocation;
  const from = flags.text('from');
  if (from === '') {
    return [];
  }
  const keys = flags.list('keys');
  const sources = await findObjects(invocation, { args: [from] });
  return sources.flatMap(({ object, resource }) => {
    const field = { configmaps: 'configMapKeyRef', secrets: 'secretKeyRef' }[qualifiedName(resource)];
    if (field === undefined) {
      throw new CliError('unsupported resource specified in --from');
    }
    return sortedEntries(recordAt(object, 'data'))
      .map(([key]) => key)
      .filter((key) => keys.length === 0 || keys.includes(key))
      .map((key) => {
        const name = key.replaceAll(/[^a-zA-Z0-9_]/g, '_').toUpperCase();
        if (name !== key) {
          session.warn(`key ${key} transferred to ${name}`);
        }
        return { name, valueFrom: { [field]: { name: object.metadata.name, key } } };
      });
  });
}

interface ContainerChange {
  readonly object: AnyObject;
  readonly container: JsonRecord;
  readonly change: EnvChange;
}

/** What is set takes the place of what has its name, and stands behind the rest otherwise. */
function changedEnv(
  { flags }: Invocation,
  { container, change: { set, removed } }: ContainerChange,
): readonly Variable[] {
  const before = listAt(container, 'env').map((each) => recordAt(each));
  const added = new Map(set.map((variable) => [textAt(variable, 'name'), variable]));
  if (!flags.bool('overwrite')) {
    const taken = before.find((each) => added.has(textAt(each, 'name')));
    if (taken !== undefined) {
      throw new CliError(
        `'${textAt(taken, 'name')}' already has a value (${textAt(taken, 'value')}), and --overwrite is false`,
      );
    }
  }
  const kept = before
    .filter((each) => !removed.includes(textAt(each, 'name')))
    .map((each) => added.get(textAt(each, 'name')) ?? each);
  const present = new Set(kept.map((each) => textAt(each, 'name')));
  return [...kept, ...[...added.values()].filter((each) => !present.has(textAt(each, 'name')))];
}

function envText(object: AnyObject, container: JsonRecord, env: readonly Variable[]): string {
  const lines = env.map((variable) => {
    const name = textAt(variable, 'name');
    return valueAt(variable, 'valueFrom') === undefined
      ? `${name}=${textAt(variable, 'value')}\n`
      : `# ${name} from ${sourceText(recordAt(variable, 'valueFrom'))}\n`;
  });
  return `# ${object.kind} ${object.metadata.name}, container ${textAt(container, 'name')}\n${lines.join('')}`;
}

function sourceText(source: JsonRecord): string {
  const at = (field: string, inner: string): string => textAt(source, field, inner);
  if (source['configMapKeyRef'] !== undefined) {
    return `configmap ${at('configMapKeyRef', 'name')}, key ${at('configMapKeyRef', 'key')}`;
  }
  if (source['secretKeyRef'] !== undefined) {
    return `secret ${at('secretKeyRef', 'name')}, key ${at('secretKeyRef', 'key')}`;
  }
  if (source['fieldRef'] !== undefined) {
    return `field path ${at('fieldRef', 'fieldPath')}`;
  }
  if (source['resourceFieldRef'] !== undefined) {
    const container = at('resourceFieldRef', 'containerName');
    return `resource field ${container === '' ? '' : `${container}/`}${at('resourceFieldRef', 'resource')}`;
  }
  return 'invalid valueFrom';
}
