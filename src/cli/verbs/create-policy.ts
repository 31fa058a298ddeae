import { canonicalQuantity, QuantityError } from '#api/quantity.ts';
import { CliError } from '../cli-error.ts';
import type { Command, Invocation } from '../command.ts';
import { CREATE_FLAGS, createObject } from '../create-object.ts';
import { onlyName } from '../only-name.ts';

/** The verbs that create rules for what others do: quotas, budgets, classes, ways in. */
export const CREATE_POLICY: readonly Command[] = [
  {
    name: 'ingress',
    aliases: ['ing'],
    about: 'Create an ingress with the specified name',
    usage: 'NAME --rule=host/path=service:port[,tls[=secret]]',
    flags: [
      ...CREATE_FLAGS,
      { name: 'annotation', kind: 'array', about: 'Annotations: key=value.' },
      { name: 'class', kind: 'text', about: 'The class of the ingress.' },
      { name: 'default-backend', kind: 'text', about: 'Where all other traffic goes: service:port.' },
      {
        name: 'rule',
        kind: 'array',
        about: 'host/path=service:port[,tls[=secret]]; a path that ends with * is a prefix.',
      },
    ],
    run: createIngress,
  },
  {
    name: 'poddisruptionbudget',
    aliases: ['pdb'],
    about: 'Create a pod disruption budget with the specified name',
    usage: 'NAME --selector=SELECTOR --min-available=N',
    flags: [
      ...CREATE_FLAGS,
      { name: 'max-unavailable', kind: 'text', about: 'How many pods, or what part, may be away.' },
      { name: 'min-available', kind: 'text', about: 'How many pods, or what part, must be there.' },
      { name: 'selector', kind: 'text', about: 'The pods: a=b,c=d.' },
    ],
    run: createBudget,
  },
  {
    name: 'priorityclass',
    aliases: ['pc'],
    about: 'Create a priority class with the specified name',
    usage: 'NAME --value=VALUE --global-default=BOOL',
    flags: [
      ...CREATE_FLAGS,
      { name: 'description', kind: 'text', about: 'When to use the class.' },
      { name: 'global-default', kind: 'bool', about: 'Pods without a class have this one.' },
      {
        name: 'preemption-policy',
        kind: 'text',
        initial: 'PreemptLowerPriority',
        about: 'Never, or PreemptLowerPriority.',
      },
      { name: 'value', kind: 'int', initial: '0', about: 'The priority.' },
    ],
    run: async (invocation) => {
      const { flags } = invocation;
      await createObject(invocation, {
        apiVersion: 'scheduling.k8s.io/v1',
        ...(flags.text('description') === '' ? {} : { description: flags.text('description') }),
        ...(flags.bool('global-default') ? { globalDefault: true } : {}),
        kind: 'PriorityClass',
        metadata: { name: onlyName(invocation) },
        preemptionPolicy: flags.text('preemption-policy'),
        value: flags.int('value'),
      });
    },
  },
  {
    name: 'quota',
    aliases: ['resourcequota'],
    about: 'Create a quota with the specified name',
    usage: 'NAME [--hard=key1=value1,key2=value2] [--scopes=Scope1,Scope2]',
    flags: [
      ...CREATE_FLAGS,
      { name: 'hard', kind: 'text', about: 'The limits: resource=quantity, with commas between.' },
      { name: 'scopes', kind: 'text', about: 'The scopes that objects must match, with commas between.' },
    ],
    run: createQuota,
  },
];

async function createQuota(invocation: Invocation): Promise<void> {
  const { flags } = invocation;
  const name = onlyName(invocation);
  const statements = flags
    .text('hard')
    .split(',')
    .filter((text) => text !== '');
  const hard = statements.map((statement) => {
    const [resource = '', value, ...more] = statement.split('=');
    if (value === undefined || more.length > 0) {
      throw new CliError(`Invalid argument syntax ${statement}, expected <resource>=<value>`);
    }
    try {
      return [resource, canonicalQuantity(value)] as const;
    } catch (error) {
      throw error instanceof QuantityError ? new CliError(error.message) : error;
    }
  });
  const scopes = flags.text('scopes') === '' ? [] : flags.text('scopes').split(',');
  if (scopes.includes('')) {
    throw new CliError('invalid resource quota scope ""');
  }
  await createObject(invocation, {
    apiVersion: 'v1',
    kind: 'ResourceQuota',
    metadata: { name },
    spec: {
      ...(hard.length === 0 ? {} : { hard: Object.fromEntries(hard) }),
      ...(scopes.length === 0 ? {} : { scopes }),
    },
    status: {},
  });
}

