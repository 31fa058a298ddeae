import { DEFAULT_PLUGINS } from './profile.ts';
import type { SchedulerOptions } from './scheduler.ts';

/** Two plugins have one name, or a profile speaks of a plugin that is not there. */
export class PluginNameError extends Error {
  override readonly name = 'PluginNameError';
  readonly code = 'scheduler/plugin-name';
}

/** @throws {PluginNameError} */
export function checkPluginNames({ plugins = [], profiles = [] }: SchedulerOptions): void {
  const known = new Set(DEFAULT_PLUGINS);
  for (const { name } of plugins) {
    if (name === '' || known.has(name)) {
      throw new PluginNameError(
        `a plugin named ${JSON.stringify(name)} is there already: give each a name of its own`,
      );
    }
    known.add(name);
  }
  for (const { disabled = [], weights = {} } of profiles) {
    const unknown = [...disabled, ...Object.keys(weights)].find((name) => !known.has(name));
    if (unknown !== undefined) {
      throw new PluginNameError(
        `a profile speaks of the plugin ${JSON.stringify(unknown)}, which is not there: name it in "plugins", or check the spelling`,
      );
    }
  }
}
