import type { NewObject } from '#api/object.ts';
import type { DaemonSet } from '#api/types/apps.v1.ts';
import type { Affinity, Pod } from '#api/types/core.v1.ts';
import { podFromTemplate } from '../pods/pod-writer.ts';
import { daemonTolerations } from './node-choice.ts';

/** The label that tells the pods of one template from those of another. */
export const REVISION_HASH = 'controller-revision-hash';
const TEMPLATE_GENERATION = 'pod-template-generation';
const GENERATION_ANNOTATION = 'deprecated.daemonset.template.generation';

/** The pod of a daemon set for one node; the scheduler binds it there and nowhere else. */
export function daemonPod(set: DaemonSet, nodeName: string, hash: string): NewObject<Pod> {
  const { template } = set.spec;
  const generation = set.metadata.annotations?.[GENERATION_ANNOTATION];
  const labels = {
    ...template.metadata.labels,
    ...(generation === undefined ? {} : { [TEMPLATE_GENERATION]: generation }),
    [REVISION_HASH]: hash,
  };
  const pod = podFromTemplate(set, { ...template, metadata: { ...template.metadata, labels } });
  const spec = {
    ...template.spec,
    tolerations: daemonTolerations(template.spec),
    affinity: onlyNode(template.spec.affinity, nodeName),
  };
  return { ...pod, spec };
}

/** The node that a daemon pod is for, bound or not. */
export function nodeOf({ spec }: Pod): string | undefined {
  if ((spec.nodeName ?? '') !== '') {
    return spec.nodeName;
  }
  const terms =
    spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  return terms
    .flatMap(({ matchFields = [] }) => matchFields)
    .find(({ key, operator }) => key === 'metadata.name' && operator === 'In')?.values?.[0];
}

function onlyNode(affinity: Affinity | undefined, nodeName: string): Affinity {
  const matchFields = [{ key: 'metadata.name', operator: 'In' as const, values: [nodeName] }];
  return {
    ...affinity,
    nodeAffinity: {
      ...affinity?.nodeAffinity,
      requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchFields }] },
    },
  };
}