async function createBudget(invocation: Invocation): Promise<void> {
  const { flags } = invocation;
  const name = onlyName(invocation);
  if (flags.text('selector') === '') {
    throw new CliError('a selector must be specified');
  }
  const [min, max] = [flags.text('min-available'), flags.text('max-unavailable')];
  if (min === '' && max === '') {
    throw new CliError('one of min-available or max-unavailable must be specified');
  }
  if (min !== '' && max !== '') {
    throw new CliError('min-available and max-unavailable cannot be both specified');
  }
  const given = min === '' ? 'max-unavailable' : 'min-available';
  if (!/^\d+%?$/.test(`${min}${max}`)) {
    throw new CliError(`invalid format specified for ${given}`);
  }
  const labels = flags.text('selector').split(',');
  await createObject(invocation, {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: { name },
    spec: {
      ...(min === '' ? { maxUnavailable: intOrText(max) } : { minAvailable: intOrText(min) }),
      selector: { matchLabels: Object.fromEntries(labels.map((label) => pair(label))) },
    },
    status: { currentHealthy: 0, desiredHealthy: 0, disruptionsAllowed: 0, expectedPods: 0 },
  });
}

function intOrText(text: string): number | string {
  return /^\d+$/.test(text) ? Number(text) : text;
}

function pair(text: string): readonly [string, string] {
  const [, key, value] = /^\s*([^=!\s]+)\s*==?\s*([^=\s]*)\s*$/.exec(text) ?? [];
  if (key === undefined || value === undefined) {
    throw new CliError(
      `only equality-based selector requirements are supported, not ${JSON.stringify(text)}`,
    );
  }
  return [key, value];
}

const RULE =
  /^(?<host>[\w\-*.]*)\/(?<path>[\w\-/:.]*\*?)=(?<service>[\w-]+):(?<port>[\w-]+)(?:,(?<tls>tls(?:=(?<secret>[\w\-.]*))?))?$/;

interface IngressRule {
  readonly host: string;
  readonly path: string;
  readonly backend: object;
  /** The secret of its certificate, which may have no name; undefined without TLS. */
  readonly secret: string | undefined;
}

async function createIngress(invocation: Invocation): Promise<void> {
  const { flags } = invocation;
  const name = onlyName(invocation);
  const backend = flags.text('default-backend');
  if (flags.list('rule').length === 0 && backend === '') {
    throw new CliError(
      'not enough information provided: every ingress has to either specify a default-backend (which catches all traffic) or a list of rules (which catch specific paths)',
    );
  }
  const rules = flags.list('rule').map(readRule);
  const annotations = flags.list('annotation').map((text) => {
    const equals = text.indexOf('=');
    if (equals <= 0) {
      throw new CliError(`annotation ${text} is invalid and should be in format key=[value]`);
    }
    return [text.slice(0, equals), text.slice(equals + 1)] as const;
  });
  if (backend !== '' && backend.split(':').length !== 2) {
    throw new CliError('default-backend should be in format servicename:serviceport');
  }
  const tls = tlsOf(rules);
  const className = flags.text('class');
  await createObject(invocation, {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: { ...(annotations.length === 0 ? {} : { annotations: Object.fromEntries(annotations) }), name },
    spec: {
      ...(backend === '' ? {} : { defaultBackend: backendOf(backend) }),
      ...(className === '' ? {} : { ingressClassName: className }),
      ...(rules.length === 0 ? {} : { rules: rulesByHost(rules) }),
      ...(tls.length === 0 ? {} : { tls }),
    },
    status: { loadBalancer: {} },
  });
}

function readRule(text: string): IngressRule {
  const { host, path, service, port, tls, secret } = RULE.exec(text)?.groups ?? {};
  if (host === undefined || path === undefined) {
    throw new CliError(
      `rule ${text} is invalid and should be in format host/path=svcname:svcport[,tls[=secret]]`,
    );
  }
  return {
    host,
    path: `/${path}`,
    backend: backendOf(`${service ?? ''}:${port ?? ''}`),
    secret: tls === undefined ? undefined : (secret ?? ''),
  };
}

function backendOf(text: string): object {
  const [name = '', port = ''] = text.split(':');
  return { service: { name, port: /^\d+$/.test(port) ? { number: Number(port) } : { name: port } } };
}

function rulesByHost(rules: readonly IngressRule[]): readonly object[] {
  return [...Map.groupBy(rules, ({ host }) => host)].map(([host, ofHost]) => ({
    ...(host === '' ? {} : { host }),
    http: {
      paths: ofHost.map(({ path, backend }) => ({
        backend,
        path: path.endsWith('*') ? path.slice(0, -1) : path,
        pathType: path.endsWith('*') ? 'Prefix' : 'Exact',
      })),
    },
  }));
}

/** Each host stands once, with the secret that its first rule names. */
function tlsOf(rules: readonly IngressRule[]): readonly object[] {
  const secrets = new Map<string, string[]>();
  const seen = new Set<string>();
  for (const { host, secret } of rules) {
    if (secret !== undefined && !seen.has(host)) {
      seen.add(host);
      secrets.set(secret, [...(secrets.get(secret) ?? []), ...(host === '' ? [] : [host])]);
    }
  }
  return [...secrets]
    .filter(([secret, hosts]) => secret !== '' || hosts.length > 0)
    .map(([secretName, hosts]) => ({
      ...(hosts.length === 0 ? {} : { hosts }),
      ...(secretName === '' ? {} : { secretName }),
    }));
}
