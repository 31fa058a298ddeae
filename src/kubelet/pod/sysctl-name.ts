/**
 * A sysctl's name with dots between its parts. With slashes first it is the path below /proc/sys, where a dot belongs
 * to a part's name (`net/ipv4/conf/eno2.100/rp_filter`), and the two change places.
 */
export function sysctlName(given: string): string {
  const first = /[./]/.exec(given)?.[0];
  return first === '/' ? given.replaceAll(/[./]/g, (separator) => (separator === '/' ? '.' : '/')) : given;
}
