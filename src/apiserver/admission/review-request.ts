import type { AdmissionRequest } from '#api/types/admission.v1.ts';
import type { UserInfo } from '../authn/user.ts';
import type { AdmissionAttributes, Operation } from './admission.ts';
import type { VersionedWrite } from './matching/versioned-write.ts';

const OPTIONS_KIND: Readonly<Record<Operation, string | undefined>> = {
  CREATE: 'CreateOptions',
  UPDATE: 'UpdateOptions',
  DELETE: 'DeleteOptions',
  CONNECT: undefined,
};

type ReviewRequest = Omit<AdmissionRequest, 'uid' | 'object' | 'oldObject' | 'options'> & {
  readonly options: unknown;
};

/** What webhooks and expressions are told of a write, beside its objects. */
export function reviewRequest({ attributes, kind, resource }: VersionedWrite): ReviewRequest {
  const { subresource, operation, dryRun, name, namespace, user } = attributes;
  return {
    kind: kindOf(kind),
    resource: resourceOf(resource),
    ...(subresource === '' ? {} : { subResource: subresource }),
    requestKind: kindOf(attributes.kind),
    requestResource: resourceOf(attributes.resource),
    ...(subresource === '' ? {} : { requestSubResource: subresource }),
    ...(name === '' ? {} : { name }),
    ...(namespace === '' ? {} : { namespace }),
    operation,
    userInfo: userInfo(user),
    dryRun,
    options: optionsOf(attributes),
  };
}

/** Both come from tables that have more to say. */
function kindOf({ group, version, kind }: AdmissionAttributes['kind']): AdmissionRequest['kind'] {
  return { group, version, kind };
}

function resourceOf({
  group,
  version,
  resource,
}: AdmissionAttributes['resource']): AdmissionRequest['resource'] {
  return { group, version, resource };
}

function userInfo({ name, uid, groups, extra }: UserInfo): AdmissionRequest['userInfo'] {
  return {
    username: name,
    ...(uid === undefined ? {} : { uid }),
    groups,
    ...(Object.keys(extra).length === 0 ? {} : { extra }),
  };
}

function optionsOf({ operation, options, dryRun }: AdmissionAttributes): unknown {
  const kind = OPTIONS_KIND[operation];
  if (kind === undefined) {
    return options ?? null;
  }
  return {
    kind,
    apiVersion: 'meta.k8s.io/v1',
    ...(dryRun ? { dryRun: ['All'] } : {}),
    ...(typeof options === 'object' ? options : {}),
  };
}
