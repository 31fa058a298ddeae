import type { NewObject } from '#api/object.ts';
import type { Service, ServiceSpec } from '#api/types/core.v1.ts';
import type { EndpointSlice } from '#api/types/discovery.v1.ts';
import { ENDPOINT_SLICE, SERVICE } from '#api/types/resources.ts';
import { StaticInformers } from '#client/static-informers.ts';

/** Service `shop/web` at 10.96.0.7, port 80 named `http`. */
export function aService(spec: Partial<ServiceSpec> = {}, rest: Partial<NewObject<Service>> = {}): Service {
  return new StaticInformers().set(SERVICE, {
    metadata: { namespace: 'shop', name: 'web' },
    status: { loadBalancer: {} },
    ...rest,
    spec: {
      type: 'ClusterIP',
      clusterIP: '10.96.0.7',
      clusterIPs: ['10.96.0.7'],
      ports: [{ name: 'http', protocol: 'TCP', port: 80, targetPort: 8080 }],
      ...spec,
    },
  });
}

/**
 * The endpoints of {@link aService} in words: `5@a` is 10.244.0.5 on node a. After it may stand `!` for not
 * ready, `~` for terminating but serving, and `/z` for a hint for zone z.
 */
export function aSlice(endpoints: string, rest: Partial<NewObject<EndpointSlice>> = {}): EndpointSlice {
  return new StaticInformers().set(ENDPOINT_SLICE, {
    metadata: { namespace: 'shop', name: 'web-1', labels: { 'kubernetes.io/service-name': 'web' } },
    addressType: 'IPv4',
    ports: [{ name: 'http', protocol: 'TCP', port: 8080 }],
    endpoints: endpoints
      .split(' ')
      .filter((word) => word !== '')
      .map((word) => {
        const [, last = '', node = '', state = '', zone] =
          /^(\d+)@(\w+?)([!~]?)(?:\/(\w+))?$/.exec(word) ?? [];
        return {
          addresses: [`10.244.0.${last}`],
          nodeName: node,
          conditions: { ready: state === '', serving: state !== '!', terminating: state === '~' },
          ...(zone === undefined ? {} : { hints: { forZones: [{ name: zone }] } }),
        };
      }),
    ...rest,
  });
}
