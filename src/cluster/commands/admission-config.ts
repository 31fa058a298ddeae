import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import {
  POD_SECURITY_VERSIONS,
  podSecuritySettings,
} from '#apiserver/admission/pod-security/pod-security-configuration.ts';
import type { PodSecuritySettings } from '#apiserver/admission/pod-security/pod-security-settings.ts';
import {
  ConfigFileError,
  ConfigProblems,
  fieldsOf,
  listOf,
  readConfigFile,
  textOf,
  type ConfigFields,
} from '#apiserver/config-file.ts';
import { UsageError } from './command-line.ts';

const VERSIONS = ['apiserver.config.k8s.io/v1'];

/** What an AdmissionConfiguration says of the plugins. */
export interface AdmissionConfig {
  readonly podSecurity?: PodSecuritySettings;
}

/**
 * Reads the file of `--admission-control-config-file`.
 *
 * @param isPluginOn what is said of others is not looked at, as upstream
 * @throws {UsageError} it cannot be used
 */
export function readAdmissionConfig(path: string, isPluginOn: (name: string) => boolean): AdmissionConfig {
  try {
    return readConfig(path, isPluginOn);
  } catch (error) {
    if (error instanceof ConfigFileError) {
      throw new UsageError(`failed to read plugin config: ${error.message}: from file ${path}`);
    }
    throw error;
  }
}

function readConfig(path: string, isPluginOn: (name: string) => boolean): AdmissionConfig {
  const problems = new ConfigProblems();
  const document = readConfigFile(textOfFile(path), VERSIONS, 'AdmissionConfiguration');
  problems.onlyFields('', document, ['apiVersion', 'kind', 'plugins']);
  let config: AdmissionConfig = {};
  for (const [index, plugin] of listOf(document['plugins']).map(fieldsOf).entries()) {
    problems.onlyFields(`plugins[${index}]`, plugin, ['name', 'path', 'configuration']);
    const name = textOf(plugin['name']);
    const own = textOf(plugin['path']);
    const isConfigured = own !== '' || plugin['configuration'] !== undefined;
    if (isConfigured && isPluginOn(name)) {
      if (name !== 'PodSecurity') {
        throw new UsageError(`configuration of admission plugin ${name} is not supported by Coracle yet`);
      }
      const fields =
        own === ''
          ? ofKind(fieldsOf(plugin['configuration']))
          : readConfigFile(
              textOfFile(resolve(dirname(path), own)),
              POD_SECURITY_VERSIONS,
              'PodSecurityConfiguration',
            );
      config = { ...config, podSecurity: podSecuritySettings(fields) };
    }
  }
  problems.refuse();
  return config;
}

function ofKind(fields: ConfigFields): ConfigFields {
  return readConfigFile(JSON.stringify(fields), POD_SECURITY_VERSIONS, 'PodSecurityConfiguration');
}

function textOfFile(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    throw new UsageError(`read the admission configuration ${path}: is the path right?`);
  }
}
