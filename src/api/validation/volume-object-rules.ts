import { posix } from 'node:path';
import { jsonEqual } from '#base/json-equal.ts';
import { dnsLabelProblems, dnsSubdomainProblems } from '../names.ts';
import { parseQuantity } from '../quantity.ts';
import type {
  CSIPersistentVolumeSource,
  NodeSelectorRequirement,
  PersistentVolume,
  PersistentVolumeSpec,
  SecretReference,
  VolumeNodeAffinity,
} from '../types/core.v1.ts';
import { checkNodeSelector } from './affinity-rules.ts';
import { VOLUME_MODES, checkAccessModes, checkClassName } from './claim-rules.ts';
import type { KindRules } from './kind-rules.ts';
import { checkNoBacksteps } from './path-rules.ts';
import type { Problems } from './problems.ts';
import { checkBasicAmount } from './resource-rules.ts';
import * as source from './volume-source-rules.ts';

const RECLAIM_POLICIES = ['Delete', 'Recycle', 'Retain'];
const INLINE = 'may not be specified in the context of inline volumes';

export const PERSISTENT_VOLUME_RULES: KindRules<PersistentVolume> = {
  onCreate(problems, { metadata, spec }) {
    checkVolumeSpec(problems, 'spec', spec, { name: metadata.name, isInline: false });
  },
  onUpdate(problems, next, previous) {
    const [after, before] = [next.spec, previous.spec];
    checkVolumeSpec(problems, 'spec', after, { name: next.metadata.name, isInline: false });
    if (!jsonEqual(comparableSource(after, before), sourceOf(before))) {
      problems.forbidden(
        'spec.persistentvolumesource',
        'spec.persistentvolumesource is immutable after creation\n',
      );
    }
    problems.immutable('volumeMode', after.volumeMode, before.volumeMode);
    if (
      before.nodeAffinity !== undefined &&
      !jsonEqual(withStableKeys(before.nodeAffinity, after.nodeAffinity), after.nodeAffinity)
    ) {
      problems.invalid(
        'nodeAffinity',
        after.nodeAffinity ?? 'null',
        'field is immutable, except for updating from beta label to GA',
      );
    }
    if (before.volumeAttributesClassName !== undefined && after.volumeAttributesClassName === undefined) {
      problems.forbidden('spec.volumeAttributesClassName', 'update from non-nil value to nil is forbidden');
    }
  },
};

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

function sourceOf(spec: PersistentVolumeSpec): object {
  return Object.fromEntries(
    Object.entries(spec).filter(([field, value]) => value !== undefined && !NOT_A_SOURCE.has(field)),
  );
}

/** The source of `next`; a secret for growing may be added to one that has none. */
function comparableSource(next: PersistentVolumeSpec, previous: PersistentVolumeSpec): object {
  if (
    next.csi === undefined ||
    previous.csi === undefined ||
    previous.csi.controllerExpandSecretRef !== undefined
  ) {
    return sourceOf(next);
  }
  const { controllerExpandSecretRef: _added, ...csi } = next.csi;
  return sourceOf({ ...next, csi });
}

const STABLE_LABELS: Readonly<Record<string, string>> = {
  'failure-domain.beta.kubernetes.io/zone': 'topology.kubernetes.io/zone',
  'failure-domain.beta.kubernetes.io/region': 'topology.kubernetes.io/region',
  'beta.kubernetes.io/os': 'kubernetes.io/os',
  'beta.kubernetes.io/arch': 'kubernetes.io/arch',
  'beta.kubernetes.io/instance-type': 'node.kubernetes.io/instance-type',
};

/** `previous` with the keys that `next` has replaced by their stable names. */
function withStableKeys(previous: VolumeNodeAffinity, next: VolumeNodeAffinity | undefined): object {
  const terms = next?.required?.nodeSelectorTerms;
  const renamed = (
    list: readonly NodeSelectorRequirement[] | undefined,
    wanted: readonly NodeSelectorRequirement[] | undefined,
  ): readonly NodeSelectorRequirement[] | undefined =>
    list?.map((each, index) => {
      const key = wanted?.[index]?.key;
      return key !== undefined && STABLE_LABELS[each.key] === key ? { ...each, key } : each;
    });
  return {
    required: previous.required && {
      nodeSelectorTerms: previous.required.nodeSelectorTerms.map((term, index) => ({
        ...term,
        matchExpressions: renamed(term.matchExpressions, terms?.[index]?.matchExpressions),
      })),
    },
  };
}

