import { CommandError, type CommandRunner } from '#base/command.ts';
import { Cidr } from '#base/ip.ts';

/** Marks the routes this program made (`ip route … proto`), in the range left to administrators. */
const ROUTE_PROTOCOL = '171';

/**
 * Makes sure that the node itself has some route that covers a service range. The addresses exist nowhere, but
 * without a route the kernel refuses to connect before the packet filter can send the packet to an endpoint. A
 * default route does; where there is none, a route by loopback is added.
 *
 * @param nodeIp source address for connections of the node itself
 */
export async function ensureServiceRoute(
  commands: CommandRunner,
  serviceCidr: string,
  nodeIp: string,
): Promise<'present' | 'added'> {
  const family = familyFlag(serviceCidr);
  const address = Cidr.parse(serviceCidr)?.at(1);
  try {
    await commands.run(['ip', family, 'route', 'get', address ?? serviceCidr]);
    return 'present';
  } catch (error) {
    if (!(error instanceof CommandError) || error.exitCode === undefined) {
      throw error;
    }
    // The exit code says that there is no route.
  }
  await commands.run([
    'ip',
    family,
    'route',
    'replace',
    serviceCidr,
    'dev',
    'lo',
    'src',
    nodeIp,
    'proto',
    ROUTE_PROTOCOL,
  ]);
  return 'added';
}

/** Takes away what {@link ensureServiceRoute} added, if it did. */
export async function removeServiceRoute(commands: CommandRunner, serviceCidr: string): Promise<void> {
  await commands.run([
    'ip',
    familyFlag(serviceCidr),
    'route',
    'flush',
    'exact',
    serviceCidr,
    'proto',
    ROUTE_PROTOCOL,
  ]);
}

/** Lets connections from 127.0.0.1 leave the loopback device, which node ports on localhost need. */
export async function allowLocalhostNodePorts(commands: CommandRunner): Promise<void> {
  await commands.run(['sysctl', '-q', '-w', 'net.ipv4.conf.all.route_localnet=1']);
}

function familyFlag(cidr: string): '-4' | '-6' {
  return cidr.includes(':') ? '-6' : '-4';
}
