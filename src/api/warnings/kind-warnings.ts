import { X509Certificate, createPrivateKey } from 'node:crypto';
import { dnsLabelProblems } from '../names.ts';
import type { GroupVersionKind } from '../resource-type.ts';
import type { DaemonSet, Deployment, ReplicaSet, StatefulSet } from '../types/apps.v1.ts';
import type { CronJob, Job, JobSpec } from '../types/batch.v1.ts';
import type * as core from '../types/core.v1.ts';
import type { EndpointSlice } from '../types/discovery.v1.ts';
import type { ObjectMeta } from '../types/meta.v1.ts';
import type { Ingress } from '../types/networking.v1.ts';
import type { RuntimeClass } from '../types/node.v1.ts';
import type { CSIStorageCapacity, StorageClass } from '../types/storage.v1.ts';
import { labelDeprecation, selectorWarnings, termWarnings } from './node-labels.ts';
import { VOLUME_DEPRECATIONS, claimWarnings, podWarnings } from './pod-warnings.ts';
import { serviceWarnings } from './service-warnings.ts';

/** What a client should know of an object that is fine; `previous` is undefined for a new one. */
type Warner<T> = (next: T, previous: T | undefined) => readonly string[];
export type AnyWarner = Warner<object>;

const STORAGE_CLASS_ANNOTATION = 'volume.beta.kubernetes.io/storage-class';
const INGRESS_CLASS_ANNOTATION = 'kubernetes.io/ingress.class';
const MOUNTABLE_ANNOTATION = 'kubernetes.io/enforce-mountable-secrets';
const COMPLETIONS_MANY = 100_000;
const PARALLELISM_MANY = 10_000;
const NONE: readonly string[] = [];

/** The table's key names the kind, so each function gets the objects it was written for. */
function warner<T extends object>(warn: Warner<T>): AnyWarner {
  return warn as unknown as AnyWarner;
}

const WARNERS: ReadonlyMap<string, AnyWarner> = new Map([
  ['/Pod', warner(ofPod)],
  ['/PodTemplate', warner(ofPodTemplate)],
  ['/ReplicationController', warner(ofController)],
  ['/Service', warner(serviceWarnings)],
  ['/Secret', warner(ofSecret)],
  ['/ServiceAccount', warner(ofAccount)],
  ['/Node', warner(ofNode)],
  ['/PersistentVolume', warner(ofVolume)],
  ['/PersistentVolumeClaim', warner(ofClaim)],
  ['apps/Deployment', warner(ofDeployment)],
  ['apps/ReplicaSet', warner(ofDeployment)],
  ['apps/StatefulSet', warner(ofStatefulSet)],
  ['apps/DaemonSet', warner(ofDaemonSet)],
  ['batch/Job', warner(ofJob)],
  ['batch/CronJob', warner(ofCronJob)],
  ['networking.k8s.io/Ingress', warner(ofIngress)],
  ['discovery.k8s.io/EndpointSlice', warner(ofSlice)],
  ['node.k8s.io/RuntimeClass', warner(ofRuntimeClass)],
  ['storage.k8s.io/StorageClass', warner(ofStorageClass)],
  ['storage.k8s.io/CSIStorageCapacity', warner(ofCapacity)],
]);

/** Undefined for kinds of which nothing is ever said. */
export function warnerOf({ group, kind }: GroupVersionKind): AnyWarner | undefined {
  return WARNERS.get(`${group}/${kind}`);
}

function nameWarnings({ name }: Pick<ObjectMeta, 'name'>, use: string): readonly string[] {
  const problems = dnsLabelProblems(name);
  return problems.length === 0
    ? NONE
    : [
        `metadata.name: this is used in ${use}, which can result in surprising behavior; a DNS label is recommended: [${problems.join(' ')}]`,
      ];
}

interface WithMetadata {
  readonly metadata: ObjectMeta;
}

function isSameState(next: WithMetadata, previous: WithMetadata | undefined): boolean {
  return previous !== undefined && next.metadata.generation === previous.metadata.generation;
}

/** Of an object whose pods are named after it, and made from a template. */
function ofMaker(
  next: WithMetadata,
  previous: WithMetadata | undefined,
  template: core.PodTemplateSpec | undefined,
): readonly string[] {
  if (isSameState(next, previous)) {
    return NONE;
  }
  return [
    ...(previous === undefined ? nameWarnings(next.metadata, 'Pod names and hostnames') : NONE),
    ...(template === undefined ? NONE : podWarnings(template, 'spec.template.')),
  ];
}

