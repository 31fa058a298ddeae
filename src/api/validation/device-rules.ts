import {
  cIdentifierProblems,
  dnsSubdomainProblems,
  labelValueProblems,
  qualifiedNameProblems,
} from '../names.ts';
import type {
  DeviceConfiguration,
  DeviceSelector,
  DeviceTaint,
  DeviceToleration,
} from '../types/resource.v1.ts';
import type { Problems } from './problems.ts';
import { checkCsiDriverName } from './volume-source-rules.ts';

/** What claims, classes and slices of devices have in common. */

const POOL_NAME_MAX = 253;
const ID_MAX = 32;
const SELECTORS_MAX = 32;
const EXPRESSION_MAX = 10 * 1024;
const TAINTS_MAX = 16;
const BINDINGS_MAX = 4;
export const CONFIGS_MAX = 32;
const PARAMETERS_MAX = 10 * 1024;
const EFFECTS = ['NoExecute', 'NoSchedule', 'None'];

/** A list that is short enough, each item of which is checked. One that is too long is not looked at. */
export function checkItems<T>(
  problems: Problems,
  path: string,
  items: readonly T[] | null | undefined,
  max: number,
  check: (item: T, path: string) => void,
): void {
  const list = items ?? [];
  if (list.length > max) {
    problems.tooMany(path, list.length, max);
    return;
  }
  for (const [index, item] of list.entries()) {
    check(item, `${path}[${index}]`);
  }
}

/** No two items of a list may have the same key. Lists that are too long have been refused already. */
export function checkUnique<T>(
  problems: Problems,
  path: string,
  items: readonly T[] | null | undefined,
  { max, keyOf }: { readonly max: number; readonly keyOf: (item: T) => unknown },
): void {
  const list = items ?? [];
  const seen = new Set<string>();
  for (const [index, item] of list.length > max ? [] : list.entries()) {
    const key = keyOf(item);
    const text = JSON.stringify(key);
    if (seen.has(text)) {
      problems.duplicate(`${path}[${index}]`, key);
    }
    seen.add(text);
  }
}

export function checkPoolName(problems: Problems, path: string, name: string): void {
  problems.requiredText(path, name);
  if (name === '') {
    return;
  }
  if (name.length > POOL_NAME_MAX) {
    problems.tooLong(path, POOL_NAME_MAX);
  }
  for (const part of name.split('/')) {
    problems.names(path, part, dnsSubdomainProblems(part));
  }
}

/** A short identifier, with the domain of who defines it in front where that is not the driver. */
export function checkQualifiedName(problems: Problems, path: string, name: string): void {
  const [first = '', second, ...more] = name.split('/');
  if (second === undefined) {
    checkId(problems, path, first);
    return;
  }
  if (more.length > 0) {
    problems.invalid(path, name, 'must not contain more than one slash');
    return;
  }
  if (first === '') {
    problems.invalid(path, '', 'the domain must not be empty');
  } else {
    checkCsiDriverName(problems, path, first);
  }
  if (second === '') {
    problems.invalid(path, '', 'the name must not be empty');
  } else {
    checkId(problems, path, second);
  }
}

export function checkFullName(problems: Problems, path: string, name: string): void {
  checkQualifiedName(problems, path, name);
  if (!name.includes('/')) {
    problems.invalid(path, name, 'a fully qualified name must be a domain and a name separated by a slash');
  }
}

function checkId(problems: Problems, path: string, id: string): void {
  if (id.length > ID_MAX) {
    problems.tooLong(path, ID_MAX);
  }
  problems.names(path, id, cIdentifierProblems(id));
}

/** @param areStored expressions that have been taken once are not looked at again */
export function checkSelectors(
  problems: Problems,
  path: string,
  selectors: readonly DeviceSelector[] | undefined,
  areStored: boolean,
): void {
  checkItems(problems, path, selectors, SELECTORS_MAX, ({ cel }, at) => {
    if (cel === undefined) {
      problems.required(`${at}.cel`);
    } else if (!areStored && cel.expression.length > EXPRESSION_MAX) {
      problems.tooLong(`${at}.cel.expression`, EXPRESSION_MAX);
    }
  });
}

