import { optionalPlugins } from '#apiserver/admission/optional/optional-plugins.ts';
import { OWN_PLUGINS, PLUGIN_ORDER } from '#apiserver/admission/plugin-order.ts';
import type { SecurityOptions } from '../security.ts';
import { readAdmissionConfig } from './admission-config.ts';
import { UsageError } from './command-line.ts';
import type { GoFlags } from './go-flags.ts';

/** On only when named: upstream's default leaves these out. Installers put NodeRestriction in. */
const OFF_BY_DEFAULT: ReadonlySet<string> = new Set([
  'AlwaysAdmit',
  'AlwaysDeny',
  'AlwaysPullImages',
  'DenyServiceExternalIPs',
  'ExtendedResourceToleration',
  'LimitPodHardAntiAffinityTopology',
  'NamespaceExists',
  'NodeRestriction',
  'OwnerReferencesPermissionEnforcement',
  'PodNodeSelector',
  'PodTolerationRestriction',
]);

/** Upstream has them; here nobody would do their work. */
const MISSING: ReadonlySet<string> = new Set([
  'EventRateLimit',
  'ImagePolicyWebhook',
  'NamespaceAutoProvision',
]);

/**
 * Which admission plugins the flags switch on.
 *
 * @throws {UsageError} a plugin that is not known
 */
export function chooseAdmissionByFlags(
  flags: GoFlags,
): Required<Pick<SecurityOptions, 'isPluginOn' | 'morePlugins'>> & Pick<SecurityOptions, 'podSecurity'> {
  const enabled = pluginNames(flags, 'enable-admission-plugins');
  const disabled = pluginNames(flags, 'disable-admission-plugins');
  const both = enabled.filter((name) => disabled.includes(name));
  if (both.length > 0) {
    throw new UsageError(
      `[${both.join(' ')}] in enable-admission-plugins and disable-admission-plugins overlapped`,
    );
  }
  const missing = enabled.find((name) => MISSING.has(name));
  if (missing !== undefined) {
    throw new UsageError(`admission plugin ${missing} is not supported by Coracle yet`);
  }
  const isPluginOn = (name: string): boolean =>
    enabled.includes(name) || !(disabled.includes(name) || OFF_BY_DEFAULT.has(name) || MISSING.has(name));
  const config = flags.text('admission-control-config-file');
  return {
    isPluginOn,
    morePlugins: optionalPlugins,
    ...(config === undefined ? {} : readAdmissionConfig(config, isPluginOn)),
  };
}

function pluginNames(flags: GoFlags, flag: string): readonly string[] {
  const names = flags.list(flag);
  const unknown = names.find((name) => !PLUGIN_ORDER.includes(name) || OWN_PLUGINS.has(name));
  if (unknown !== undefined) {
    throw new UsageError(`${flag} plugin ${JSON.stringify(unknown)} is unknown`);
  }
  return names;
}
