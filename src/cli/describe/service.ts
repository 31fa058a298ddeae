import { listObjects } from '../find-objects.ts';
import { type AnyObject, listAt, numberAt, textAt, valueAt } from '../object-access.ts';
import type { DescribeContext } from './describe-context.ts';
import { writeEvents } from './events.ts';
import { mapText, writeAnnotations, writeLabels } from './format.ts';

/** Endpoints shown of each port. */
const ENDPOINTS_MAX = 3;

export async function describeService(context: DescribeContext): Promise<void> {
  const { object: service, writer, session } = context;
  const namespace = textAt(service, 'metadata', 'namespace');
  const slices = await listObjects(
    session,
    await session.resource('endpointslices.discovery.k8s.io'),
    namespace,
    {
      labelSelector: `kubernetes.io/service-name=${service.metadata.name}`,
    },
  );
  writer.field(0, 'Name', service.metadata.name);
  writer.field(0, 'Namespace', namespace);
  writeLabels(writer, 'Labels', service.metadata.labels);
  writeAnnotations(writer, service.metadata.annotations);
  writer.field(0, 'Selector', mapText(valueAt(service, 'spec', 'selector')));
  writer.field(0, 'Type', textAt(service, 'spec', 'type'));
  writeAddresses(context);
  for (const port of listAt(service, 'spec', 'ports')) {
    writePort(
      context,
      port,
      slices.map(({ object }) => object),
    );
  }
  writer.field(0, 'Session Affinity', textAt(service, 'spec', 'sessionAffinity'));
  for (const [title, field] of [
    ['External Traffic Policy', 'externalTrafficPolicy'],
    ['Internal Traffic Policy', 'internalTrafficPolicy'],
    ['HealthCheck NodePort', 'healthCheckNodePort'],
  ] as const) {
    const text = textAt(service, 'spec', field);
    if (text !== '' && text !== '0') {
      writer.field(0, title, text);
    }
  }
  const ranges = listAt(service, 'spec', 'loadBalancerSourceRanges');
  if (ranges.length > 0) {
    writer.field(0, 'LoadBalancer Source Ranges', ranges.map(String).join(','));
  }
  await writeEvents(context);
}

function writeAddresses({ object: service, writer }: DescribeContext): void {
  if (textAt(service, 'spec', 'ipFamilyPolicy') !== '') {
    writer.field(0, 'IP Family Policy', textAt(service, 'spec', 'ipFamilyPolicy'));
  }
  const joined = (field: string): string => listAt(service, 'spec', field).map(String).join(',');
  writer.field(0, 'IP Families', joined('ipFamilies') || '<none>');
  writer.field(0, 'IP', textAt(service, 'spec', 'clusterIP'));
  writer.field(0, 'IPs', joined('clusterIPs') || '<none>');
  if (joined('externalIPs') !== '') {
    writer.field(0, 'External IPs', joined('externalIPs'));
  }
  if (textAt(service, 'spec', 'loadBalancerIP') !== '') {
    writer.field(0, 'Desired LoadBalancer IP', textAt(service, 'spec', 'loadBalancerIP'));
  }
  if (textAt(service, 'spec', 'externalName') !== '') {
    writer.field(0, 'External Name', textAt(service, 'spec', 'externalName'));
  }
  const ingress = listAt(service, 'status', 'loadBalancer', 'ingress');
  if (ingress.length > 0) {
    const texts = ingress.map((each) => {
      const mode = textAt(each, 'ipMode');
      return `${textAt(each, 'ip') || textAt(each, 'hostname')}${mode === '' ? '' : ` (${mode})`}`;
    });
    writer.field(0, 'LoadBalancer Ingress', texts.join(', '));
  }
}

function writePort({ writer }: DescribeContext, port: unknown, slices: readonly AnyObject[]): void {
  const name = textAt(port, 'name') || '<unset>';
  const protocol = textAt(port, 'protocol');
  writer.line(0, `Port:\t${name}\t${textAt(port, 'port')}/${protocol}`);
  writer.line(0, `TargetPort:\t${textAt(port, 'targetPort')}/${protocol}`);
  const nodePort = numberAt(port, 'nodePort') ?? 0;
  if (nodePort !== 0) {
    writer.line(0, `NodePort:\t${name}\t${nodePort}/${protocol}`);
  }
  writer.field(0, 'Endpoints', endpointsText(slices, textAt(port, 'name')));
}

function endpointsText(slices: readonly AnyObject[], portName: string): string {
  const addresses = slices.flatMap((slice) =>
    listAt(slice, 'ports')
      .filter((port) => textAt(port, 'name') === portName)
      .flatMap((port) =>
        listAt(slice, 'endpoints')
          .filter((endpoint) => valueAt(endpoint, 'conditions', 'ready') !== false)
          .flatMap((endpoint) =>
            listAt(endpoint, 'addresses').map((address) => hostPort(String(address), textAt(port, 'port'))),
          ),
      ),
  );
  const shown = addresses.slice(0, ENDPOINTS_MAX).join(',');
  return addresses.length > ENDPOINTS_MAX ? `${shown} + ${addresses.length - ENDPOINTS_MAX} more...` : shown;
}

function hostPort(host: string, port: string): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
