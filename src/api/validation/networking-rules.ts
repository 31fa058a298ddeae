import { isIP } from 'node:net';
import {
  type NameProblems,
  dns1035LabelProblems,
  dnsLabelProblems,
  dnsSubdomainProblems,
  pathSegmentProblems,
  portNameProblems,
  portNumberProblems,
  wildcardSubdomainProblems,
} from '../names.ts';
import type {
  HTTPIngressPath,
  Ingress,
  IngressBackend,
  IngressClass,
  IngressClassParametersReference,
  IngressSpec,
} from '../types/networking.v1.ts';
import { checkDomainPath } from './domain-path-rules.ts';
import { checkIp } from './ip-rules.ts';
import type { KindRules } from './kind-rules.ts';
import { checkReportedHost } from './load-balancer-rules.ts';
import { Problems } from './problems.ts';

const CONTROLLER_MAX = 250;
const CLASS_ANNOTATION = 'kubernetes.io/ingress.class';
const PATH_TYPES = ['Exact', 'ImplementationSpecific', 'Prefix'];

interface IngressTolerance {
  /** Names of secrets that were always wrong. */
  readonly secretNames: boolean;
  /** Rules for wildcard hosts that were never looked at. */
  readonly wildcardRules: boolean;
}

const STRICT: IngressTolerance = { secretNames: false, wildcardRules: false };

export const INGRESS_RULES: KindRules<Ingress> = {
  onCreate(problems, { metadata, spec }) {
    checkIngress(problems, spec, STRICT);
    const annotation = metadata.annotations?.[CLASS_ANNOTATION];
    const { ingressClassName } = spec;
    if (annotation !== undefined && ingressClassName !== undefined && annotation !== ingressClassName) {
      problems.invalid(
        `annotations.${CLASS_ANNOTATION}`,
        annotation,
        'must match `ingressClassName` when both are specified',
      );
    }
  },
  onUpdate(problems, { spec }, previous) {
    const old = previous.spec;
    checkIngress(problems, spec, {
      secretNames: (old.tls ?? []).some(({ secretName = '' }) => secretProblems(secretName).length > 0),
      wildcardRules: (old.rules ?? []).some(
        ({ host = '', http }) => host.includes('*') && http !== undefined && isWrong(http.paths),
      ),
    });
  },
  onStatusUpdate(problems, { status }) {
    for (const [index, { ip = '', hostname = '' }] of (status.loadBalancer.ingress ?? []).entries()) {
      const at = `status.loadBalancer.ingress[${index}]`;
      if (ip !== '') {
        checkIp(problems, `${at}.ip`, ip);
      }
      checkReportedHost(problems, `${at}.hostname`, hostname);
    }
  },
};

function isWrong(paths: readonly HTTPIngressPath[]): boolean {
  const scratch = new Problems();
  checkPaths(scratch, '', paths);
  return scratch.found.length > 0;
}

function checkIngress(problems: Problems, spec: IngressSpec, tolerance: IngressTolerance): void {
  const rules = spec.rules ?? [];
  if (rules.length === 0 && spec.defaultBackend === undefined) {
    problems.invalid('spec', spec.rules, 'either `defaultBackend` or `rules` must be specified');
  }
  if (spec.defaultBackend !== undefined) {
    checkBackend(problems, 'spec.defaultBackend', spec.defaultBackend);
  }
  for (const [index, { host = '', http }] of rules.entries()) {
    const at = `spec.rules[${index}]`;
    if (host !== '') {
      if (isIP(host) !== 0) {
        problems.invalid(`${at}.host`, host, 'must be a DNS name, not an IP address');
      }
      problems.names(`${at}.host`, host, hostProblems(host));
    }
    if (http !== undefined && !(host.includes('*') && tolerance.wildcardRules)) {
      checkPaths(problems, `${at}.http.paths`, http.paths);
    }
  }
  for (const [index, { hosts = [], secretName = '' }] of (spec.tls ?? []).entries()) {
    const at = `spec.tls[${index}]`;
    for (const [hostIndex, host] of hosts.entries()) {
      problems.names(`${at}.hosts[${hostIndex}]`, host, hostProblems(host));
    }
    if (!tolerance.secretNames) {
      problems.names(`${at}.secretName`, secretName, secretProblems(secretName));
    }
  }
  if (spec.ingressClassName !== undefined) {
    problems.names(
      'spec.ingressClassName',
      spec.ingressClassName,
      dnsSubdomainProblems(spec.ingressClassName),
    );
  }
}

function hostProblems(host: string): NameProblems {
  return host.includes('*') ? wildcardSubdomainProblems(host) : dnsSubdomainProblems(host);
}

function secretProblems(name: string): NameProblems {
  return name === '' ? [] : dnsSubdomainProblems(name);
}

