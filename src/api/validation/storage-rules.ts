import { jsonEqual } from '#base/json-equal.ts';
import { dnsSubdomainProblems, qualifiedNameProblems } from '../names.ts';
import { parseQuantity } from '../quantity.ts';
import type { TopologySelectorTerm } from '../types/core.v1.ts';
import type {
  CSIDriver,
  CSIDriverSpec,
  CSINode,
  CSIStorageCapacity,
  StorageClass,
  TokenRequest,
  VolumeAttachment,
  VolumeAttachmentSource,
  VolumeAttributesClass,
  VolumeError,
} from '../types/storage.v1.ts';
import type { KindRules } from './kind-rules.ts';
import { checkLabelSelector } from './label-selector-rules.ts';
import type { Problems } from './problems.ts';
import { checkVolumeSpec } from './volume-object-rules.ts';
import { checkCsiDriverName } from './volume-source-rules.ts';

const PARAMETERS_MAX = 512;
const PARAMETERS_BYTES_MAX = 256 * 1024;
const METADATA_BYTES_MAX = 256 * 1024;
const MESSAGE_MAX = 1024;
const NODE_ID_MAX = 192;
const TOKEN_SECONDS_MIN = 600;
const TOKEN_SECONDS_MAX = 2 ** 32;
const UPDATE_SECONDS_MIN = 10;
const IMMUTABLE = 'field is immutable';

type Parameters = Readonly<Record<string, string>> | undefined;

function checkParameters(problems: Problems, parameters: Parameters, canBeEmpty = true): void {
  const entries = Object.entries(parameters ?? {});
  if (entries.length > PARAMETERS_MAX) {
    problems.tooLong('parameters', PARAMETERS_MAX);
    return;
  }
  let bytes = 0;
  for (const [key, value] of entries) {
    if (key === '') {
      problems.invalid('parameters', key, 'field can not be empty.');
    }
    bytes += Buffer.byteLength(key) + Buffer.byteLength(value);
  }
  if (bytes > PARAMETERS_BYTES_MAX) {
    problems.tooLong('parameters', PARAMETERS_BYTES_MAX);
  }
  if (!canBeEmpty && entries.length === 0) {
    problems.required('parameters', 'must contain at least one key/value pair');
  }
}

