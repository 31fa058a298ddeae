import { jsonEqual } from '#base/json-equal.ts';
import { podQosClass } from '../pod-qos.ts';
import type { FieldError } from '../status-error.ts';
import type { Container, Pod, ResourceList } from '../types/core.v1.ts';
import { checkMetaUpdate } from './object-meta.ts';
import { checkPod } from './pod.ts';
import { MIRROR, checkPodAnnotationUpdate } from './pod-annotations.ts';
import { Problems } from './problems.ts';

/** What can be changed while a container runs. */
const RESIZABLE: ReadonlySet<string> = new Set(['cpu', 'memory']);
/** The whole object, as upstream writes its path. */
const WHOLE = '[]';

/** A write to `pods/ephemeralcontainers`: debugging containers are added, and never changed or taken away. */
export function validateEphemeralContainers(next: Pod, previous: Pod): readonly FieldError[] {
  if (isMirror(previous)) {
    return refused('static pods do not support ephemeral containers');
  }
  const problems = startUpdate(next, previous);
  checkPodAnnotationUpdate(problems, next, previous);
  const byName = new Map(
    (next.spec.ephemeralContainers ?? []).map((container) => [container.name, container]),
  );
  for (const old of previous.spec.ephemeralContainers ?? []) {
    const name = JSON.stringify(old.name);
    const container = byName.get(old.name);
    if (container === undefined) {
      problems.forbidden(
        'spec.ephemeralContainers',
        `existing ephemeral containers ${name} may not be removed\n`,
      );
    } else if (!jsonEqual(container, old)) {
      problems.forbidden(
        'spec.ephemeralContainers',
        `existing ephemeral containers ${name} may not be changed\n`,
      );
    }
  }
  return problems.found;
}

/** A write to `pods/resize`: only amounts of CPU and memory change, and none is taken away altogether. */
export function validateResize(next: Pod, previous: Pod): readonly FieldError[] {
  if (hasPodResources(next) || hasPodResources(previous)) {
    return refused('pods with pod-level resources cannot be resized');
  }
  if (isMirror(previous)) {
    return refused('static pods cannot be resized');
  }
  if (previous.spec.os?.name === 'windows') {
    return refused('windows pods cannot be resized');
  }
  const problems = startUpdate(next, previous);
  if ((previous.status.qosClass ?? podQosClass(previous.spec)) !== podQosClass(next.spec)) {
    problems.invalid(
      'spec',
      next.status.qosClass ?? '',
      'Pod QOS Class may not change as a result of resizing',
    );
  }
  const running = previous.status.containerStatuses?.find(({ state }) => state?.running !== undefined);
  if (running !== undefined && running.resources === undefined) {
    problems.forbidden('spec', 'Pod running on node without support for resize');
  }
  checkNothingRemoved(problems, next, previous);
  checkOnlyResizable(problems, next, previous);
  return problems.found;
}

function refused(why: string): readonly FieldError[] {
  const problems = new Problems();
  problems.forbidden(WHOLE, why);
  return problems.found;
}

function hasPodResources({ spec: { resources } }: Pod): boolean {
  return Object.keys({ ...resources?.requests, ...resources?.limits }).length > 0;
}

type Field = 'containers' | 'initContainers';

function checkNothingRemoved(problems: Problems, next: Pod, previous: Pod): void {
  for (const field of ['initContainers', 'containers'] as const satisfies readonly Field[]) {
    for (const [index, old] of (previous.spec[field] ?? []).entries()) {
      const container = next.spec[field]?.[index];
      if (container === undefined || (field === 'initContainers' && old.restartPolicy !== 'Always')) {
        continue;
      }
      for (const list of ['requests', 'limits'] as const) {
        if (
          Object.keys(old.resources[list] ?? {}).some(
            (name) => container.resources[list]?.[name] === undefined,
          )
        ) {
          problems.forbidden(
            `spec.${field}[${index}].resources.${list}`,
            `resource ${list} cannot be removed`,
          );
        }
      }
    }
  }
}

/** One sentence for each container that differs in anything else. */
function checkOnlyResizable(problems: Problems, next: Pod, previous: Pod): void {
  for (const [index, container] of next.spec.containers.entries()) {
    if (!isSameButAmounts(container, previous.spec.containers[index])) {
      problems.forbidden('spec', 'only cpu and memory resources are mutable');
    }
  }
  for (const [index, container] of (next.spec.initContainers ?? []).entries()) {
    const old = previous.spec.initContainers?.[index];
    if (container.restartPolicy === 'Always') {
      if (!isSameButAmounts(container, old)) {
        problems.forbidden('spec', 'only cpu and memory resources for sidecar containers are mutable');
      }
    } else if (!jsonEqual(container, old)) {
      problems.forbidden('spec', 'resources for non-sidecar init containers are immutable');
    }
  }
}

function isSameButAmounts(next: Container, previous: Container | undefined): boolean {
  const fixed = (container: Container | undefined): object => ({
    ...container,
    resources: {
      requests: fixedPart(container?.resources.requests),
      limits: fixedPart(container?.resources.limits),
    },
  });
  return jsonEqual(fixed(next), fixed(previous));
}

function fixedPart(list: ResourceList | undefined): object {
  return Object.fromEntries(Object.entries(list ?? {}).filter(([name]) => !RESIZABLE.has(name)));
}

/** `previous` with the resources of `next`; all else a client sends to `pods/resize` counts for nothing. */
export function resizedPod(next: Pod, previous: Pod): Pod {
  const resized = (field: Field): readonly Container[] | undefined =>
    previous.spec[field]?.map((container) => {
      const wanted = next.spec[field]?.find(({ name }) => name === container.name);
      return wanted === undefined
        ? container
        : {
            ...container,
            resources: wanted.resources,
            ...(wanted.resizePolicy === undefined ? {} : { resizePolicy: wanted.resizePolicy }),
          };
    });
  const initContainers = resized('initContainers');
  return {
    ...previous,
    metadata: next.metadata,
    spec: {
      ...previous.spec,
      ...(initContainers === undefined ? {} : { initContainers }),
      containers: resized('containers') ?? [],
    },
  };
}

function startUpdate(next: Pod, previous: Pod): Problems {
  const problems = new Problems();
  checkMetaUpdate(problems, next.metadata, previous.metadata);
  checkPod(problems, next);
  return problems;
}

function isMirror({ metadata }: Pod): boolean {
  return metadata.annotations?.[MIRROR] !== undefined;
}
