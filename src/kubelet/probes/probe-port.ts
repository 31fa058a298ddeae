import type { AnyContainer } from '../pod/pod-containers.ts';

/**
 * The number of a port given by number or by the name that the container gives it.
 *
 * @throws {Error} in upstream's words when there is none
 */
export function portNumber(port: number | string, { ports }: Pick<AnyContainer, 'ports'>): number {
  const numeric = Number(port);
  const found =
    Number.isInteger(numeric) && port !== ''
      ? numeric
      : ports?.find(({ name }) => name === port)?.containerPort;
  if (found === undefined) {
    throw new Error(`couldn't find port: strconv.Atoi: parsing "${port}": invalid syntax`);
  }
  if (found <= 0 || found >= 65_536) {
    throw new Error(`invalid port number: ${found}`);
  }
  return found;
}