function ofPod(pod: core.Pod, previous: core.Pod | undefined): readonly string[] {
  // Pods are updated all the time, and hardly ever by a person.
  return previous === undefined
    ? [...nameWarnings(pod.metadata, "the Pod's hostname"), ...podWarnings(pod)]
    : NONE;
}

function ofPodTemplate(next: core.PodTemplate, previous: core.PodTemplate | undefined): readonly string[] {
  return isSameState(next, previous) ? NONE : podWarnings(next.template, 'template.');
}

function ofController(
  next: core.ReplicationController,
  previous: core.ReplicationController | undefined,
): readonly string[] {
  return ofMaker(next, previous, next.spec.template);
}

type Maker = Deployment | ReplicaSet;

function ofDeployment(next: Maker, previous: Maker | undefined): readonly string[] {
  return ofMaker(next, previous, next.spec.template);
}

function ofStatefulSet(next: StatefulSet, previous: StatefulSet | undefined): readonly string[] {
  const { template, volumeClaimTemplates = [] } = next.spec;
  // The path of claims has always been another one on update.
  const end = previous === undefined ? '' : '.Spec';
  return [
    ...(isSameState(next, previous) ? NONE : podWarnings(template, 'spec.template.')),
    ...volumeClaimTemplates.flatMap(({ spec }, index) =>
      claimWarnings(spec, `spec.volumeClaimTemplates[${index}]${end}`),
    ),
  ];
}

function ofDaemonSet(next: DaemonSet, previous: DaemonSet | undefined): readonly string[] {
  return isSameState(next, previous) ? NONE : podWarnings(next.spec.template, 'spec.template.');
}

function jobSpecWarnings(spec: JobSpec, path: string): readonly string[] {
  const { completionMode, completions = 0, parallelism = 0, template } = spec;
  const isLarge =
    completionMode === 'Indexed' && completions > COMPLETIONS_MANY && parallelism > PARALLELISM_MANY;
  return [
    ...(isLarge
      ? [
          `${path}: In Indexed Jobs with a number of completions higher than 10^5 and a parallelism higher than 10^4, Kubernetes might not be able to track completedIndexes when a big number of indexes fail`,
        ]
      : NONE),
    ...podWarnings(template, `${path}.template.`),
  ];
}

function ofJob(next: Job, previous: Job | undefined): readonly string[] {
  if (isSameState(next, previous)) {
    return NONE;
  }
  const name = previous === undefined ? nameWarnings(next.metadata, 'Pod names and hostnames') : NONE;
  return [...name, ...jobSpecWarnings(next.spec, 'spec')];
}

function ofCronJob(next: CronJob, previous: CronJob | undefined): readonly string[] {
  const { jobTemplate, schedule } = next.spec;
  return [
    ...(previous === undefined ? nameWarnings(next.metadata, 'Pod names and hostnames') : NONE),
    ...(isSameState(next, previous) ? NONE : jobSpecWarnings(jobTemplate.spec, 'spec.jobTemplate.spec')),
    ...(schedule.includes('TZ')
      ? [
          'CRON_TZ or TZ used in spec.spec.schedule is not officially supported, see https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ for more details',
        ]
      : NONE),
  ];
}

function ofAccount(
  { metadata }: core.ServiceAccount,
  previous: core.ServiceAccount | undefined,
): readonly string[] {
  return metadata.annotations?.[MOUNTABLE_ANNOTATION] !== undefined &&
    previous?.metadata.annotations?.[MOUNTABLE_ANNOTATION] === undefined
    ? [
        `metadata.annotations[${MOUNTABLE_ANNOTATION}]: deprecated in v1.32+; prefer separate namespaces to isolate access to mounted secrets`,
      ]
    : NONE;
}

function ofNode({ spec }: core.Node): readonly string[] {
  return [
    ...(spec.configSource === undefined ? NONE : ['spec.configSource: the feature is removed']),
    ...((spec.externalID ?? '') === ''
      ? NONE
      : ['spec.externalID: this field is deprecated, and is unused by Kubernetes']),
  ];
}

