import type { NewObject } from '#api/object.ts';
import type { ControllerRevision, StatefulSet } from '#api/types/apps.v1.ts';
import type { PersistentVolumeClaim, Pod, PodTemplateSpec } from '#api/types/core.v1.ts';
import { podFromTemplate } from '../pods/pod-writer.ts';

/** Carries the name of the revision that a pod was made from. */
export const REVISION_LABEL = 'controller-revision-hash';
const POD_NAME_LABEL = 'statefulset.kubernetes.io/pod-name';
const POD_INDEX_LABEL = 'apps.kubernetes.io/pod-index';

/** The number at the end of a pod's name; undefined for a pod of another form. */
export function ordinalOf(set: StatefulSet, { metadata }: Pod): number | undefined {
  const prefix = `${set.metadata.name}-`;
  const rest = metadata.name.startsWith(prefix) ? metadata.name.slice(prefix.length) : '';
  return /^(?:0|[1-9]\d*)$/.test(rest) ? Number(rest) : undefined;
}

export function podName({ metadata }: StatefulSet, ordinal: number): string {
  return `${metadata.name}-${ordinal}`;
}

/** The template that a revision remembers; the set's own when it has the form of none. */
export function templateOf(set: StatefulSet, revision: ControllerRevision | undefined): PodTemplateSpec {
  const spec: unknown = revision?.data?.['spec'];
  const template: unknown =
    typeof spec === 'object' && spec !== null ? Reflect.get(spec, 'template') : undefined;
  if (typeof template !== 'object' || template === null) {
    return set.spec.template;
  }
  // Our own revisions hold a whole template beside the directive.
  const { $patch: _, ...rest } = template as PodTemplateSpec & { readonly $patch?: string };
  return rest;
}

/** The pod with a stable name, host name and claims. */
export function statefulPod(
  set: StatefulSet,
  ordinal: number,
  template: PodTemplateSpec,
  revisionName: string,
): NewObject<Pod> {
  const name = podName(set, ordinal);
  const pod = podFromTemplate(set, template, name);
  const claims = set.spec.volumeClaimTemplates ?? [];
  const volumes = [
    ...claims.map(({ metadata }) => ({
      name: metadata.name,
      persistentVolumeClaim: { claimName: claimName(set, ordinal, metadata.name), readOnly: false },
    })),
    // A claim takes the place of a volume of the same name.
    ...(template.spec.volumes ?? []).filter(
      (volume) => !claims.some(({ metadata }) => metadata.name === volume.name),
    ),
  ];
  return {
    metadata: {
      ...pod.metadata,
      labels: {
        ...template.metadata.labels,
        [POD_NAME_LABEL]: name,
        [POD_INDEX_LABEL]: String(ordinal),
        [REVISION_LABEL]: revisionName,
      },
    },
    spec: {
      ...template.spec,
      hostname: name,
      subdomain: set.spec.serviceName,
      ...(volumes.length === 0 ? {} : { volumes }),
    },
  };
}

export function claimsOf(set: StatefulSet, ordinal: number): readonly NewObject<PersistentVolumeClaim>[] {
  return (set.spec.volumeClaimTemplates ?? []).map(({ metadata, spec }) => ({
    metadata: {
      namespace: set.metadata.namespace,
      name: claimName(set, ordinal, metadata.name),
      labels: { ...metadata.labels, ...set.spec.selector?.matchLabels },
      ...(metadata.annotations === undefined ? {} : { annotations: metadata.annotations }),
    },
    spec,
  }));
}

function claimName(set: StatefulSet, ordinal: number, template: string): string {
  return `${template}-${podName(set, ordinal)}`;
}
