import { dnsLabelProblems, dnsSubdomainProblems } from '#api/names.ts';
import { ConfigProblems, fieldsOf, listOf, textOf, type ConfigFields } from '../../config-file.ts';
import { readLevel, readMinor, type LevelVersion } from './namespace-policy.ts';
import type { PodSecuritySettings } from './pod-security-settings.ts';

export const POD_SECURITY_VERSIONS = [
  'pod-security.admission.config.k8s.io/v1',
  'pod-security.admission.config.k8s.io/v1beta1',
];

const MODES = ['enforce', 'audit', 'warn'] as const;

/**
 * Reads a PodSecurityConfiguration.
 *
 * @throws {ConfigFileError} with everything that is wrong with it
 */
export function podSecuritySettings(fields: ConfigFields): PodSecuritySettings {
  const problems = new ConfigProblems();
  problems.onlyFields('', fields, ['apiVersion', 'kind', 'defaults', 'exemptions']);
  const defaults = fieldsOf(fields['defaults']);
  problems.onlyFields(
    'defaults',
    defaults,
    MODES.flatMap((mode) => [mode, `${mode}-version`]),
  );
  const exemptions = fieldsOf(fields['exemptions']);
  problems.onlyFields('exemptions', exemptions, ['usernames', 'namespaces', 'runtimeClasses']);
  const settings = {
    defaults: {
      enforce: readMode(problems, defaults, 'enforce'),
      warn: readMode(problems, defaults, 'warn'),
      audit: readMode(problems, defaults, 'audit'),
    },
    exemptions: {
      namespaces: readNames(problems, exemptions, 'namespaces', dnsLabelProblems),
      runtimeClasses: readNames(problems, exemptions, 'runtimeClasses', dnsSubdomainProblems),
      usernames: readNames(problems, exemptions, 'usernames', (name) =>
        name === '' ? ['username must not be empty'] : [],
      ),
    },
  };
  problems.refuse();
  return settings;
}

function readMode(
  problems: ConfigProblems,
  fields: ConfigFields,
  mode: (typeof MODES)[number],
): LevelVersion {
  const level = textOf(fields[mode]) || 'privileged';
  const version = textOf(fields[`${mode}-version`]) || 'latest';
  const known = readLevel(level);
  const minor = readMinor(version);
  if (typeof known !== 'object') {
    problems.invalid(`defaults.${mode}`, level, known);
  }
  if (typeof minor !== 'object') {
    problems.invalid(`defaults.${mode}-version`, version, minor);
  }
  return {
    level: typeof known === 'object' ? known.level : 'restricted',
    minor: typeof minor === 'object' ? minor.minor : 'latest',
  };
}

function readNames(
  problems: ConfigProblems,
  fields: ConfigFields,
  field: string,
  problemsOf: (name: string) => readonly string[],
): ReadonlySet<string> {
  const names = new Set<string>();
  for (const [index, name] of listOf(fields[field]).map(textOf).entries()) {
    const path = `exemptions.${field}[${index}]`;
    const wrong = problemsOf(name);
    if (wrong.length > 0) {
      problems.invalid(path, name, wrong.join(', '));
    } else if (names.has(name)) {
      problems.duplicate(path, name);
    }
    names.add(name);
  }
  return names;
}
