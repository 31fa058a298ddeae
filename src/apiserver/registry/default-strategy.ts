import type { ResourceInfo } from '#api/resource-table.ts';
import { structOfKind } from '#api/schema/schema.ts';
import { applyDefaults } from '#api/defaulting/defaults.ts';
import { warnerOf, type AnyWarner } from '#api/warnings/kind-warnings.ts';
import { validatorFor } from '#api/validation/validators.ts';
import { zeroStruct } from '#codec/typed-decode.ts';
import { defined } from '#base/assert.ts';
import { withMetadata } from './metadata.ts';
import type { DraftObject, Strategy, ValidationCheck } from './strategy.ts';

/** Kinds whose `metadata.generation` counts changes of the desired state. */
const WITH_GENERATION: ReadonlySet<string> = new Set([
  'pods',
  'replicationcontrollers',
  'daemonsets.apps',
  'deployments.apps',
  'replicasets.apps',
  'statefulsets.apps',
  'cronjobs.batch',
  'jobs.batch',
  'ingresses.networking.k8s.io',
  'ingressclasses.networking.k8s.io',
  'networkpolicies.networking.k8s.io',
  'poddisruptionbudgets.policy',
  'customresourcedefinitions.apiextensions.k8s.io',
  'flowschemas.flowcontrol.apiserver.k8s.io',
  'prioritylevelconfigurations.flowcontrol.apiserver.k8s.io',
  'mutatingwebhookconfigurations.admissionregistration.k8s.io',
  'validatingwebhookconfigurations.admissionregistration.k8s.io',
  'validatingadmissionpolicies.admissionregistration.k8s.io',
  'validatingadmissionpolicybindings.admissionregistration.k8s.io',
  'mutatingadmissionpolicies.admissionregistration.k8s.io',
  'mutatingadmissionpolicybindings.admissionregistration.k8s.io',
  'podtemplates',
  'endpointslices.discovery.k8s.io',
  'csidrivers.storage.k8s.io',
  'deviceclasses.resource.k8s.io',
  'resourceslices.resource.k8s.io',
]);

/** Kinds whose `status` endpoint changes nothing but the status; all others let it change metadata too. */
const STATUS_ONLY: ReadonlySet<string> = new Set([
  'servicecidrs.networking.k8s.io',
  'volumeattachments.storage.k8s.io',
  'resourceclaims.resource.k8s.io',
  'flowschemas.flowcontrol.apiserver.k8s.io',
  'prioritylevelconfigurations.flowcontrol.apiserver.k8s.io',
  'validatingadmissionpolicies.admissionregistration.k8s.io',
  'apiservices.apiregistration.k8s.io',
  'customresourcedefinitions.apiextensions.k8s.io',
]);

/** Metadata that the `status` endpoint does not change, where it may change the rest. */
const KEPT_IN_STATUS: Readonly<Record<string, 'labels'>> = { 'deployments.apps': 'labels' };

const CREATED_BY_PUT: ReadonlySet<string> = new Set([
  'endpoints',
  'events',
  'limitranges',
  'services',
  'leases.coordination.k8s.io',
  'roles.rbac.authorization.k8s.io',
  'rolebindings.rbac.authorization.k8s.io',
  'clusterroles.rbac.authorization.k8s.io',
  'clusterrolebindings.rbac.authorization.k8s.io',
]);

const NEEDS_RESOURCE_VERSION: ReadonlySet<string> = new Set([
  'leases.coordination.k8s.io',
  'customresourcedefinitions.apiextensions.k8s.io',
  'apiservices.apiregistration.k8s.io',
  'poddisruptionbudgets.policy',
  'csinodes.storage.k8s.io',
  'volumeattachments.storage.k8s.io',
  'mutatingwebhookconfigurations.admissionregistration.k8s.io',
  'validatingwebhookconfigurations.admissionregistration.k8s.io',
  'validatingadmissionpolicies.admissionregistration.k8s.io',
  'validatingadmissionpolicybindings.admissionregistration.k8s.io',
]);

/** Kinds whose completed deletion answers with the object; all others answer with a Status. */
const RETURNS_DELETED: ReadonlySet<string> = new Set([
  'pods',
  'services',
  'serviceaccounts',
  'persistentvolumes',
  'persistentvolumeclaims',
  'podtemplates',
  'resourcequotas',
]);

/** How a built-in kind behaves unless its own file says otherwise; everything comes from the tables. */
export function defaultStrategy(info: ResourceInfo): Strategy {
  const qualified = info.group === '' ? info.resource : `${info.resource}.${info.group}`;
  const hasStatus = Object.hasOwn(info.subresources, 'status');
  const struct = defined(structOfKind(info.group, info.version, info.kind), `type of ${qualified}`);
  const status = struct.byName.get('status');
  const statusStruct =
    status?.isPointer === false && status.type.kind === 'struct' ? status.type.struct : undefined;
  const validator = validatorFor(info);
  const warner = warnerOf(info);
  return {
    info,
    struct,
    tracksGeneration: WITH_GENERATION.has(qualified),
    allowsCreateOnUpdate: CREATED_BY_PUT.has(qualified),
    allowsUnconditionalUpdate: !NEEDS_RESOURCE_VERSION.has(qualified),
    returnsDeleted: RETURNS_DELETED.has(qualified),
    selectableFields: {},
    applyDefaults: (object) => applyDefaults(object, info) as DraftObject,
    prepareCreate: (object) =>
      hasStatus
        ? withStatus(object, statusStruct === undefined ? undefined : zeroStruct(statusStruct))
        : object,
    prepareUpdate: (next, current, subresource) =>
      subresource === 'status'
        ? STATUS_ONLY.has(qualified)
          ? withOldMetadata(onlyStatus(next, current), current)
          : withKept(onlyStatus(next, current), current, KEPT_IN_STATUS[qualified])
        : hasStatus
          ? withStatus(next, current['status'])
          : next,
    validateCreate: (object) => validator.validateCreate(object),
    validateUpdate: (next, current, subresource) =>
      subresource === 'status'
        ? validator.validateStatusUpdate(next, current)
        : validator.validateUpdate(next, current),
    ...(warner === undefined ? {} : { finishValidation: (check) => Promise.resolve(warn(check, warner)) }),
  };
}

/** Says what is noteworthy about an object that nothing is wrong with. */
function warn(
  { next, previous, subresource, found, context }: ValidationCheck,
  warner: AnyWarner,
): readonly [] {
  if (found.length === 0 && subresource === '') {
    context.warnings.push(...warner(next, previous));
  }
  return [];
}

function withKept(next: DraftObject, { metadata }: DraftObject, kept: 'labels' | undefined): DraftObject {
  if (kept === undefined) {
    return next;
  }
  const { [kept]: _given, ...rest } = next.metadata;
  const value = metadata[kept];
  return withMetadata(next, value === undefined ? rest : { ...rest, [kept]: value });
}

/** What is recorded about the write itself is new all the same. */
function withOldMetadata(next: DraftObject, { metadata }: DraftObject): DraftObject {
  const { managedFields } = next.metadata;
  return withMetadata(next, { ...metadata, ...(managedFields === undefined ? {} : { managedFields }) });
}

/** A copy with another status; without one when it is undefined. */
export function withStatus(object: DraftObject, status: unknown): DraftObject {
  const { status: _dropped, ...rest } = object;
  return status === undefined ? rest : { ...rest, status };
}

/** What a write to the `status` endpoint may change: the status, and metadata that others may write too. */
export function onlyStatus(next: DraftObject, current: DraftObject): DraftObject {
  return withMetadata(withStatus(current, next['status']), { ...next.metadata });
}
