import type {
  CertificateSigningRequest,
  CertificateSigningRequestCondition,
} from '#api/types/certificates.v1.ts';
import type { ResourceInfo } from '#api/resource-table.ts';
import { APPROVAL_RULES } from '#api/validation/certificate-rules.ts';
import { rules, validatorFor } from '#api/validation/validators.ts';
import type { Clock } from '#base/clock.ts';
import { defaultStrategy, withStatus } from '../default-strategy.ts';
import { timestamp } from '../metadata.ts';
import type { RequestContext } from '../request-context.ts';
import type { DraftObject, Strategy } from '../strategy.ts';
import { selectableFieldsOf } from './selectable-fields.ts';

/** Conditions that only the `approval` endpoint may set; the `status` endpoint leaves them as they are. */
const VERDICTS = ['Approved', 'Denied'];

/** Who asks is written down by the server, and approving is kept apart from signing. */
export function signingRequestStrategy(info: ResourceInfo, clock: Clock): Strategy {
  const base = defaultStrategy(info);
  const approval = validatorFor(info, rules(APPROVAL_RULES));
  return {
    ...base,
    selectableFields: selectableFieldsOf('certificatesigningrequests.certificates.k8s.io'),
    prepareCreate: (object, context) => withStatus(withRequestor(object, context), {}),
    prepareUpdate: (next, current, subresource) =>
      prepareUpdate(next, current, subresource, timestamp(clock)),
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

function prepareUpdate(
  next: DraftObject,
  current: DraftObject,
  subresource: string,
  now: string,
): DraftObject {
  const kept = { ...next, spec: current['spec'] } as DraftObject;
  const before = request(current).status;
  const after = request(next).status;
  switch (subresource) {
    case 'approval':
      return withStatus(kept, withConditions(before, withTimes(after.conditions, before.conditions, now)));
    case 'status': {
      const conditions = VERDICTS.reduce(
        (list, type) => keepInstances(list, before.conditions ?? [], type),
        after.conditions ?? [],
      );
      return withStatus(kept, withConditions(after, withTimes(conditions, before.conditions, now)));
    }
    default:
      return withStatus(kept, current['status']);
  }
}

type Conditions = readonly CertificateSigningRequestCondition[];
type RequestStatus = CertificateSigningRequest['status'];

function withConditions({ conditions: _replaced, ...status }: RequestStatus, conditions: Conditions): object {
  return conditions.length === 0 ? status : { ...status, conditions };
}

/** Verdicts as they were, in the places where the list has some; one more or less is for the rules to refuse. */
function keepInstances(next: Conditions, previous: Conditions, type: string): Conditions {
  const before = previous.filter((condition) => condition.type === type);
  const count = next.filter((condition) => condition.type === type).length;
  if (count !== before.length) {
    return next;
  }
  let index = 0;
  return next.map((condition) => (condition.type === type ? (before[index++] ?? condition) : condition));
}

function withTimes(next: Conditions | undefined, previous: Conditions = [], now: string): Conditions {
  return (next ?? []).map((condition) => {
    const { type, status, lastUpdateTime, lastTransitionTime } = condition;
    const same = previous.find((old) => old.type === type && old.status === status);
    return {
      ...condition,
      lastUpdateTime: lastUpdateTime ?? now,
      lastTransitionTime: lastTransitionTime ?? same?.lastTransitionTime ?? now,
    };
  });
}

function request(object: DraftObject): CertificateSigningRequest {
  // The storage of signing requests holds nothing else.
  return object as unknown as CertificateSigningRequest;
}
