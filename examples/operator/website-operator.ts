// A Website becomes a Deployment and a Service, and an entry in a list of hosts that its finalizer takes out again.
import {
  CONFIG_MAP,
  controller,
  defaulting,
  DEPLOYMENT,
  isInvalid,
  isNotFound,
  SERVICE,
  servingCertificate,
  validating,
  withCondition,
  type Connection,
  type OperatorOptions,
  type ReconcileContext,
} from 'coracle/controller';
import { WEBSITE, type Website, type WebsiteStatus } from './website.ts';

const HOSTS = 'website-hosts';
const PORT = 80;

export const websites = controller({
  resource: WEBSITE,
  owns: [DEPLOYMENT, SERVICE],
  finalizer: { name: 'example.com/website-host', finalize: removeHost },

  async reconcile(website, context) {
    const { name } = website.metadata;
    const { image, retireAt } = website.spec;
    const host = hostOf(website);
    const labels = { 'app.kubernetes.io/name': 'website', 'app.kubernetes.io/instance': name };
    const leftMs = retireAt === undefined ? Infinity : Date.parse(retireAt) - context.now().getTime();
    const isRetired = leftMs <= 0;

    await addHost(website, context);
    await context.apply(SERVICE, {
      metadata: { name, labels },
      spec: { selector: labels, ports: [{ port: PORT, protocol: 'TCP' }] },
    });
    const deployment = await context.apply(DEPLOYMENT, {
      metadata: { name, labels },
      spec: {
        replicas: isRetired ? 0 : website.spec.replicas,
        selector: { matchLabels: labels },
        template: {
          metadata: { labels },
          spec: { containers: [{ name: 'web', image, ports: [{ containerPort: PORT }] }] },
        },
      },
    });

    const { readyReplicas = 0 } = deployment.status;
    const status = statusOf(website, { readyReplicas, isRetired, now: context.now() });
    if (isRetired && website.status?.url !== undefined) {
      context.event('Normal', 'Retired', `${host} was retired`);
    }
    await context.updateStatus(status);
    return isRetired || leftMs === Infinity ? {} : { requeueAfter: { milliseconds: leftMs } };
  },
});

export const webhooks = [
  defaulting(WEBSITE, (website) => ({ ...website, spec: { ...website.spec, host: hostOf(website) } })),
  validating(WEBSITE, ({ spec }, { previous }) =>
    spec.image.endsWith(':latest') && spec.image !== previous?.spec.image
      ? 'spec.image: a website says which version it runs; "latest" is none'
      : undefined,
  ),
];

/** The operator, for whichever cluster: `main.ts` runs it on a real one, the tests inside a test cluster. */
export function websiteOperator(connection: Connection): OperatorOptions {
  return {
    name: 'website-operator',
    connection,
    controllers: [websites],
    webhooks: { webhooks, certificate: servingCertificate() },
  };
}

function hostOf({ metadata: { name, namespace }, spec }: Website): string {
  return spec.host ?? `${name}.${namespace}.example.com`;
}

function statusOf(
  website: Website,
  {
    readyReplicas,
    isRetired,
    now,
  }: { readonly readyReplicas: number; readonly isRetired: boolean; readonly now: Date },
): WebsiteStatus {
  const { metadata, spec, status } = website;
  const { generation = 0 } = metadata;
  const isReady = !isRetired && readyReplicas >= spec.replicas;
  const ready = {
    type: 'Ready',
    status: isReady ? 'True' : 'False',
    reason: isRetired ? 'Retired' : isReady ? 'AllReplicasReady' : 'ReplicasMissing',
    message: isRetired
      ? `retired at ${spec.retireAt}`
      : `${readyReplicas} of ${spec.replicas} replicas are ready`,
    observedGeneration: generation,
  };
  return {
    readyReplicas,
    observedGeneration: generation,
    conditions: withCondition(status?.conditions, ready, now),
    ...(isRetired ? {} : { url: `http://${hostOf(website)}/` }),
  };
}

/** The list is shared by all websites of a namespace: nobody owns it, and each writes its own entry alone. */
async function addHost(website: Website, { client, signal }: ReconcileContext<Website>): Promise<void> {
  const { namespace = '', name } = website.metadata;
  const data = { [hostOf(website)]: name };
  try {
    await client.of(CONFIG_MAP).patch(namespace, HOSTS, { data }, { type: 'merge' }, signal);
  } catch (error) {
    if (!isNotFound(error)) {
      throw error;
    }
    await client.of(CONFIG_MAP).create({ metadata: { namespace, name: HOSTS }, data }, {}, signal);
  }
}

async function removeHost(website: Website, { client, signal }: ReconcileContext<Website>): Promise<void> {
  const { namespace = '' } = website.metadata;
  const removed = [{ op: 'remove', path: `/data/${hostOf(website)}` }];
  try {
    await client.of(CONFIG_MAP).patch(namespace, HOSTS, removed, { type: 'json' }, signal);
  } catch (error) {
    // Without the list, or without the entry, there is nothing to take out.
    if (!isNotFound(error) && !isInvalid(error)) {
      throw error;
    }
  }
}