interface VolumeContext {
  readonly name: string;
  /** Stands in an attachment instead of an object of its own. */
  readonly isInline: boolean;
}

export function checkVolumeSpec(
  problems: Problems,
  path: string,
  spec: PersistentVolumeSpec,
  context: VolumeContext,
): void {
  const { isInline } = context;
  if (isInline) {
    checkInline(problems, path, spec);
  }
  const modes = spec.accessModes ?? [];
  if (modes.length === 0) {
    problems.required(`${path}.accessModes`);
  }
  checkAccessModes(problems, `${path}.accessModes`, modes);
  if (!isInline) {
    checkCapacity(problems, `${path}.capacity`, spec.capacity ?? {});
  }
  const policy = spec.persistentVolumeReclaimPolicy;
  if (policy !== undefined) {
    if (!isInline) {
      problems.oneOf(`${path}.persistentVolumeReclaimPolicy`, policy, RECLAIM_POLICIES);
    } else if (policy !== 'Retain') {
      problems.forbidden(
        `${path}.persistentVolumeReclaimPolicy`,
        'may only be Retain in the context of inline volumes',
      );
    }
  }
  if (spec.nodeAffinity !== undefined) {
    checkNodeAffinity(problems, `${path}.nodeAffinity`, spec.nodeAffinity, isInline);
  }
  checkSource(problems, path, spec, context);
  if (spec.hostPath !== undefined && policy === 'Recycle' && posix.normalize(spec.hostPath.path) === '/') {
    problems.forbidden(
      `${path}.persistentVolumeReclaimPolicy`,
      "may not be 'recycle' for a hostPath mount of '/'",
    );
  }
  checkModes(problems, path, spec, isInline);
}

function checkInline(problems: Problems, path: string, spec: PersistentVolumeSpec): void {
  if (spec.claimRef !== undefined) {
    problems.forbidden(`${path}.claimRef`, INLINE);
  }
  if (Object.keys(spec.capacity ?? {}).length > 0) {
    problems.forbidden(`${path}.capacity`, INLINE);
  }
  if (spec.csi === undefined) {
    problems.required(`${path}.csi`, 'has to be specified in the context of inline volumes');
  }
}

function checkCapacity(problems: Problems, path: string, capacity: Readonly<Record<string, string>>): void {
  const names = Object.keys(capacity);
  if (names.length === 0) {
    problems.required(path);
  }
  if (names.length !== 1 || names[0] !== 'storage') {
    problems.notOneOf(path, capacity, ['storage']);
  }
  for (const [name, amount] of Object.entries(capacity)) {
    const at = `${path}[${name}]`;
    checkBasicAmount(problems, at, amount);
    if (parseQuantity(amount).nanos <= 0n) {
      problems.invalid(at, amount, 'must be greater than zero');
    }
  }
}

function checkNodeAffinity(
  problems: Problems,
  path: string,
  { required }: VolumeNodeAffinity,
  isInline: boolean,
): void {
  if (isInline) {
    problems.forbidden(path, INLINE);
  } else if (required === undefined) {
    problems.required(`${path}.required`, 'must specify required node constraints');
  } else {
    checkNodeSelector(problems, `${path}.required`, required);
  }
}

