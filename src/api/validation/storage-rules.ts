import { jsonEqual } from '#base/json-equal.ts';
import { dnsSubdomainProblems } from '../names.ts';
import type { PersistentVolume, PersistentVolumeSpec } from '../types/core.v1.ts';
import type { StorageClass } from '../types/storage.v1.ts';
import { checkNodeSelector } from './affinity-rules.ts';
import type { KindRules } from './kind-rules.ts';
import { checkNoBacksteps } from './path-rules.ts';
import type { Problems } from './problems.ts';
import { checkAmount } from './resource-rules.ts';

const ACCESS_MODES = ['ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOnce', 'ReadWriteOncePod'];
const VOLUME_MODES = ['Block', 'Filesystem'];
const RECLAIM_POLICIES = ['Delete', 'Recycle', 'Retain'];

/** Everything of a volume's spec that is not the volume itself. */
const NOT_A_SOURCE: ReadonlySet<string> = new Set([
  'capacity',
  'accessModes',
  'claimRef',
  'persistentVolumeReclaimPolicy',
  'storageClassName',
  'mountOptions',
  'volumeMode',
  'nodeAffinity',
  'volumeAttributesClassName',
]);

function checkAccessModes(problems: Problems, modes: readonly string[] | undefined): void {
  if ((modes ?? []).length === 0) {
    problems.required('spec.accessModes', 'at least 1 access mode is required');
  }
  for (const mode of modes ?? []) {
    problems.oneOf('spec.accessModes', mode, ACCESS_MODES);
  }
  if (modes?.includes('ReadWriteOncePod') === true && modes.length > 1) {
    problems.forbidden('spec.accessModes', 'may not use ReadWriteOncePod with other access modes');
  }
}

export const PERSISTENT_VOLUME_RULES: KindRules<PersistentVolume> = {
  check(problems, { spec }) {
    checkAccessModes(problems, spec.accessModes);
    const capacity = spec.capacity ?? {};
    if (Object.keys(capacity).length === 0) {
      problems.required('spec.capacity');
    }
    if (capacity['storage'] === undefined || Object.keys(capacity).length > 1) {
      problems.oneOf('spec.capacity', JSON.stringify(capacity), ['storage']);
    }
    for (const name in capacity) {
      checkAmount(problems, `spec.capacity[${name}]`, { name, amount: capacity[name] ?? '0' });
    }
    if (spec.persistentVolumeReclaimPolicy !== undefined) {
      problems.oneOf(
        'spec.persistentVolumeReclaimPolicy',
        spec.persistentVolumeReclaimPolicy,
        RECLAIM_POLICIES,
      );
    }
    if (spec.volumeMode !== undefined) {
      problems.oneOf('spec.volumeMode', spec.volumeMode, VOLUME_MODES);
    }
    checkClassName(problems, spec.storageClassName);
    checkVolumeSource(problems, spec);
    if (spec.nodeAffinity?.required !== undefined) {
      checkNodeSelector(problems, 'spec.nodeAffinity.required', spec.nodeAffinity.required);
    }
  },
  onUpdate(problems, next, previous) {
    if (!jsonEqual(sourceOf(next.spec), sourceOf(previous.spec))) {
      problems.forbidden(
        'spec.persistentvolumesource',
        'spec.persistentvolumesource is immutable after creation',
      );
    }
    problems.immutable('spec.volumeMode', next.spec.volumeMode, previous.spec.volumeMode);
    if (previous.spec.nodeAffinity !== undefined) {
      problems.immutable('spec.nodeAffinity', next.spec.nodeAffinity, previous.spec.nodeAffinity);
    }
  },
};

function sourceOf(spec: PersistentVolumeSpec): object {
  return Object.fromEntries(
    Object.entries(spec).filter(([field, value]) => value !== undefined && !NOT_A_SOURCE.has(field)),
  );
}

function checkVolumeSource(problems: Problems, spec: PersistentVolumeSpec): void {
  const [first, ...others] = Object.keys(sourceOf(spec));
  if (first === undefined) {
    problems.required('spec', 'must specify a volume type');
  }
  for (const other of others) {
    problems.forbidden(`spec.${other}`, 'may not specify more than 1 volume type');
  }
  if (spec.hostPath !== undefined) {
    if (spec.hostPath.path === '') {
      problems.required('spec.hostPath.path');
    }
    checkNoBacksteps(problems, 'spec.hostPath.path', spec.hostPath.path);
    if (spec.persistentVolumeReclaimPolicy === 'Recycle' && spec.hostPath.path === '/') {
      problems.forbidden(
        'spec.persistentVolumeReclaimPolicy',
        "may not be 'recycle' for a hostPath mount of '/'",
      );
    }
  }
  if (spec.local !== undefined) {
    if (spec.local.path === '') {
      problems.required('spec.local.path');
    }
    if (spec.nodeAffinity?.required === undefined) {
      problems.required('spec.nodeAffinity', 'Local volume requires node affinity');
    }
  }
  if (spec.csi !== undefined) {
    if (spec.csi.driver === '') {
      problems.required('spec.csi.driver');
    }
    if (spec.csi.volumeHandle === '') {
      problems.required('spec.csi.volumeHandle');
    }
  }
}

function checkClassName(problems: Problems, name: string | undefined): void {
  if (name !== undefined && name !== '') {
    problems.names('spec.storageClassName', name, dnsSubdomainProblems(name));
  }
}

export const STORAGE_CLASS_RULES: KindRules<StorageClass> = {
  check(problems, storageClass) {
    if (storageClass.provisioner === '') {
      problems.required('provisioner', '');
    } else {
      problems.names(
        'provisioner',
        storageClass.provisioner,
        storageClass.provisioner.includes('/')
          ? []
          : dnsSubdomainProblems(storageClass.provisioner.toLowerCase()),
      );
    }
    if (storageClass.reclaimPolicy !== undefined) {
      problems.oneOf('reclaimPolicy', storageClass.reclaimPolicy, ['Delete', 'Retain']);
    }
    problems.requiredOneOf('volumeBindingMode', storageClass.volumeBindingMode, [
      'Immediate',
      'WaitForFirstConsumer',
    ]);
  },
  onUpdate(problems, next, previous) {
    if (!jsonEqual(next.parameters, previous.parameters)) {
      problems.forbidden('parameters', 'updates to parameters are forbidden.');
    }
    for (const field of ['provisioner', 'reclaimPolicy'] as const) {
      if (next[field] !== previous[field]) {
        problems.forbidden(field, `updates to ${field} are forbidden.`);
      }
    }
    problems.immutable('volumeBindingMode', next.volumeBindingMode, previous.volumeBindingMode);
  },
};