export const STORAGE_CLASS_RULES: KindRules<StorageClass> = {
  onCreate(problems, storageClass) {
    const { provisioner, parameters, reclaimPolicy, volumeBindingMode, allowedTopologies } = storageClass;
    if (provisioner === '') {
      problems.required('provisioner');
    } else {
      problems.names(
        'provisioner',
        provisioner.toLowerCase(),
        qualifiedNameProblems(provisioner.toLowerCase()),
      );
    }
    checkParameters(problems, parameters);
    if (reclaimPolicy !== undefined) {
      problems.oneOf('reclaimPolicy', reclaimPolicy, ['Delete', 'Retain']);
    }
    problems.requiredOneOf('volumeBindingMode', volumeBindingMode, ['Immediate', 'WaitForFirstConsumer']);
    checkTopologies(problems, allowedTopologies ?? []);
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

function checkTopologies(problems: Problems, topologies: readonly TopologySelectorTerm[]): void {
  const seen: unknown[] = [];
  for (const [index, { matchLabelExpressions = [] }] of topologies.entries()) {
    const terms: Record<string, readonly string[]> = {};
    for (const [place, { key, values }] of matchLabelExpressions.entries()) {
      const at = `allowedTopologies[${index}].matchLabelExpressions[${place}]`;
      if (values.length === 0) {
        problems.required(`${at}.values`);
      }
      for (const [valueIndex, value] of values.entries()) {
        if (values.indexOf(value) < valueIndex) {
          problems.duplicate(`${at}.values[${valueIndex}]`, value);
        }
      }
      problems.names(`${at}.key`, key, qualifiedNameProblems(key));
      if (terms[key] !== undefined) {
        problems.duplicate(`${at}.key`, key);
      }
      terms[key] = values.toSorted();
    }
    if (seen.some((other) => jsonEqual(other, terms))) {
      problems.duplicate(`allowedTopologies[${index}].matchLabelExpressions`, '');
    }
    seen.push(terms);
  }
}

export const VOLUME_ATTACHMENT_RULES: KindRules<VolumeAttachment> = {
  check(problems, { spec, status }) {
    problems.requiredText('spec.attacher', spec.attacher);
    checkAttached(problems, 'spec.source', spec.source);
    problems.names('spec.nodeName', spec.nodeName, dnsSubdomainProblems(spec.nodeName));
    checkAttachmentStatus(problems, status);
  },
  onCreate(problems, { spec }) {
    checkCsiDriverName(problems, 'spec.attacher', spec.attacher);
    const name = spec.source.persistentVolumeName;
    if (name !== undefined) {
      problems.names('spec.source.persistentVolumeName', name, dnsSubdomainProblems(name));
    }
  },
  onUpdate(problems, next, previous) {
    problems.immutable('spec', next.spec, previous.spec);
  },
  onStatusUpdate(problems, { status }) {
    checkAttachmentStatus(problems, status);
  },
};

const ONE_SOURCE = 'must specify exactly one of inlineVolumeSpec and persistentVolumeName';

function checkAttached(
  problems: Problems,
  path: string,
  { persistentVolumeName: name, inlineVolumeSpec: inline }: VolumeAttachmentSource,
): void {
  if (name === undefined && inline === undefined) {
    problems.required(path, ONE_SOURCE);
  } else if (name !== undefined && inline !== undefined) {
    problems.forbidden(path, ONE_SOURCE);
  } else if (name === '') {
    problems.required(`${path}.persistentVolumeName`, 'must specify non empty persistentVolumeName');
  } else if (inline !== undefined) {
    checkVolumeSpec(problems, `${path}.inlineVolumeSpec`, inline, { name: '', isInline: true });
  }
}

function checkAttachmentStatus(problems: Problems, status: VolumeAttachment['status']): void {
  const { attachmentMetadata = {}, attachError, detachError } = status;
  const bytes = Object.entries(attachmentMetadata).reduce(
    (sum, [key, value]) => sum + Buffer.byteLength(key) + Buffer.byteLength(value),
    0,
  );
  if (bytes > METADATA_BYTES_MAX) {
    problems.tooLong('status.attachmentMetadata', METADATA_BYTES_MAX);
  }
  checkError(problems, 'status.attachError', attachError);
  checkError(problems, 'status.detachError', detachError);
}

function checkError(problems: Problems, path: string, error: VolumeError | undefined): void {
  if ((error?.message ?? '').length > MESSAGE_MAX) {
    problems.tooLong(`${path}.message`, MESSAGE_MAX);
  }
  problems.nonNegative(`${path}.errorCode`, error?.errorCode);
}

export const CSI_NODE_RULES: KindRules<CSINode> = {
  check(problems, { spec }) {
    const names = new Set<string>();
    for (const [index, driver] of spec.drivers.entries()) {
      const at = `spec.drivers[${index}]`;
      checkCsiDriverName(problems, `${at}.name`, driver.name);
      problems.requiredText(`${at}.nodeID`, driver.nodeID);
      if (driver.nodeID.length > NODE_ID_MAX) {
        problems.invalid(`${at}.nodeID`, driver.nodeID, `must be ${NODE_ID_MAX} characters or less`);
      }
      problems.nonNegative(`${at}.allocatable.count`, driver.allocatable?.count);
      if (names.has(driver.name)) {
        problems.duplicate(`${at}.name`, driver.name);
      }
      names.add(driver.name);
      const keys = new Set<string>();
      for (const key of driver.topologyKeys ?? []) {
        problems.requiredText(at, key);
        if (keys.has(key)) {
          problems.duplicate(at, key);
        }
        keys.add(key);
        problems.names(at, key, qualifiedNameProblems(key));
      }
    }
  },
  onUpdate(problems, next, previous) {
    for (const old of previous.spec.drivers) {
      for (const driver of next.spec.drivers) {
        // How many volumes fit may change; what the driver is may not.
        const { allocatable: _free, ...fixed } = driver;
        const { allocatable: _was, ...before } = old;
        if (driver.name === old.name && !jsonEqual(fixed, before)) {
          problems.invalid('CSINodeDriver', driver, IMMUTABLE);
        }
      }
    }
  },
};

export const CSI_DRIVER_RULES: KindRules<CSIDriver> = {
  check(problems, { metadata, spec }) {
    // A driver's name is longer than a label nowhere else.
    if ((metadata.name ?? '').length > 63) {
      problems.tooLong('metadata.name', 63);
    }
    checkDriver(problems, spec);
  },
  onUpdate(problems, next, previous) {
    const [after, before] = [next.spec, previous.spec];
    problems.immutable('spec.attachedRequired', after.attachRequired, before.attachRequired);
    problems.immutable('spec.fsGroupPolicy', after.fsGroupPolicy, before.fsGroupPolicy);
    problems.immutable('spec.podInfoOnMount', after.podInfoOnMount, before.podInfoOnMount);
    problems.immutable('spec.volumeLifecycleModes', after.volumeLifecycleModes, before.volumeLifecycleModes);
  },
};

function checkDriver(problems: Problems, spec: CSIDriverSpec): void {
  const { attachRequired, podInfoOnMount, storageCapacity } = spec;
  for (const [field, value] of Object.entries({
    attachedRequired: attachRequired,
    podInfoOnMount,
    storageCapacity,
  })) {
    if (value === undefined) {
      problems.required(`spec.${field}`);
    }
  }
  if (spec.fsGroupPolicy !== undefined) {
    problems.oneOf('spec.fsGroupPolicy', spec.fsGroupPolicy, ['File', 'None', 'ReadWriteOnceWithFSType']);
  }
  checkTokenRequests(problems, spec.tokenRequests ?? []);
  for (const mode of spec.volumeLifecycleModes ?? []) {
    problems.oneOf('spec.volumeLifecycleModes', mode, ['Persistent', 'Ephemeral']);
  }
  if (spec.seLinuxMount === undefined) {
    problems.required('spec.seLinuxMount');
  }
  const period = spec.nodeAllocatableUpdatePeriodSeconds;
  if (period !== undefined && period < UPDATE_SECONDS_MIN) {
    problems.invalid(
      'spec.nodeAllocatableUpdatePeriodSeconds',
      period,
      `must be greater than or equal to ${UPDATE_SECONDS_MIN} seconds`,
    );
  }
}

function checkTokenRequests(problems: Problems, requests: readonly TokenRequest[]): void {
  const audiences = new Set<string>();
  for (const [index, { audience, expirationSeconds }] of requests.entries()) {
    const at = `spec.tokenRequests[${index}]`;
    if (audiences.has(audience)) {
      problems.duplicate(`${at}.audience`, audience);
      continue;
    }
    audiences.add(audience);
    if (expirationSeconds !== undefined && expirationSeconds < TOKEN_SECONDS_MIN) {
      problems.invalid(
        `${at}.expirationSeconds`,
        expirationSeconds,
        'may not specify a duration less than 10 minutes',
      );
    }
    if (expirationSeconds !== undefined && expirationSeconds > TOKEN_SECONDS_MAX) {
      problems.invalid(
        `${at}.expirationSeconds`,
        expirationSeconds,
        'may not specify a duration larger than 2^32 seconds',
      );
    }
  }
}

export const CSI_STORAGE_CAPACITY_RULES: KindRules<CSIStorageCapacity> = {
  onCreate(problems, { nodeTopology, storageClassName, capacity }) {
    checkLabelSelector(problems, 'nodeTopology', nodeTopology);
    problems.names('storageClassName', storageClassName, dnsSubdomainProblems(storageClassName));
    if (capacity !== undefined && parseQuantity(capacity).nanos < 0n) {
      problems.invalid('capacity', capacity, 'must be greater than or equal to 0');
    }
  },
  onUpdate(problems, next, previous) {
    problems.immutable('nodeTopology', next.nodeTopology, previous.nodeTopology);
    problems.immutable('storageClassName', next.storageClassName, previous.storageClassName);
  },
};

export const VOLUME_ATTRIBUTES_CLASS_RULES: KindRules<VolumeAttributesClass> = {
  onCreate(problems, { driverName, parameters }) {
    checkCsiDriverName(problems, 'driverName', driverName);
    checkParameters(problems, parameters, false);
  },
  onUpdate(problems, next, previous) {
    if (next.driverName !== previous.driverName) {
      problems.forbidden('driverName', 'updates to driverName are forbidden.');
    }
    if (!jsonEqual(next.parameters, previous.parameters)) {
      problems.forbidden('parameters', 'updates to parameters are forbidden.');
    }
  },
};