export function checkConfiguration(
  problems: Problems,
  path: string,
  { opaque }: DeviceConfiguration,
  isStored: boolean,
): void {
  if (opaque === undefined) {
    problems.required(`${path}.opaque`);
    return;
  }
  checkCsiDriverName(problems, `${path}.opaque.driver`, opaque.driver);
  checkRaw(problems, `${path}.opaque.parameters`, opaque.parameters, isStored);
}

/** Whatever a driver makes of it: an object that is not too large. */
export function checkRaw(problems: Problems, path: string, value: unknown, isStored: boolean): void {
  if (value === undefined || value === null) {
    problems.required(path);
  } else if (!isStored && JSON.stringify(value).length > PARAMETERS_MAX) {
    problems.tooLong(path, PARAMETERS_MAX);
  } else if (typeof value !== 'object' || Array.isArray(value)) {
    problems.invalid(path, '<value omitted>', 'must be a valid JSON object');
  }
}

export function checkDeviceTaints(
  problems: Problems,
  path: string,
  taints: readonly DeviceTaint[] | undefined,
): void {
  checkItems(problems, path, taints, TAINTS_MAX, ({ key, value = '', effect }, at) => {
    problems.names(`${at}.key`, key, qualifiedNameProblems(key));
    problems.names(`${at}.value`, value, labelValueProblems(value));
    problems.requiredOneOf(`${at}.effect`, effect, EFFECTS);
  });
}

export function checkDeviceTolerations(
  problems: Problems,
  path: string,
  tolerations: readonly DeviceToleration[] | undefined,
): void {
  checkItems(problems, path, tolerations, TAINTS_MAX, (toleration, at) => {
    const {
      key = '',
      operator,
      value = '',
      effect = '',
    } = toleration as DeviceToleration & { effect?: string };
    if (key !== '') {
      problems.names(`${at}.key`, key, qualifiedNameProblems(key));
    }
    if (operator === 'Exists') {
      if (value !== '') {
        problems.invalid(`${at}.value`, value, 'must be empty for operator `Exists`');
      }
    } else if (operator === 'Equal') {
      problems.names(`${at}.value`, value, labelValueProblems(value));
    } else {
      problems.requiredOneOf(`${at}.operator`, operator, ['Equal', 'Exists']);
    }
    if (effect !== '') {
      problems.oneOf(`${at}.effect`, effect, EFFECTS);
    }
  });
}

interface Bindings {
  readonly bindingConditions?: readonly string[];
  readonly bindingFailureConditions?: readonly string[];
}

/** What a driver says once a device is ready for the pod, and what it says when it never will be. */
export function checkBindings(
  problems: Problems,
  path: string,
  { bindingConditions: ready = [], bindingFailureConditions: failed = [] }: Bindings,
): void {
  const readyPath = `${path}.bindingConditions`;
  const failedPath = `${path}.bindingFailureConditions`;
  const checkName = (name: string, at: string): void => problems.names(at, name, qualifiedNameProblems(name));
  checkItems(problems, readyPath, ready, BINDINGS_MAX, checkName);
  checkItems(problems, failedPath, failed, BINDINGS_MAX, checkName);
  checkUnique(problems, readyPath, ready, { max: Infinity, keyOf: (name) => name });
  for (const [index, name] of failed.entries()) {
    if (failed.indexOf(name) < index) {
      problems.duplicate(`${failedPath}[${index}]`, name);
    }
    if (ready.includes(name)) {
      problems.invalid(
        `${failedPath}[${index}]`,
        name,
        'bindingFailureConditions must not overlap with bindingConditions',
      );
    }
  }
  if (ready.length === 0 && failed.length > 0) {
    problems.invalid(readyPath, ready, 'bindingConditions are required to use bindingFailureConditions');
  }
  if (failed.length === 0 && ready.length > 0) {
    problems.invalid(failedPath, failed, 'bindingFailureConditions are required to use bindingConditions');
  }
}
