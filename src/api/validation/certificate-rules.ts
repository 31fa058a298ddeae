import { X509Certificate } from 'node:crypto';
import { jsonEqual } from '#base/json-equal.ts';
import type {
  CertificateSigningRequest,
  CertificateSigningRequestCondition,
} from '../types/certificates.v1.ts';
import type { KindRules } from './kind-rules.ts';
import type { Problems } from './problems.ts';
import { checkSignerName } from './signer-rules.ts';

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

/** Conditions that, once said, stay said. */
const LASTING = ['Approved', 'Denied', 'Failed'];
const VERDICTS = ['Approved', 'Denied'];
const LEGACY_SIGNER = 'kubernetes.io/legacy-unknown';

export const SIGNING_REQUEST_RULES: KindRules<CertificateSigningRequest> = {
  // Any name will do that can stand in a path.
  nameRule: () => [],
  onCreate(problems, request) {
    checkRequest(problems, request, undefined);
  },
  onUpdate(problems, next, previous) {
    checkRequest(problems, next, previous);
    checkKept(problems, next, previous);
    checkVerdictsKept(problems, next, previous);
    if ((next.status.certificate ?? '') !== (previous.status.certificate ?? '')) {
      problems.forbidden('status.certificate', 'updates may not set certificate content');
    }
  },
  onStatusUpdate(problems, next, previous) {
    checkRequest(problems, next, previous);
    checkKept(problems, next, previous);
    checkVerdictsKept(problems, next, previous);
    checkCertificateKept(problems, next, previous);
  },
};

/** A write to the `approval` endpoint, where verdicts may be given. */
export const APPROVAL_RULES: KindRules<CertificateSigningRequest> = {
  nameRule: () => [],
  onUpdate(problems, next, previous) {
    checkRequest(problems, next, previous);
    checkKept(problems, next, previous);
  },
};

function checkRequest(
  problems: Problems,
  { spec, status }: CertificateSigningRequest,
  previous: CertificateSigningRequest | undefined,
): void {
  const pem = Buffer.from(spec.request, 'base64').toString('latin1');
  if (!/-----BEGIN (?:NEW )?CERTIFICATE REQUEST-----/.test(pem)) {
    problems.invalid('spec.request', spec.request, 'PEM block type must be CERTIFICATE REQUEST');
  }
  const usages = spec.usages ?? [];
  if (usages.length === 0) {
    problems.required('spec.usages');
  }
  const oldUsages = previous?.spec.usages ?? [];
  if (oldUsages.every((usage) => USAGES.has(usage))) {
    for (const [index, usage] of usages.entries()) {
      if (!USAGES.has(usage)) {
        problems.oneOf(`spec.usages[${index}]`, usage, [...USAGES].toSorted());
      }
    }
  }
  if (new Set(oldUsages).size === oldUsages.length) {
    for (const [index, usage] of usages.entries()) {
      if (usages.indexOf(usage) < index) {
        problems.duplicate(`spec.usages[${index}]`, usage);
      }
    }
  }
  const { signerName, expirationSeconds } = spec;
  if (signerName === LEGACY_SIGNER && previous?.spec.signerName !== LEGACY_SIGNER) {
    problems.invalid(
      'spec.signerName',
      signerName,
      'the legacy signerName is not allowed via this API version',
    );
  } else {
    checkSignerName(problems, 'spec.signerName', signerName);
  }
  if (expirationSeconds !== undefined && expirationSeconds < EXPIRATION_SECONDS_MIN) {
    problems.invalid(
      'spec.expirationSeconds',
      expirationSeconds,
      'may not specify a duration less than 600 seconds (10 minutes)',
    );
  }
  checkConditions(problems, status.conditions ?? []);
  const isSame = previous !== undefined && previous.status.certificate === status.certificate;
  const wrong = isSame ? undefined : certificateError(status.certificate ?? '');
  if (wrong !== undefined) {
    problems.invalid('status.certificate', '<certificate data>', wrong);
  }
}

function checkConditions(
  problems: Problems,
  conditions: readonly CertificateSigningRequestCondition[],
): void {
  const seen = new Set<string>();
  for (const [index, { type, status }] of conditions.entries()) {
    const at = `status.conditions[${index}]`;
    problems.requiredText(`${at}.type`, type);
    problems.requiredOneOf(
      `${at}.status`,
      status,
      LASTING.includes(type) ? ['True'] : ['False', 'True', 'Unknown'],
    );
    const opposite = type === 'Approved' ? 'Denied' : type === 'Denied' ? 'Approved' : undefined;
    if (opposite !== undefined && seen.has(opposite)) {
      problems.invalid(`${at}.type`, type, 'Approved and Denied conditions are mutually exclusive');
    }
    if (seen.has(type)) {
      problems.duplicate(`${at}.type`, type);
    }
    seen.add(type);
  }
}

const BLOCK = /-----BEGIN ([^-]*)-----\r?\n([\s\S]*?)-----END \1-----/g;

function certificateError(base64: string): string | undefined {
  if (base64 === '') {
    return undefined;
  }
  const pem = Buffer.from(base64, 'base64').toString('latin1');
  const blocks = [...pem.matchAll(BLOCK)];
  for (const [whole, type = '', body = ''] of blocks) {
    if (type !== 'CERTIFICATE') {
      return `only CERTIFICATE PEM blocks are allowed, found ${JSON.stringify(type)}`;
    }
    if (body.includes(':')) {
      return 'no PEM block headers are permitted';
    }
    try {
      void new X509Certificate(whole);
    } catch (error) {
      return error instanceof Error
        ? `x509: malformed certificate: ${error.message}`
        : 'x509: malformed certificate';
    }
  }
  return blocks.length === 0 ? 'must contain at least one CERTIFICATE PEM block' : undefined;
}

function ofType(
  { status }: CertificateSigningRequest,
  type: string,
): readonly CertificateSigningRequestCondition[] {
  return (status.conditions ?? []).filter((condition) => condition.type === type);
}

function checkKept(
  problems: Problems,
  next: CertificateSigningRequest,
  previous: CertificateSigningRequest,
): void {
  for (const type of LASTING) {
    if (ofType(next, type).length < ofType(previous, type).length) {
      problems.forbidden('status.conditions', `updates may not remove a condition of type "${type}"`);
    }
  }
}

function checkVerdictsKept(
  problems: Problems,
  next: CertificateSigningRequest,
  previous: CertificateSigningRequest,
): void {
  for (const type of VERDICTS) {
    const [after, before] = [ofType(next, type), ofType(previous, type)];
    if (after.length > before.length) {
      problems.forbidden('status.conditions', `updates may not add a condition of type "${type}"`);
    } else if (after.length === before.length && !jsonEqual(after, before)) {
      problems.forbidden('status.conditions', `updates may not modify a condition of type "${type}"\n`);
    }
  }
}

function checkCertificateKept(
  problems: Problems,
  next: CertificateSigningRequest,
  previous: CertificateSigningRequest,
): void {
  const before = previous.status.certificate ?? '';
  if (before !== '' && (next.status.certificate ?? '') !== before) {
    problems.forbidden('status.certificate', 'updates may not modify existing certificate content');
  }
}
