import type { Plugin } from '../framework/plugin.ts';
import { DEFAULT_PLUGINS, DEFAULT_WEIGHTS, type ProfileOptions } from '../profile.ts';
import type { SchedulerOptions } from '../scheduler.ts';
import { readExtenders } from './extender-configuration.ts';
import { ARGUMENT_READERS } from './plugin-arguments.ts';
import { ValueReader } from './value-reader.ts';

/** The file says something that is not valid, or not supported here; nothing of it is taken over then. */
export class SchedulerConfigurationError extends Error {
  override readonly name = 'SchedulerConfigurationError';
  readonly code = 'scheduler/configuration';
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(`the scheduler configuration is not usable: ${problems.join('; ')}`);
    this.problems = problems;
  }
}

const API_VERSION = 'kubescheduler.config.k8s.io/v1';

/** Accepted and without effect: they tune what works otherwise here, or belong to the program around the scheduler. */
const WITHOUT_EFFECT = [
  'parallelism',
  'leaderElection',
  'clientConnection',
  'enableProfiling',
  'enableContentionProfiling',
  'delayCacheUntilActive',
];

/** Extension points at which a plugin as a whole cannot be turned off. */
const OTHER_POINTS = [
  'preEnqueue',
  'queueSort',
  'preFilter',
  'filter',
  'postFilter',
  'preScore',
  'reserve',
  'permit',
  'preBind',
  'bind',
  'postBind',
];

/**
 * Reads a `KubeSchedulerConfiguration` of version v1, parsed from YAML or JSON already.
 *
 * @param plugins of the user's own; as upstream, a profile has those that it enables
 * @throws {SchedulerConfigurationError} with everything that is wrong with it
 */
export function readSchedulerConfiguration(
  value: unknown,
  plugins: readonly Plugin[] = [],
): SchedulerOptions {
  const reader = new ValueReader();
  const own = plugins.map(({ name }) => name);
  const known = ['percentageOfNodesToScore', 'podInitialBackoffSeconds', 'podMaxBackoffSeconds', 'profiles'];
  const fields = reader.object(value, '', ['apiVersion', 'kind', 'extenders', ...known, ...WITHOUT_EFFECT]);
  if (fields['apiVersion'] !== API_VERSION || fields['kind'] !== 'KubeSchedulerConfiguration') {
    reader.report('apiVersion, kind', `must be ${API_VERSION}, KubeSchedulerConfiguration`);
  }
  const extenders = readExtenders(reader, fields['extenders'], 'extenders');
  const profiles = reader.list(fields['profiles'], 'profiles', (item, path) =>
    readProfile(reader, item, path, own),
  );
  const names = profiles.map(({ schedulerName }) => schedulerName);
  if (new Set(names).size < names.length) {
    reader.report('profiles', 'each needs a scheduler name of its own');
  }
  const share = reader.integer(fields['percentageOfNodesToScore'], 'percentageOfNodesToScore', {
    min: 0,
    max: 100,
  });
  const first =
    reader.integer(fields['podInitialBackoffSeconds'], 'podInitialBackoffSeconds', { min: 1 }) ?? 1;
  const max = reader.integer(fields['podMaxBackoffSeconds'], 'podMaxBackoffSeconds', { min: 1 }) ?? 10;
  if (max < first) {
    reader.report('podMaxBackoffSeconds', 'must not be less than podInitialBackoffSeconds');
  }
  if (reader.problems.length > 0) {
    throw new SchedulerConfigurationError(reader.problems);
  }
  return {
    backoff: { firstMs: first * 1000, maxMs: max * 1000 },
    ...(plugins.length === 0 ? {} : { plugins }),
    ...profilesOf(profiles, own),
    ...(extenders.length === 0 ? {} : { extenders }),
    ...(share === undefined ? {} : { percentageOfNodesToScore: share }),
  };
}

/** Without profiles there is the default one, which has none of the user's own plugins. */
function profilesOf(
  profiles: readonly ProfileOptions[],
  own: readonly string[],
): Pick<SchedulerOptions, 'profiles'> {
  if (profiles.length > 0) {
    return { profiles };
  }
  return own.length === 0 ? {} : { profiles: [{ disabled: own }] };
}

