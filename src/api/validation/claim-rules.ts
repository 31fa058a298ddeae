import { jsonEqual } from '#base/json-equal.ts';
import { dnsLabelProblems, dnsSubdomainProblems, qualifiedNameProblems } from '../names.ts';
import { compareQuantities, parseQuantity } from '../quantity.ts';
import type {
  PersistentVolumeClaim,
  PersistentVolumeClaimSpec,
  TypedObjectReference,
} from '../types/core.v1.ts';
import type { KindRules } from './kind-rules.ts';
import { checkLabelSelector } from './label-selector-rules.ts';
import type { Problems } from './problems.ts';
import { isNative } from './resource-names.ts';
import { checkAmount, checkBasicAmount } from './resource-rules.ts';

const ACCESS_MODES = ['ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOnce', 'ReadWriteOncePod'];
export const VOLUME_MODES: readonly string[] = ['Block', 'Filesystem'];
const BETA_CLASS = 'volume.beta.kubernetes.io/storage-class';
const RESIZE_STATES = [
  'ControllerResizeInProgress',
  'ControllerResizeInfeasible',
  'NodeResizeInProgress',
  'NodeResizeInfeasible',
  'NodeResizePending',
];

/** Each mode known, and the exclusive one alone. */
export function checkAccessModes(problems: Problems, path: string, modes: readonly string[]): void {
  for (const mode of modes) {
    problems.oneOf(path, mode, ACCESS_MODES);
  }
  const others = modes.filter((mode) => mode !== 'ReadWriteOncePod' && ACCESS_MODES.includes(mode));
  if (others.length > 0 && modes.includes('ReadWriteOncePod')) {
    problems.forbidden(path, 'may not use ReadWriteOncePod with other access modes');
  }
}

export function checkClassName(problems: Problems, path: string, name: string | undefined): void {
  if (name !== undefined && name !== '') {
    problems.names(path, name, dnsSubdomainProblems(name));
  }
}

/** What a claim asks for, in an object of its own or in a template. */
export function checkClaimSpec(
  problems: Problems,
  path: string,
  spec: PersistentVolumeClaimSpec,
  isAnyDataGroup = false,
): void {
  const modes = spec.accessModes ?? [];
  if (modes.length === 0) {
    problems.required(`${path}.accessModes`, 'at least 1 access mode is required');
  }
  checkLabelSelector(problems, `${path}.selector`, spec.selector);
  checkAccessModes(problems, `${path}.accessModes`, modes);
  const storage = spec.resources.requests?.['storage'];
  const at = `${path}.resources[storage]`;
  if (storage === undefined) {
    problems.required(at);
  } else if (parseQuantity(storage).nanos <= 0n) {
    problems.invalid(at, storage, 'must be greater than zero');
  } else {
    checkAmount(problems, at, { name: 'storage', amount: storage });
  }
  checkClassName(problems, `${path}.storageClassName`, spec.storageClassName);
  if (spec.volumeMode !== undefined) {
    problems.oneOf(`${path}.volumeMode`, spec.volumeMode, VOLUME_MODES);
  }
  checkDataSources(problems, path, spec, isAnyDataGroup);
  checkClassName(problems, `${path}.volumeAttributesClassName`, spec.volumeAttributesClassName);
}

function checkDataSources(
  problems: Problems,
  path: string,
  { dataSource, dataSourceRef }: PersistentVolumeClaimSpec,
  isAnyGroup: boolean,
): void {
  if (dataSource !== undefined) {
    checkDataSource(problems, `${path}.dataSource`, dataSource, isAnyGroup);
  }
  if (dataSourceRef !== undefined) {
    checkDataSource(problems, `${path}.dataSourceRef`, dataSourceRef, isAnyGroup);
  }
  if (dataSource === undefined || dataSourceRef === undefined) {
    return;
  }
  const { namespace = '', ...local } = dataSourceRef;
  if (namespace !== '') {
    problems.invalid(
      path,
      `${path}.dataSource`,
      'may not be specified when dataSourceRef.namespace is specified',
    );
  } else if (!jsonEqual(dataSource, local)) {
    problems.invalid(path, `${path}.dataSource`, 'must match dataSourceRef');
  }
}

function checkDataSource(
  problems: Problems,
  path: string,
  { name, kind, apiGroup = '', namespace = '' }: TypedObjectReference,
  isAnyGroup: boolean,
): void {
  problems.requiredText(`${path}.name`, name);
  problems.requiredText(`${path}.kind`, kind);
  if (apiGroup === '' && kind !== 'PersistentVolumeClaim') {
    problems.invalid(path, kind, "must be 'PersistentVolumeClaim' when referencing the default apiGroup");
  }
  if (apiGroup !== '' && !isAnyGroup) {
    problems.names(`${path}.apiGroup`, apiGroup, dnsSubdomainProblems(apiGroup));
  }
  if (namespace !== '') {
    problems.names(`${path}.namespace`, namespace, dnsLabelProblems(namespace));
  }
}

export const CLAIM_RULES: KindRules<PersistentVolumeClaim> = {
  onCreate(problems, { spec }) {
    checkClaimSpec(problems, 'spec', spec);
  },
  onUpdate: checkUpdate,
  onStatusUpdate: checkStatusUpdate,
};

