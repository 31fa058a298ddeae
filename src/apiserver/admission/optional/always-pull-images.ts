import { plainError } from './plain-error.ts';
import type { Pod } from '#api/types/core.v1.ts';
import type { AdmissionAttributes, AdmissionScope, MutatingPlugin, ValidatingPlugin } from '../admission.ts';
import { forbid } from '../forbid.ts';

const LISTS = ['initContainers', 'containers', 'ephemeralContainers'] as const;

/** Every start asks the registry, so that an image on a node is for those only who may pull it. */
export class AlwaysPullImages implements MutatingPlugin, ValidatingPlugin {
  readonly name = 'AlwaysPullImages';
  readonly scope: AdmissionScope = { operations: ['CREATE', 'UPDATE'], resources: ['pods'] };

  admit(attributes: AdmissionAttributes): Pod {
    const pod = attributes.object as Pod;
    if (hasNoNewImages(attributes)) {
      return pod;
    }
    const lists = LISTS.flatMap((list) => {
      const containers = pod.spec[list];
      return containers === undefined
        ? []
        : [[list, containers.map((container) => ({ ...container, imagePullPolicy: 'Always' }))] as const];
    });
    return { ...pod, spec: { ...pod.spec, ...Object.fromEntries(lists) } };
  }

  validate(attributes: AdmissionAttributes): void {
    if (hasNoNewImages(attributes)) {
      return;
    }
    const { spec } = attributes.object as Pod;
    const problems = LISTS.flatMap((list) =>
      (spec[list] ?? []).flatMap(({ imagePullPolicy = '' }, index) =>
        imagePullPolicy === 'Always'
          ? []
          : [
              forbid(
                attributes,
                `spec.${list}[${index}].imagePullPolicy: Unsupported value: ${JSON.stringify(imagePullPolicy)}: supported values: "Always"`,
              ).message,
            ],
      ),
    );
    if (problems.length > 0) {
      throw plainError(problems.length === 1 ? (problems[0] ?? '') : `[${problems.join(', ')}]`);
    }
  }
}

function hasNoNewImages({ operation, object, oldObject }: AdmissionAttributes): boolean {
  if (operation !== 'UPDATE') {
    return false;
  }
  const known = imagesOf(oldObject as Pod);
  return [...imagesOf(object as Pod)].every((image) => known.has(image));
}

function imagesOf({ spec }: Pod): ReadonlySet<string> {
  return new Set(LISTS.flatMap((list) => (spec[list] ?? []).map(({ image = '' }) => image)));
}
