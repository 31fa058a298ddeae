import type { ResourceInfo } from '#api/resource-table.ts';
import { jsonEqual } from '#base/json-equal.ts';
import { defaultStrategy } from '../default-strategy.ts';
import { withMetadata } from '../metadata.ts';
import type { DraftObject, Strategy } from '../strategy.ts';
import { selectableFieldsOf } from './selectable-fields.ts';

/** Counts a DaemonSet's templates, for clients of the time before revisions were kept. */
const TEMPLATE_GENERATION = 'deprecated.daemonset.template.generation';

/** Annotations of a Deployment are copied to its ReplicaSets, so a change of them is one of the desired state. */
export function deploymentStrategy(info: ResourceInfo): Strategy {
  const base = defaultStrategy(info);
  return {
    ...base,
    selectableFields: selectableFieldsOf('deployments.apps'),
    prepareUpdate: async (next, current, subresource, context) => {
      const prepared = await base.prepareUpdate(next, current, subresource, context);
      if (subresource === 'status') {
        return withMetadata(prepared, replaced(prepared.metadata, 'labels', current.metadata.labels));
      }
      const isAnnotated = !jsonEqual(next.metadata.annotations ?? {}, current.metadata.annotations ?? {});
      // A changed spec counts by itself.
      return isAnnotated && jsonEqual(prepared['spec'], current['spec'])
        ? nextGeneration(prepared, current)
        : prepared;
    },
  };
}

export function daemonSetStrategy(info: ResourceInfo): Strategy {
  const base = defaultStrategy(info);
  return {
    ...base,
    selectableFields: selectableFieldsOf('daemonsets.apps'),
    prepareCreate: async (object, context) =>
      withTemplateGeneration(
        await base.prepareCreate(object, context),
        Math.max(templateGeneration(object), 1),
      ),
    prepareUpdate: async (next, current, subresource, context) => {
      const prepared = await base.prepareUpdate(next, current, subresource, context);
      const isSame = subresource === 'status' || jsonEqual(templateOf(next), templateOf(current));
      return withTemplateGeneration(prepared, templateGeneration(current) + (isSame ? 0 : 1));
    },
  };
}

function templateOf(object: DraftObject): unknown {
  // The storage of daemon sets holds nothing else, and each has a spec.
  return (object['spec'] as { readonly template: unknown }).template;
}

function templateGeneration({ metadata }: DraftObject): number {
  const given = metadata.annotations?.[TEMPLATE_GENERATION] ?? '';
  return /^\d+$/.test(given) ? Number(given) : 0;
}

function withTemplateGeneration(object: DraftObject, generation: number): DraftObject {
  const { annotations } = object.metadata;
  const text = String(generation);
  return annotations?.[TEMPLATE_GENERATION] === text
    ? object
    : withMetadata(
        object,
        replaced(object.metadata, 'annotations', { ...annotations, [TEMPLATE_GENERATION]: text }),
      );
}

/** The object as the next one in the count of its desired states. */
export function nextGeneration(next: DraftObject, current: DraftObject): DraftObject {
  return withMetadata(next, { ...next.metadata, generation: (current.metadata.generation ?? 0) + 1 });
}

function replaced(metadata: object, field: string, value: unknown): object {
  const entries = Object.entries({ ...metadata, [field]: value });
  return Object.fromEntries(entries.filter(([, each]) => each !== undefined));
}