function checkModes(problems: Problems, path: string, spec: PersistentVolumeSpec, isInline: boolean): void {
  const { storageClassName = '', volumeMode, volumeAttributesClassName: attributes } = spec;
  if (storageClassName !== '' && isInline) {
    problems.forbidden(`${path}.storageClassName`, INLINE);
  } else {
    checkClassName(problems, `${path}.storageClassName`, storageClassName);
  }
  if (volumeMode !== undefined) {
    if (!isInline) {
      problems.oneOf(`${path}.volumeMode`, volumeMode, VOLUME_MODES);
    } else if (volumeMode !== 'Filesystem') {
      problems.forbidden(
        `${path}.volumeMode`,
        'may not specify volumeMode other than Filesystem in the context of inline volumes',
      );
    }
  }
  if (attributes === undefined) {
    return;
  }
  if (attributes === '') {
    problems.required(`${path}.volumeAttributesClassName`, 'an empty string is disallowed');
  } else {
    checkClassName(problems, `${path}.volumeAttributesClassName`, attributes);
  }
  if (spec.csi === undefined) {
    problems.required(`${path}.csi`, 'has to be specified when using volumeAttributesClassName');
  }
}

type Source = keyof PersistentVolumeSpec;

/** The order in which upstream looks at the types; all after the first are one too many. */
const ORDER: readonly Source[] = [
  'hostPath',
  'gcePersistentDisk',
  'awsElasticBlockStore',
  'glusterfs',
  'flocker',
  'nfs',
  'rbd',
  'quobyte',
  'cephfs',
  'iscsi',
  'cinder',
  'fc',
  'flexVolume',
  'azureFile',
  'vsphereVolume',
  'photonPersistentDisk',
  'portworxVolume',
  'azureDisk',
  'scaleIO',
  'local',
  'storageos',
  'csi',
];

function checkSource(
  problems: Problems,
  path: string,
  spec: PersistentVolumeSpec,
  context: VolumeContext,
): void {
  const [first, ...others] = ORDER.filter((field) => spec[field] !== undefined);
  if (first === undefined) {
    problems.required(path, 'must specify a volume type');
    return;
  }
  const only: PersistentVolumeSpec = { ...withoutSources(spec), [first]: spec[first] };
  const at = `${path}.${first}`;
  checkShared(problems, path, only, context);
  checkOwn(problems, path, at, only);
  for (const other of others) {
    problems.forbidden(
      `${path}.${other === 'cephfs' ? 'cephFS' : other}`,
      'may not specify more than 1 volume type',
    );
  }
}

function withoutSources(spec: PersistentVolumeSpec): PersistentVolumeSpec {
  return Object.fromEntries(Object.entries(spec).filter(([field]) => NOT_A_SOURCE.has(field)));
}

/** Types that pods describe in the same words. */
function checkShared(
  problems: Problems,
  path: string,
  v: PersistentVolumeSpec,
  { name }: VolumeContext,
): void {
  if (v.hostPath !== undefined) {
    source.checkHostPath(problems, `${path}.hostPath`, v.hostPath);
  } else if (v.nfs !== undefined) {
    source.checkNfs(problems, `${path}.nfs`, v.nfs);
  } else if (v.gcePersistentDisk !== undefined) {
    const { pdName, partition } = v.gcePersistentDisk;
    source.checkDisk(problems, `${path}.persistentDisk`, ['pdName', pdName, partition]);
  } else if (v.awsElasticBlockStore !== undefined) {
    const { volumeID, partition } = v.awsElasticBlockStore;
    source.checkDisk(problems, `${path}.awsElasticBlockStore`, ['volumeID', volumeID, partition]);
  } else if (v.flocker !== undefined) {
    source.checkFlocker(problems, `${path}.flocker`, v.flocker);
  } else if (v.quobyte !== undefined) {
    source.checkQuobyte(problems, `${path}.quobyte`, v.quobyte);
  } else if (v.fc !== undefined) {
    source.checkFibreChannel(problems, `${path}.fc`, v.fc);
  } else if (v.flexVolume !== undefined) {
    source.checkFlex(problems, `${path}.flexVolume`, v.flexVolume);
  } else if (v.azureDisk !== undefined) {
    source.checkAzureDisk(problems, `${path}.azureDisk`, v.azureDisk);
  } else if (v.iscsi !== undefined) {
    const { targetPortal, initiatorName, secretRef } = v.iscsi;
    problems.requiredText(`${path}.iscsi.targetPortal`, targetPortal);
    if (initiatorName !== undefined && `${name}:${targetPortal}`.length > 64) {
      problems.invalid(`${path}.iscsi.targetportal`, targetPortal, source.ISCSI_TOO_LONG);
    }
    source.checkIscsi(problems, `${path}.iscsi`, v.iscsi, 'must be valid format');
    if (secretRef !== undefined) {
      problems.requiredText(`${path}.iscsi.secretRef.name`, secretRef.name);
    }
  }
}

