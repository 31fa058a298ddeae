import { jsonEqual } from '#base/json-equal.ts';
import type { JsonRecord } from '#codec/own-property.ts';
import { CliError } from './cli-error.ts';
import { type AnyObject, asObject, listAt, recordAt, textAt, withValueAt } from './object-access.ts';

const TEMPLATE_PATH = ['spec', 'template', 'spec'];

/** Where a kind keeps the pods that it makes. */
const POD_SPEC_PATHS: Readonly<Record<string, readonly string[]>> = {
  Pod: ['spec'],
  ReplicationController: TEMPLATE_PATH,
  Deployment: TEMPLATE_PATH,
  DaemonSet: TEMPLATE_PATH,
  ReplicaSet: TEMPLATE_PATH,
  StatefulSet: TEMPLATE_PATH,
  Job: TEMPLATE_PATH,
  CronJob: ['spec', 'jobTemplate', 'spec', 'template', 'spec'],
};

/**
 * A copy of a workload with its pods changed; the same object when the change comes to nothing.
 *
 * @throws {CliError} the kind makes no pods
 */
export function withPodSpec(object: AnyObject, change: (spec: JsonRecord) => JsonRecord): AnyObject {
  const path = POD_SPEC_PATHS[object.kind];
  if (path === undefined) {
    throw new CliError(`the object is not a pod or does not have a pod template: *v1.${object.kind}`);
  }
  const spec = recordAt(object, ...path);
  const changed = change(spec);
  return jsonEqual(spec, changed) ? object : asObject(withValueAt(object, path, changed));
}

/** A copy of a pod's spec with each of its containers that match changed; says how many did. */
export function withContainers(
  spec: JsonRecord,
  pattern: string,
  change: (container: JsonRecord) => JsonRecord,
): { readonly spec: JsonRecord; readonly count: number } {
  let count = 0;
  let changed = spec;
  for (const field of ['containers', 'initContainers']) {
    const containers = listAt(spec, field);
    if (containers.length > 0) {
      const next = containers.map((container) => {
        if (!isMatch(textAt(container, 'name'), pattern)) {
          return container;
        }
        count += 1;
        return change(recordAt(container));
      });
      changed = { ...changed, [field]: next };
    }
  }
  return { spec: changed, count };
}

/** `*` stands for any text. */
function isMatch(name: string, pattern: string): boolean {
  const source = pattern
    .split('*')
    .map((part) => RegExp.escape(part))
    .join('.*');
  return new RegExp(`^${source}$`).test(name);
}