function checkUpdate(problems: Problems, next: PersistentVolumeClaim, previous: PersistentVolumeClaim): void {
  const [after, before] = [next.spec, previous.spec];
  const hadGroup = before.dataSource?.apiGroup !== undefined || before.dataSourceRef?.apiGroup !== undefined;
  checkClaimSpec(problems, 'spec', after, hadGroup);
  const oldClass = previous.metadata.annotations?.[BETA_CLASS];
  const newClass = next.metadata.annotations?.[BETA_CLASS];
  const isClassSet = before.storageClassName === undefined && after.storageClassName !== undefined;
  const isUpgrade =
    isClassSet &&
    oldClass !== undefined &&
    after.storageClassName === oldClass &&
    (newClass ?? oldClass) === oldClass;
  if (!isUpgrade && (oldClass ?? '') !== (newClass ?? '')) {
    problems.invalid(`metadata.annotations.${BETA_CLASS}`, newClass ?? '', 'field is immutable');
  }
  const isFirstClass = isClassSet && (oldClass === undefined || oldClass === after.storageClassName);
  const isBound = next.status.phase === 'Bound';
  // What may change is put back to what it was; anything that still differs may not.
  const restored = {
    ...after,
    ...((before.volumeName ?? '') === '' ? { volumeName: before.volumeName } : {}),
    ...(isUpgrade || isFirstClass ? { storageClassName: before.storageClassName } : {}),
    ...(isBound && after.resources.requests !== undefined
      ? { resources: withStorageOf(after.resources, before.resources) }
      : {}),
    ...(isBound && after.volumeAttributesClassName !== undefined
      ? { volumeAttributesClassName: before.volumeAttributesClassName }
      : {}),
  };
  if (!jsonEqual(restored, before)) {
    problems.forbidden(
      'spec',
      `spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims\n${changedFields(restored, before)}`,
    );
  }
  checkSize(problems, next, previous);
  problems.immutable('volumeMode', after.volumeMode, before.volumeMode);
  checkAttributesClass(problems, after.volumeAttributesClassName, before.volumeAttributesClassName);
}

function changedFields(next: object, previous: object): string {
  const [after, before] = [new Map(Object.entries(next)), new Map(Object.entries(previous))];
  const fields = new Set([...before.keys(), ...after.keys()]);
  return [...fields].filter((field) => !jsonEqual(after.get(field), before.get(field))).join(', ');
}

type Resources = PersistentVolumeClaimSpec['resources'];

function withStorageOf(next: Resources, { requests }: Resources): Resources {
  const storage = requests?.['storage'];
  const { storage: _replaced, ...others } = next.requests ?? {};
  return { ...next, requests: storage === undefined ? others : { ...others, storage } };
}

/** Only a claim whose growing failed may shrink again, and not below what it has. */
function checkSize(problems: Problems, next: PersistentVolumeClaim, previous: PersistentVolumeClaim): void {
  const amount = (text: string | undefined) => parseQuantity(text ?? '0');
  const wanted = amount(next.spec.resources.requests?.['storage']);
  const had = amount(previous.spec.resources.requests?.['storage']);
  const given = amount(previous.status.capacity?.['storage']);
  if (compareQuantities(wanted, had) < 0 && compareQuantities(wanted, given) <= 0) {
    problems.forbidden('spec.resources.requests.storage', 'field can not be less than status.capacity');
  }
}

function checkAttributesClass(
  problems: Problems,
  next: string | undefined,
  previous: string | undefined,
): void {
  if (previous === undefined || next === previous) {
    return;
  }
  if (next === undefined) {
    problems.forbidden('spec.volumeAttributesClassName', 'update from non-nil value to nil is forbidden');
  } else if (next === '') {
    problems.forbidden(
      'spec.volumeAttributesClassName',
      'update from non-nil value to an empty string is forbidden',
    );
  }
}

function checkStatusUpdate(problems: Problems, { spec, status }: PersistentVolumeClaim): void {
  if ((spec.accessModes ?? []).length === 0) {
    problems.required('Spec.accessModes');
  }
  for (const [name, amount] of Object.entries(status.capacity ?? {})) {
    checkBasicAmount(problems, `status.capacity[${name}]`, amount);
  }
  for (const [name, state] of Object.entries(status.allocatedResourceStatuses ?? {})) {
    checkAllocatedName(problems, 'status.allocatedResourceStatus', name);
    if (!RESIZE_STATES.includes(state)) {
      problems.notOneOf('status.allocatedResourceStatus', name, RESIZE_STATES);
    }
  }
  for (const [name, amount] of Object.entries(status.allocatedResources ?? {})) {
    if (checkAllocatedName(problems, 'status.allocatedResources', name)) {
      const at = `status.allocatedResources[${name}]`;
      if (checkBasicAmount(problems, at, amount)) {
        checkAmount(problems, at, { name: 'storage', amount });
      }
    }
  }
}

function checkAllocatedName(problems: Problems, path: string, name: string): boolean {
  const wrong = qualifiedNameProblems(name);
  problems.names(path, name, wrong);
  if (wrong.length === 0 && isNative(name) && name !== 'storage') {
    problems.oneOf(path, name, ['storage']);
    return false;
  }
  return wrong.length === 0;
}