function storageClassWarnings({ annotations }: ObjectMeta): readonly string[] {
  return annotations?.[STORAGE_CLASS_ANNOTATION] === undefined
    ? NONE
    : [
        `metadata.annotations[${STORAGE_CLASS_ANNOTATION}]: deprecated since v1.8; use "storageClassName" attribute instead`,
      ];
}

function ofVolume({ metadata, spec }: core.PersistentVolume): readonly string[] {
  const terms = spec.nodeAffinity?.required?.nodeSelectorTerms ?? [];
  const found = [
    ...storageClassWarnings(metadata),
    ...terms.flatMap((term, index) =>
      termWarnings(term, `spec.nodeAffinity.required.nodeSelectorTerms[${index}]`),
    ),
  ];
  if (spec.persistentVolumeReclaimPolicy === 'Recycle') {
    found.push(
      'spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. Instead, the recommended approach is to use dynamic provisioning.',
    );
  }
  for (const source of [
    'cephfs',
    'photonPersistentDisk',
    'scaleIO',
    'storageos',
    'glusterfs',
    'rbd',
  ] as const) {
    if (spec[source] !== undefined) {
      const name = source === 'storageos' ? 'storageOS' : source;
      found.push(`spec.${name}: ${VOLUME_DEPRECATIONS[source]}`);
    }
  }
  return found;
}

function ofClaim({ metadata, spec }: core.PersistentVolumeClaim): readonly string[] {
  return [...storageClassWarnings(metadata), ...claimWarnings(spec, 'spec')];
}

function ofSecret({ type, data = {} }: core.Secret): readonly string[] {
  const wrong =
    type === 'kubernetes.io/tls' ? pairError(data['tls.crt'] ?? '', data['tls.key'] ?? '') : undefined;
  return wrong === undefined ? NONE : [wrong];
}

/** Why a key is not that of a certificate. */
function pairError(certificate64: string, key64: string): string | undefined {
  const [certificate, key] = [certificate64, key64].map((text) =>
    Buffer.from(text, 'base64').toString('latin1'),
  );
  if (!/-----BEGIN CERTIFICATE-----/.test(certificate ?? '')) {
    return 'tls: failed to find any PEM data in certificate input';
  }
  if (!/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(key ?? '')) {
    return 'tls: failed to find any PEM data in key input';
  }
  try {
    const privateKey = createPrivateKey(key ?? '');
    return new X509Certificate(certificate ?? '').checkPrivateKey(privateKey)
      ? undefined
      : 'tls: private key does not match public key';
  } catch {
    // Whatever the library's words are, one of the two could not be read.
    return 'tls: failed to parse private key';
  }
}

function ofIngress({ metadata, spec }: Ingress, previous: Ingress | undefined): readonly string[] {
  return previous === undefined &&
    metadata.annotations?.[INGRESS_CLASS_ANNOTATION] !== undefined &&
    spec.ingressClassName === undefined
    ? [`annotation "${INGRESS_CLASS_ANNOTATION}" is deprecated, please use 'spec.ingressClassName' instead`]
    : NONE;
}

function ofSlice({ addressType }: EndpointSlice, previous: EndpointSlice | undefined): readonly string[] {
  return previous === undefined && addressType === 'FQDN'
    ? ['spec.addressType: FQDN endpoints are deprecated']
    : NONE;
}

function ofRuntimeClass({ scheduling }: RuntimeClass): readonly string[] {
  return Object.keys(scheduling?.nodeSelector ?? {}).flatMap((label) => {
    const text = labelDeprecation(label);
    return text === undefined ? [] : [`scheduling.nodeSelector: ${text}`];
  });
}

function ofStorageClass({ allowedTopologies }: StorageClass): readonly string[] {
  return (allowedTopologies ?? []).flatMap(({ matchLabelExpressions }, index) =>
    (matchLabelExpressions ?? []).flatMap(({ key }, inner) => {
      const text = labelDeprecation(key);
      const at = `allowedTopologies[${index}].matchLabelExpressions[${inner}].key`;
      return text === undefined ? [] : [`${at}: ${text}`];
    }),
  );
}

function ofCapacity({ nodeTopology }: CSIStorageCapacity): readonly string[] {
  return selectorWarnings(nodeTopology, 'nodeTopology');
}