const INVALID_PATH_PARTS = ['//', '/./', '/../', '%2f', '%2F'];
const INVALID_PATH_ENDS = ['/..', '/.'];

function checkPaths(problems: Problems, path: string, paths: readonly HTTPIngressPath[]): void {
  if (paths.length === 0) {
    problems.required(path);
  }
  for (const [index, each] of paths.entries()) {
    checkPath(problems, `${path}[${index}]`, each);
  }
}

function checkPath(problems: Problems, at: string, { path = '', pathType, backend }: HTTPIngressPath): void {
  if (pathType === undefined) {
    problems.required(`${at}.pathType`, 'pathType must be specified');
    return;
  }
  if (pathType === 'Exact' || pathType === 'Prefix') {
    if (!path.startsWith('/')) {
      problems.invalid(`${at}.path`, path, 'must be an absolute path');
    }
    for (const part of INVALID_PATH_PARTS.filter((each) => path.includes(each))) {
      problems.invalid(`${at}.path`, path, `must not contain '${part}'`);
    }
    for (const end of INVALID_PATH_ENDS.filter((each) => path.endsWith(each))) {
      problems.invalid(`${at}.path`, path, `cannot end with '${end}'`);
    }
  } else if (pathType === 'ImplementationSpecific') {
    if (path !== '' && !path.startsWith('/')) {
      problems.invalid(`${at}.path`, path, 'must be an absolute path');
    }
  } else {
    problems.oneOf(`${at}.pathType`, pathType, PATH_TYPES);
  }
  checkBackend(problems, `${at}.backend`, backend);
}

function checkBackend(problems: Problems, path: string, { service, resource }: IngressBackend): void {
  if (service !== undefined && resource !== undefined) {
    problems.invalid(path, '', 'cannot set both resource and service backends');
  } else if (resource !== undefined) {
    checkObjectReference(problems, `${path}.resource`, resource);
  } else if (service !== undefined) {
    problems.requiredName(`${path}.service.name`, service.name, dns1035LabelProblems);
    checkBackendPort(problems, path, service.port ?? {});
  } else {
    problems.invalid(path, '', 'resource or service backend is required');
  }
}

function checkBackendPort(
  problems: Problems,
  path: string,
  { name = '', number = 0 }: NonNullable<NonNullable<IngressBackend['service']>['port']>,
): void {
  if (name !== '' && number !== 0) {
    problems.invalid(path, '', 'cannot set both port name & port number');
  } else if (name !== '') {
    problems.names(`${path}.service.port.name`, name, portNameProblems(name));
  } else if (number !== 0) {
    for (const problem of portNumberProblems(number)) {
      problems.invalid(`${path}.service.port.number`, number, problem);
    }
  } else {
    problems.required(path, 'port name or number is required');
  }
}

function checkObjectReference(
  problems: Problems,
  path: string,
  { apiGroup, kind, name }: Pick<IngressClassParametersReference, 'apiGroup' | 'kind' | 'name'>,
): void {
  if (apiGroup !== undefined) {
    problems.names(`${path}.apiGroup`, apiGroup, dnsSubdomainProblems(apiGroup));
  }
  problems.requiredName(`${path}.kind`, kind, pathSegmentProblems);
  problems.requiredName(`${path}.name`, name, pathSegmentProblems);
}

export const INGRESS_CLASS_RULES: KindRules<IngressClass> = {
  onCreate: checkClass,
  onUpdate(problems, next, previous) {
    problems.immutable('spec.controller', next.spec.controller, previous.spec.controller);
    checkClass(problems, next);
  },
};

function checkClass(problems: Problems, { spec: { controller = '', parameters } }: IngressClass): void {
  if (controller.length > CONTROLLER_MAX) {
    problems.tooLong('spec.controller', CONTROLLER_MAX);
  }
  checkDomainPath(problems, 'spec.controller', controller);
  if (parameters === undefined) {
    return;
  }
  const path = 'spec.parameters';
  checkObjectReference(problems, path, parameters);
  const { scope, namespace } = parameters;
  if (scope === undefined) {
    problems.required(`${path}.scope`);
  } else if (scope === 'Namespace') {
    if (namespace === undefined) {
      problems.required(`${path}.namespace`, "`parameters.scope` is set to 'Namespace'");
    } else {
      problems.names(`${path}.namespace`, namespace, dnsLabelProblems(namespace));
    }
  } else if (scope === 'Cluster') {
    if (namespace !== undefined) {
      problems.forbidden(`${path}.namespace`, "`parameters.scope` is set to 'Cluster'");
    }
  } else {
    problems.oneOf(`${path}.scope`, scope, ['Cluster', 'Namespace']);
  }
}
