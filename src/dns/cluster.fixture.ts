import type { DeepPartial } from '#api/object.ts';
import type { ServiceSpec } from '#api/types/core.v1.ts';
import { ENDPOINT_SLICE, NAMESPACE, SERVICE } from '#api/types/resources.ts';
import { StaticInformers } from '#client/static-informers.ts';

/**
 * Namespace `shop` with a service of each kind:
 *
 *     web       10.96.0.7 and fd00::7, port http 80/TCP, one endpoint with the host name web-0
 *     db        headless: db-0 at 10.244.0.5, 10.244.0.6 without a name, 10.244.0.7 not ready; port sql 5432/TCP
 *     idle      headless without endpoints
 *     docs      another name for docs.example.com
 *     shortcut  another name for web in this cluster
 */
export function shopInformers(): StaticInformers {
  const informers = new StaticInformers();
  const namespace = 'shop';
  informers.set(NAMESPACE, { metadata: { name: namespace } });
  const service = (name: string, spec: DeepPartial<ServiceSpec>): void => {
    informers.set(SERVICE, { metadata: { namespace, name }, spec });
  };
  service('web', {
    clusterIP: '10.96.0.7',
    clusterIPs: ['10.96.0.7', 'fd00::7'],
    ports: [{ name: 'http', protocol: 'TCP', port: 80 }],
  });
  service('db', {
    clusterIP: 'None',
    clusterIPs: ['None'],
    ports: [{ name: 'sql', protocol: 'TCP', port: 5432 }],
  });
  service('idle', { clusterIP: 'None', clusterIPs: ['None'] });
  service('docs', { type: 'ExternalName', externalName: 'docs.example.com' });
  service('shortcut', { type: 'ExternalName', externalName: 'web.shop.svc.cluster.local' });
  const slice = (
    name: string,
    port: { readonly name: string; readonly port: number },
    endpoints: readonly { readonly ip: string; readonly hostname?: string; readonly isReady?: boolean }[],
  ): void => {
    informers.set(ENDPOINT_SLICE, {
      metadata: { namespace, name: `${name}-1`, labels: { 'kubernetes.io/service-name': name } },
      addressType: 'IPv4',
      ports: [{ ...port, protocol: 'TCP' }],
      endpoints: endpoints.map(({ ip, hostname, isReady }) => ({
        addresses: [ip],
        conditions: isReady === undefined ? {} : { ready: isReady },
        ...(hostname === undefined ? {} : { hostname }),
      })),
    });
  };
  slice('web', { name: 'http', port: 8080 }, [{ ip: '10.244.0.9', hostname: 'web-0' }]);
  slice('db', { name: 'sql', port: 5432 }, [
    { ip: '10.244.0.5', hostname: 'db-0', isReady: true },
    { ip: '10.244.0.6' },
    { ip: '10.244.0.7', hostname: 'db-2', isReady: false },
  ]);
  return informers;
}
