import type { CustomResourceSubresourceScale } from '#api/types/apiextensions.v1.ts';
import { Problems } from '#api/validation/problems.ts';
import { isRecord } from '#codec/own-property.ts';
import type { FieldError } from '#api/status-error.ts';

const INT32_MAX = 2 ** 31 - 1;

/** What keeps an object from being scaled by the wanted replicas that it names. */
export function scaleSpecProblems(
  object: object,
  { specReplicasPath }: CustomResourceSubresourceScale,
): readonly FieldError[] {
  const problems = new Problems();
  checkReplicas(problems, object, specReplicasPath);
  return problems.found;
}

/** The same of the replicas and the selector that its status reports. */
export function scaleStatusProblems(
  object: object,
  { statusReplicasPath, labelSelectorPath }: CustomResourceSubresourceScale,
): readonly FieldError[] {
  const problems = new Problems();
  checkReplicas(problems, object, statusReplicasPath);
  if (labelSelectorPath !== undefined) {
    const found = read(object, labelSelectorPath, 'string');
    if ('problem' in found) {
      problems.invalid(labelSelectorPath, '', found.problem);
    }
  }
  return problems.found;
}

function checkReplicas(problems: Problems, object: object, path: string): void {
  const found = read(object, path, 'int64');
  if ('problem' in found) {
    problems.invalid(path, 0, found.problem);
    return;
  }
  const replicas = found.value ?? 0;
  if (typeof replicas === 'string') {
    return;
  }
  if (replicas < 0) {
    problems.invalid(path, replicas, 'should be a non-negative integer');
  } else if (replicas > INT32_MAX) {
    problems.invalid(path, replicas, `should be less than or equal to ${INT32_MAX}`);
  }
}

type Found = { readonly value: number | bigint | string | undefined } | { readonly problem: string };

function read(object: object, path: string, wanted: 'int64' | 'string'): Found {
  const names = path.replace(/^\./, '').split('.');
  let value: unknown = object;
  for (const [index, name] of names.entries()) {
    if (value === undefined || value === null) {
      return { value: undefined };
    }
    if (!isRecord(value)) {
      return wrong(names.slice(0, index), value, 'map[string]interface{}');
    }
    value = Object.hasOwn(value, name) ? value[name] : undefined;
  }
  if (value === undefined) {
    return { value };
  }
  if (typeof value === 'string') {
    return wanted === 'string' ? { value } : wrong(names, value, wanted);
  }
  if (wanted === 'int64' && (typeof value === 'bigint' || typeof value === 'number')) {
    return typeof value === 'bigint' || Number.isInteger(value) ? { value } : wrong(names, value, wanted);
  }
  return wrong(names, value, wanted);
}

function wrong(names: readonly string[], value: unknown, wanted: string): Found {
  const shown = typeof value === 'string' ? value : JSON.stringify(value);
  return {
    problem: `.${names.join('.')} accessor error: ${shown} is of the type ${goType(value)}, expected ${wanted}`,
  };
}

/** Upstream's sentence names the type as Go does. */
function goType(value: unknown): string {
  switch (typeof value) {
    case 'boolean':
      return 'bool';
    case 'number':
      return Number.isInteger(value) ? 'int64' : 'float64';
    case 'bigint':
      return 'int64';
    case 'string':
      return 'string';
    default:
      return Array.isArray(value) ? '[]interface {}' : value === null ? '<nil>' : 'map[string]interface {}';
  }
}
