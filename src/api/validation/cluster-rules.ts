import { labelValueProblems, pathSegmentProblems, qualifiedNameProblems } from '../names.ts';
import type { Event as CoreEvent, LimitRange, Node, ResourceQuota, Taint } from '../types/core.v1.ts';
import type { CertificateSigningRequest } from '../types/certificates.v1.ts';
import { compareQuantities, parseQuantity } from '../quantity.ts';
import { TAINT_EFFECTS } from './affinity-rules.ts';
import { checkCidr } from './ip-rules.ts';
import type { KindRules } from './kind-rules.ts';
import type { Problems } from './problems.ts';
import { checkAmount } from './resource-rules.ts';

export const NODE_RULES: KindRules<Node> = {
  check(problems, { spec, status }) {
    checkTaints(problems, spec.taints);
    for (const [index, cidr] of (spec.podCIDRs ?? []).entries()) {
      checkCidr(problems, `spec.podCIDRs[${index}]`, cidr);
    }
    for (const field of ['capacity', 'allocatable'] as const) {
      for (const [name, amount] of Object.entries(status[field] ?? {})) {
        checkAmount(problems, `status.${field}[${name}]`, { name, amount });
      }
    }
  },
  onUpdate(problems, next, previous) {
    const [before, after] = [previous.spec, next.spec];
    if ((before.podCIDRs ?? []).length > 0 && before.podCIDRs?.join(',') !== after.podCIDRs?.join(',')) {
      problems.forbidden('spec.podCIDRs', 'node updates may not change podCIDR except from "" to valid');
    }
    if ((before.providerID ?? '') !== '' && before.providerID !== after.providerID) {
      problems.forbidden('spec.providerID', 'node updates may not change providerID except from "" to valid');
    }
  },
};

function checkTaints(problems: Problems, taints: readonly Taint[] | undefined): void {
  const seen = new Set<string>();
  for (const [index, { key, value = '', effect }] of (taints ?? []).entries()) {
    const at = `spec.taints[${index}]`;
    problems.names(`${at}.key`, key, qualifiedNameProblems(key));
    const wrong = labelValueProblems(value);
    if (wrong.length > 0) {
      problems.invalid(`${at}.value`, value, wrong.join(';'));
    }
    problems.requiredOneOf(`${at}.effect`, effect, TAINT_EFFECTS);
    const pair = `${key}:${effect}`;
    if (seen.has(pair)) {
      problems.duplicate(at, { key, value, effect });
    }
    seen.add(pair);
  }
}

const SCOPES = [
  'BestEffort',
  'CrossNamespacePodAffinity',
  'NotBestEffort',
  'NotTerminating',
  'PriorityClass',
  'Terminating',
  'VolumeAttributesClass',
];

export const QUOTA_RULES: KindRules<ResourceQuota> = {
  check(problems, { spec }) {
    for (const [name, amount] of Object.entries(spec.hard ?? {})) {
      const at = `spec.hard[${name}]`;
      problems.names(at, name, qualifiedNameProblems(name));
      checkAmount(problems, at, { name, amount });
    }
    for (const scope of spec.scopes ?? []) {
      problems.oneOf('spec.scopes', scope, SCOPES);
    }
  },
  onUpdate(problems, next, previous) {
    problems.immutable('spec.scopes', next.spec.scopes, previous.spec.scopes);
  },
};

export const LIMIT_RANGE_RULES: KindRules<LimitRange> = {
  check(problems, { spec }) {
    const types = new Set<string>();
    for (const [index, limit] of spec.limits.entries()) {
      const at = `spec.limits[${index}]`;
      if (types.has(limit.type)) {
        problems.duplicate(`${at}.type`, limit.type);
      }
      types.add(limit.type);
      for (const field of ['max', 'min', 'default', 'defaultRequest'] as const) {
        for (const [name, amount] of Object.entries(limit[field] ?? {})) {
          checkAmount(problems, `${at}.${field}[${name}]`, { name, amount });
        }
      }
      checkOrder(problems, `${at}.min`, [limit.min, limit.max], 'max');
      checkOrder(problems, `${at}.defaultRequest`, [limit.defaultRequest, limit.default], 'default');
      checkOrder(problems, `${at}.default`, [limit.default, limit.max], 'max');
    }
  },
};

type Amounts = Readonly<Record<string, string>> | undefined;

function checkOrder(
  problems: Problems,
  path: string,
  [lower, upper]: readonly [Amounts, Amounts],
  upperName: string,
): void {
  for (const [name, amount] of Object.entries(lower ?? {})) {
    const bound = upper?.[name];
    if (bound !== undefined && compareQuantities(parseQuantity(amount), parseQuantity(bound)) > 0) {
      const lowerName = path.slice(path.lastIndexOf('.') + 1);
      problems.invalid(
        `${path}[${name}]`,
        amount,
        `${lowerName} value ${amount} is greater than ${upperName} value ${bound}`,
      );
    }
  }
}

export const EVENT_RULES: KindRules<CoreEvent> = {
  nameRule: pathSegmentProblems,
  check(problems, { metadata, involvedObject }) {
    const { namespace = '' } = involvedObject;
    // What belongs to no namespace is told of in one of the two that always are there.
    const homes = namespace === '' ? ['default', 'kube-system'] : [namespace];
    if (!homes.includes(metadata.namespace)) {
      problems.invalid('involvedObject.namespace', namespace, 'does not match event.namespace');
    }
  },
};

const USAGES: ReadonlySet<string> = new Set([
  'signing',
  'digital signature',
  'content commitment',
  'key encipherment',
  'key agreement',
  'data encipherment',
  'cert sign',
  'crl sign',
  'encipher only',
  'decipher only',
  'any',
  'server auth',
  'client auth',
  'code signing',
  'email protection',
  's/mime',
  'ipsec end system',
  'ipsec tunnel',
  'ipsec user',
  'timestamping',
  'ocsp signing',
  'microsoft sgc',
  'netscape sgc',
]);
const EXPIRATION_SECONDS_MIN = 600;

export const SIGNING_REQUEST_RULES: KindRules<CertificateSigningRequest> = {
  nameRule: pathSegmentProblems,
  check(problems, { spec }) {
    const pem = Buffer.from(spec.request, 'base64').toString('latin1');
    if (!/-----BEGIN CERTIFICATE REQUEST-----/.test(pem)) {
      problems.invalid('spec.request', spec.request, 'PEM block type must be CERTIFICATE REQUEST');
    }
    if ((spec.usages ?? []).length === 0) {
      problems.required('spec.usages');
    }
    for (const [index, usage] of (spec.usages ?? []).entries()) {
      if (!USAGES.has(usage)) {
        problems.oneOf(`spec.usages[${index}]`, usage, [...USAGES].sort());
      }
    }
    const { signerName, expirationSeconds } = spec;
    if (signerName === '') {
      problems.required('spec.signerName');
    } else if (!/^[a-z0-9.-]+\/[A-Za-z0-9._:~!$&'()*+,;=@-]+$/.test(signerName)) {
      problems.invalid(
        'spec.signerName',
        signerName,
        'must be a fully qualified domain and path of the form "example.com/signer-name"',
      );
    }
    if (expirationSeconds !== undefined && expirationSeconds < EXPIRATION_SECONDS_MIN) {
      problems.invalid(
        'spec.expirationSeconds',
        expirationSeconds,
        'may not specify a duration less than 600 seconds (10 minutes)',
      );
    }
  },
  onUpdate(problems, next, previous) {
    problems.immutable('spec', next.spec, previous.spec);
  },
};
