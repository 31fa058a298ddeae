import type { Clock } from '#base/clock.ts';
import { SystemCommands } from '#base/command.ts';
import type { Logger } from '#base/log.ts';
import type { Random } from '#base/random.ts';
import { NftProgram } from '#proxy/nft.ts';
import { removeProxyTables } from '#proxy/service-proxy.ts';
import { removeServiceRoute } from '#proxy/service-route.ts';
import { checkHost } from '#runtime/oci/check-host.ts';
import { OciRuntime } from '#runtime/oci/oci-runtime.ts';
import type { ClusterSettings, DataDirectory } from './data-directory.ts';
import { runtimeOptions } from './oci-node.ts';

export interface ClearHostDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

/**
 * Removes what a cluster has on this host after its program was killed: containers, network, packet filter
 * tables, route. Its data stay. Where real containers cannot run there is nothing to remove.
 */
export async function clearHost(
  directory: DataDirectory,
  { instanceId, podCidr, serviceCidr }: ClusterSettings,
  deps: ClearHostDeps,
): Promise<void> {
  const check = checkHost();
  if (check.kind === 'lacking') {
    return;
  }
  const options = {
    instanceId,
    dataDir: directory.node,
    programs: check.programs,
    nodePodCidr: podCidr,
    clusterCidr: podCidr,
    registryMirrors: new Map(),
  };
  const commands = new SystemCommands();
  await OciRuntime.destroy(runtimeOptions(deps, options));
  await removeProxyTables(new NftProgram(commands), instanceId);
  await removeServiceRoute(commands, serviceCidr);
}
