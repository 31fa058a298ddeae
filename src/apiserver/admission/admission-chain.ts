import { assert } from '#base/assert.ts';
import type { ApiObject } from '#api/object.ts';
import type {
  AdmissionAttributes,
  AdmissionPlugin,
  MutatingPlugin,
  Operation,
  ValidatingPlugin,
} from './admission.ts';
import { PLUGIN_ORDER } from './plugin-order.ts';
import { Reinvocation } from './reinvocation.ts';

/** What these change, the plugins before them have to see. */
const REINVOKING: ReadonlySet<string> = new Set(['MutatingAdmissionPolicy', 'MutatingAdmissionWebhook']);

interface Route {
  readonly mutating: readonly MutatingPlugin[];
  readonly validating: readonly ValidatingPlugin[];
}

/**
 * Runs the plugins over a write in {@link PLUGIN_ORDER}.
 *
 * Which plugins want a given operation on a given resource is worked out once and remembered, so a write
 * that nobody cares about costs one look-up. Nothing is awaited unless a plugin really waits.
 */
export class AdmissionChain {
  readonly #plugins: readonly AdmissionPlugin[];
  readonly #routes = new Map<string, Route>();

  constructor(plugins: readonly AdmissionPlugin[]) {
    for (const { name } of plugins) {
      assert(PLUGIN_ORDER.includes(name), `admission plugin ${name} has no place in the order`);
    }
    this.#plugins = plugins.toSorted((a, b) => PLUGIN_ORDER.indexOf(a.name) - PLUGIN_ORDER.indexOf(b.name));
  }

  /** True when some plugin would look at such a write; lets the caller skip building attributes. */
  handles(operation: Operation, resource: AdmissionAttributes['resource'], subresource: string): boolean {
    const { mutating, validating } = this.#route(operation, resource, subresource);
    return mutating.some(isActive) || validating.some(isActive);
  }

  /**
   * Returns the object as the plugins want it: the very same one when none changed it.
   *
   * @throws {StatusError} when a plugin refuses the write
   */
  admit(attributes: AdmissionAttributes): ApiObject | undefined | Promise<ApiObject | undefined> {
    const { mutating } = this.#route(attributes.operation, attributes.resource, attributes.subresource);
    return mutating.some((plugin) => REINVOKING.has(plugin.name) && isActive(plugin))
      ? admitTwice(mutating, attributes)
      : admitFrom(mutating, 0, attributes);
  }

  /** @throws {StatusError} when a plugin refuses the write */
  validate(attributes: AdmissionAttributes): void | Promise<void> {
    const { validating } = this.#route(attributes.operation, attributes.resource, attributes.subresource);
    return validateFrom(validating, 0, attributes);
  }

  #route(operation: Operation, resource: AdmissionAttributes['resource'], subresource: string): Route {
    const qualified = resource.group === '' ? resource.resource : `${resource.resource}.${resource.group}`;
    const path = subresource === '' ? qualified : `${qualified}/${subresource}`;
    const key = `${operation} ${path}`;
    let route = this.#routes.get(key);
    if (route === undefined) {
      const wanting = this.#plugins.filter(
        ({ scope }) =>
          scope.operations.includes(operation) &&
          (scope.resources === 'all' || scope.resources.includes(path)),
      );
      route = { mutating: wanting.filter(isMutating), validating: wanting.filter(isValidating) };
      // Resources are served ones only, so the map is as small as discovery.
      this.#routes.set(key, route);
    }
    return route;
  }
}

function isActive(plugin: AdmissionPlugin): boolean {
  return plugin.isActive?.() ?? true;
}

function isMutating(plugin: AdmissionPlugin): plugin is MutatingPlugin & AdmissionPlugin {
  return 'admit' in plugin;
}

function isValidating(plugin: AdmissionPlugin): plugin is ValidatingPlugin & AdmissionPlugin {
  return 'validate' in plugin;
}

async function admitTwice(
  plugins: readonly MutatingPlugin[],
  attributes: AdmissionAttributes,
): Promise<ApiObject | undefined> {
  const reinvocation = new Reinvocation();
  const first = { ...attributes, reinvocation };
  const object = await admitFrom(plugins, 0, first);
  if (!reinvocation.isNeeded) {
    return object;
  }
  reinvocation.isAgain = true;
  return admitFrom(plugins, 0, withObject(first, object));
}

function admitFrom(
  plugins: readonly MutatingPlugin[],
  start: number,
  attributes: AdmissionAttributes,
): ApiObject | undefined | Promise<ApiObject | undefined> {
  let current = attributes;
  for (const [index, plugin] of plugins.entries()) {
    if (index < start) {
      continue;
    }
    const admitted = plugin.admit(current);
    if (admitted instanceof Promise) {
      const before = current;
      return admitted.then((object) => admitFrom(plugins, index + 1, withObject(before, object)));
    }
    current = withObject(current, admitted);
  }
  return current.object;
}

function withObject(attributes: AdmissionAttributes, object: ApiObject | undefined): AdmissionAttributes {
  return object === attributes.object ? attributes : { ...attributes, object };
}

function validateFrom(
  plugins: readonly ValidatingPlugin[],
  start: number,
  attributes: AdmissionAttributes,
): void | Promise<void> {
  for (const [index, plugin] of plugins.entries()) {
    if (index < start) {
      continue;
    }
    const waiting = plugin.validate(attributes);
    if (waiting instanceof Promise) {
      return waiting.then(() => validateFrom(plugins, index + 1, attributes));
    }
  }
}
