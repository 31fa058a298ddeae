import { jsonEqual } from '#base/json-equal.ts';
import type { FieldError } from '../status-error.ts';
import type { Container, Pod, ResourceList } from '../types/core.v1.ts';
import { checkMetaUpdate } from './object-meta.ts';
import { checkPodSpec } from './pod-spec-rules.ts';
import { Problems } from './problems.ts';

const MIRROR = 'kubernetes.io/config.mirror';
/** What can be changed while a container runs. */
const RESIZABLE: ReadonlySet<string> = new Set(['cpu', 'memory']);

/** A write to `pods/ephemeralcontainers`: debugging containers are added, and never changed or taken away. */
export function validateEphemeralContainers(next: Pod, previous: Pod): readonly FieldError[] {
  const problems = startUpdate(next, previous);
  if (isMirror(previous)) {
    problems.forbidden('[]', 'static pods do not support ephemeral containers');
  }
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
  const problems = startUpdate(next, previous);
  if (isMirror(previous)) {
    problems.forbidden('[]', 'static pods cannot be resized');
  }
  for (const field of ['containers', 'initContainers'] as const) {
    for (const [index, container] of (next.spec[field] ?? []).entries()) {
      checkContainer(problems, `spec.${field}[${index}].resources`, container, previous.spec[field]?.[index]);
    }
  }
  return problems.found;
}

/** `previous` with the resources of `next`; all else a client sends to `pods/resize` counts for nothing. */
export function resizedPod(next: Pod, previous: Pod): Pod {
  const resized = (field: 'containers' | 'initContainers'): readonly Container[] | undefined =>
    previous.spec[field]?.map((container) => {
      const wanted = next.spec[field]?.find(({ name }) => name === container.name);
      return wanted === undefined ? container : { ...container, resources: wanted.resources };
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

function checkContainer(
  problems: Problems,
  path: string,
  next: Container,
  previous: Container | undefined,
): void {
  for (const field of ['requests', 'limits'] as const) {
    const [wanted, had] = [next.resources[field] ?? {}, previous?.resources[field] ?? {}];
    if (!jsonEqual(fixedPart(wanted), fixedPart(had))) {
      problems.forbidden(
        'spec',
        'only cpu and memory resources for sidecar and regular containers are mutable',
      );
    }
    for (const name in had) {
      if (RESIZABLE.has(name) && wanted[name] === undefined) {
        problems.forbidden(`${path}.${field}`, `resource ${field} cannot be removed`);
      }
    }
  }
}

function fixedPart(list: ResourceList): object {
  return Object.fromEntries(Object.entries(list).filter(([name]) => !RESIZABLE.has(name)));
}

function startUpdate(next: Pod, previous: Pod): Problems {
  const problems = new Problems();
  checkMetaUpdate(problems, next.metadata, previous.metadata);
  checkPodSpec(problems, 'spec', next.spec, { isPod: true });
  return problems;
}

function isMirror({ metadata }: Pod): boolean {
  return metadata.annotations?.[MIRROR] !== undefined;
}
