import { readFileSync } from 'node:fs';
import { decodeYaml, YamlDecodeError } from '#codec/yaml.ts';
import {
  readSchedulerConfiguration,
  SchedulerConfigurationError,
} from '#scheduler/configuration/scheduler-configuration.ts';
import type { SchedulerOptions } from '#scheduler/scheduler.ts';
import { UsageError } from './command-line.ts';

/** The option of `coracle up` about the scheduler. */
export const SCHEDULER_OPTIONS = { 'scheduler-config': { type: 'string' } } as const;

export const SCHEDULER_HELP = `  --scheduler-config FILE  a KubeSchedulerConfiguration (kubescheduler.config.k8s.io/v1): profiles, weights, plugin arguments
`;

/**
 * Reads the file of `--scheduler-config`; undefined when there is none.
 *
 * @throws {UsageError} it cannot be used
 */
export function chooseScheduler(options: {
  readonly 'scheduler-config'?: string | undefined;
}): SchedulerOptions | undefined {
  const path = options['scheduler-config'];
  if (path === undefined) {
    return undefined;
  }
  try {
    return readSchedulerConfiguration(decodeYaml(textOf(path), { isStrict: true }));
  } catch (error) {
    if (error instanceof SchedulerConfigurationError || error instanceof YamlDecodeError) {
      throw new UsageError(`--scheduler-config ${path}: ${error.message}`);
    }
    throw error;
  }
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    throw new UsageError(`--scheduler-config ${path} cannot be read: is the path right?`);
  }
}
