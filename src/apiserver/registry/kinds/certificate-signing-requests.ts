import type {
  CertificateSigningRequest,
  CertificateSigningRequestCondition,
} from '#api/types/certificates.v1.ts';
import type { ResourceInfo } from '#api/resource-table.ts';
import { APPROVAL_RULES } from '#api/validation/certificate-rules.ts';
import { rules, validatorFor } from '#api/validation/validators.ts';
import { defaultStrategy, withStatus } from '../default-strategy.ts';
import { withMetadata } from '../metadata.ts';
import type { RequestContext } from '../request-context.ts';
import type { DraftObject, Strategy } from '../strategy.ts';
import { selectableFieldsOf } from './selectable-fields.ts';

/** Conditions that only the `approval` endpoint may set; the `status` endpoint leaves them as they are. */
const VERDICTS: ReadonlySet<string> = new Set(['Approved', 'Denied']);

/** Who asks is written down by the server, and approving is kept apart from signing. */
export function signingRequestStrategy(info: ResourceInfo): Strategy {
  const base = defaultStrategy(info);
  const approval = validatorFor(info, rules(APPROVAL_RULES));
  return {
    ...base,
    selectableFields: selectableFieldsOf('certificatesigningrequests.certificates.k8s.io'),
    prepareCreate: (object, context) => withStatus(withRequestor(object, context), {}),
    prepareUpdate: (next, current, subresource) => prepareUpdate(next, current, subresource),
    validateUpdate: (next, current, subresource) =>
      subresource === 'approval'
        ? approval.validateUpdate(next, current)
        : base.validateUpdate(next, current, subresource),
  };
}

function withRequestor(object: DraftObject, { user }: RequestContext): DraftObject {
  const { username: _name, uid: _uid, groups: _groups, extra: _extra, ...spec } = request(object).spec;
  const requestor = {
    username: user.name,
    ...(user.uid === undefined ? {} : { uid: user.uid }),
    groups: user.groups,
    ...(Object.keys(user.extra).length === 0 ? {} : { extra: user.extra }),
  };
  return { ...object, spec: { ...spec, ...requestor } };
}

function prepareUpdate(next: DraftObject, current: DraftObject, subresource: string): DraftObject {
  const kept = { ...next, spec: current['spec'] } as DraftObject;
  const before = request(current).status;
  const after = request(next).status;
  switch (subresource) {
    case 'approval': {
      const metadata = { ...next.metadata };
      const others = (before.conditions ?? []).filter(({ type }) => !VERDICTS.has(type));
      return withMetadata(
        withStatus(kept, { ...before, conditions: [...others, ...verdicts(after.conditions)] }),
        metadata,
      );
    }
    case 'status': {
      const others = (after.conditions ?? []).filter(({ type }) => !VERDICTS.has(type));
      const conditions = [...verdicts(before.conditions), ...others];
      return withStatus(kept, { ...after, ...(conditions.length === 0 ? {} : { conditions }) });
    }
    default:
      return withStatus(kept, current['status']);
  }
}

function verdicts(
  conditions: readonly CertificateSigningRequestCondition[] | undefined,
): readonly CertificateSigningRequestCondition[] {
  return (conditions ?? []).filter(({ type }) => VERDICTS.has(type));
}

function request(object: DraftObject): CertificateSigningRequest {
  // The storage of signing requests holds nothing else.
  return object as unknown as CertificateSigningRequest;
}