/** Types whose objects name more than those in pods do: namespaces, above all. */
function checkOwn(problems: Problems, path: string, at: string, v: PersistentVolumeSpec): void {
  if (v.csi !== undefined) {
    checkCsi(problems, at, v.csi);
  } else if (v.local !== undefined) {
    problems.requiredText(`${at}.path`, v.local.path);
    checkNoBacksteps(problems, `${at}.path`, v.local.path);
    if (v.nodeAffinity === undefined) {
      problems.required(`${path}.nodeAffinity`, 'Local volume requires node affinity');
    }
  } else if (v.glusterfs !== undefined) {
    const { endpoints, path: target, endpointsNamespace: namespace } = v.glusterfs;
    source.checkTexts(problems, at, { endpoints, path: target });
    if (namespace !== undefined) {
      problems.names(
        `${at}.endpointsNamespace`,
        namespace,
        namespace === ''
          ? ['if the endpointnamespace is set, it must be a valid namespace name']
          : dnsLabelProblems(namespace),
      );
    }
  } else if (v.rbd !== undefined) {
    source.checkMonitors(problems, at, v.rbd.monitors);
    source.checkTexts(problems, at, { image: v.rbd.image });
  } else if (v.cephfs !== undefined) {
    source.checkMonitors(problems, at, v.cephfs.monitors);
  } else if (v.cinder !== undefined) {
    source.checkTexts(problems, at, { volumeID: v.cinder.volumeID });
    checkReference(problems, at, v.cinder.secretRef);
  } else if (v.azureFile !== undefined) {
    const { secretName, shareName, secretNamespace } = v.azureFile;
    source.checkTexts(problems, at, { secretName, shareName });
    if (secretNamespace === '') {
      problems.required(`${at}.secretNamespace`);
    }
  } else if (v.vsphereVolume !== undefined) {
    source.checkTexts(problems, at, { volumePath: v.vsphereVolume.volumePath });
  } else if (v.photonPersistentDisk !== undefined) {
    source.checkTexts(problems, at, { pdID: v.photonPersistentDisk.pdID });
  } else if (v.portworxVolume !== undefined) {
    source.checkTexts(problems, at, { volumeID: v.portworxVolume.volumeID });
  } else if (v.scaleIO !== undefined) {
    const { gateway, system, volumeName } = v.scaleIO;
    source.checkTexts(problems, at, { gateway, system, volumeName });
  } else if (v.storageos !== undefined) {
    source.checkStorageOs(problems, at, v.storageos);
    checkReference(problems, at, v.storageos.secretRef);
  }
}

function checkReference(
  problems: Problems,
  path: string,
  ref: { readonly name?: string; readonly namespace?: string } | undefined,
): void {
  if (ref !== undefined) {
    problems.requiredText(`${path}.secretRef.name`, ref.name);
    problems.requiredText(`${path}.secretRef.namespace`, ref.namespace);
  }
}

function checkCsi(problems: Problems, path: string, csi: CSIPersistentVolumeSource): void {
  source.checkCsiDriverName(problems, `${path}.driver`, csi.driver);
  problems.requiredText(`${path}.volumeHandle`, csi.volumeHandle);
  for (const field of [
    'controllerPublishSecretRef',
    'controllerExpandSecretRef',
    'nodePublishSecretRef',
    'nodeExpandSecretRef',
  ] as const) {
    const ref: SecretReference | undefined = csi[field];
    if (ref !== undefined) {
      problems.requiredName(`${path}.${field}.name`, ref.name, dnsSubdomainProblems);
      problems.requiredName(`${path}.${field}.namespace`, ref.namespace, dnsLabelProblems);
    }
  }
}