function readProfile(
  reader: ValueReader,
  value: unknown,
  path: string,
  own: readonly string[],
): ProfileOptions {
  const fields = reader.object(value, path, ['schedulerName', 'plugins', 'pluginConfig']);
  const options = reader.list(fields['pluginConfig'], `${path}.pluginConfig`, (item, itemPath) =>
    readArguments(reader, item, itemPath, own),
  );
  const { schedulerName } = fields;
  return {
    schedulerName:
      schedulerName === undefined ? 'default-scheduler' : reader.text(schedulerName, `${path}.schedulerName`),
    ...readPlugins(reader, fields['plugins'], `${path}.plugins`, own),
    ...Object.assign({}, ...options),
  };
}

function readArguments(
  reader: ValueReader,
  value: unknown,
  path: string,
  own: readonly string[],
): ProfileOptions {
  const { name, args } = reader.object(value, path, ['name', 'args']);
  const plugin = readName(reader, name, `${path}.name`, own);
  const read = ARGUMENT_READERS[plugin];
  if (read === undefined && (DEFAULT_PLUGINS.has(plugin) || own.includes(plugin))) {
    reader.report(`${path}.args`, `arguments of ${plugin} are not supported`);
  }
  return read?.(reader, args, `${path}.args`) ?? {};
}

interface PluginChoice {
  readonly name: string;
  readonly weight: number;
}

function readPlugins(
  reader: ValueReader,
  value: unknown,
  path: string,
  own: readonly string[],
): Required<Pick<ProfileOptions, 'disabled' | 'weights'>> {
  const fields = reader.object(value, path, ['multiPoint', 'score', ...OTHER_POINTS]);
  const point = (name: string): PointChoice => readPoint(reader, fields[name], `${path}.${name}`, own);
  const everywhere = point('multiPoint');
  const score = point('score');
  const somewhere = new Set([...everywhere.enabled, ...score.enabled].map(({ name }) => name));
  for (const name of OTHER_POINTS) {
    const { enabled, disabled } = point(name);
    if (disabled.length > 0) {
      reader.report(`${path}.${name}.disabled`, 'a plugin can be disabled at multiPoint and at score only');
    }
    enabled.forEach((plugin) => somewhere.add(plugin.name));
  }
  const weights: Record<string, number> = {};
  for (const { name } of score.disabled) {
    for (const plugin of name === '*' ? Object.keys(DEFAULT_WEIGHTS) : [name]) {
      weights[plugin] = 0;
    }
  }
  for (const { name, weight } of [...everywhere.enabled, ...score.enabled]) {
    if ((name in DEFAULT_WEIGHTS || own.includes(name)) && weight > 0) {
      weights[name] = weight;
    }
  }
  for (const name of own) {
    weights[name] ??= 0;
  }
  const enabled = new Set(everywhere.enabled.map(({ name }) => name));
  const disabled = everywhere.disabled
    .flatMap(({ name }) => (name === '*' ? [...DEFAULT_PLUGINS] : [name]))
    .filter((name) => !enabled.has(name));
  return { disabled: [...disabled, ...own.filter((name) => !somewhere.has(name))], weights };
}

interface PointChoice {
  readonly enabled: readonly PluginChoice[];
  readonly disabled: readonly PluginChoice[];
}

function readPoint(reader: ValueReader, value: unknown, path: string, own: readonly string[]): PointChoice {
  const { enabled, disabled } = reader.object(value, path, ['enabled', 'disabled']);
  const read =
    (allowsAll: boolean) =>
    (item: unknown, itemPath: string): PluginChoice => {
      const fields = reader.object(item, itemPath, ['name', 'weight']);
      const name =
        allowsAll && fields['name'] === '*' ? '*' : readName(reader, fields['name'], `${itemPath}.name`, own);
      // An enabled scorer without a weight counts once, as upstream has it.
      return {
        name,
        weight: reader.integer(fields['weight'], `${itemPath}.weight`, { min: 0, max: 100 }) || 1,
      };
    };
  return {
    enabled: reader.list(enabled, `${path}.enabled`, read(false)),
    disabled: reader.list(disabled, `${path}.disabled`, read(true)),
  };
}

function readName(reader: ValueReader, value: unknown, path: string, own: readonly string[]): string {
  const name = reader.text(value, path);
  if (name !== '' && !DEFAULT_PLUGINS.has(name) && !own.includes(name)) {
    reader.report(path, `there is no plugin ${name}`);
  }
  return name;
}
