import type { EnvFromSource, EnvVar, EnvVarSource, Pod, Service } from '#api/types/core.v1.ts';
import type { AnyContainer } from '../pod/pod-containers.ts';
import { ConfigError } from './config-error.ts';
import { configMapTexts, secretTexts, type ConfigSources } from './config-sources.ts';
import { expandVariables } from './expansion.ts';
import { fieldValue, resourceValue, type FieldContext } from './field-values.ts';
import { serviceEnvironment } from './service-environment.ts';

export interface EnvironmentDeps {
  readonly sources: ConfigSources;
  /** Every service that may be seen from the pod. */
  readonly services: readonly Service[];
  readonly fields: FieldContext;
  /** Called for something skipped that a person should know of. */
  readonly warn: (reason: string, message: string) => void;
}

/**
 * The environment of a container: `env` over `envFrom` over the services' variables, references among
 * them expanded in order.
 *
 * @throws {ConfigError} when a source that is not optional is missing
 */
export async function containerEnvironment(
  pod: Pod,
  container: AnyContainer,
  deps: EnvironmentDeps,
  signal?: AbortSignal,
): Promise<ReadonlyMap<string, string>> {
  const { namespace } = pod.metadata;
  const services = serviceEnvironment(deps.services, namespace, pod.spec.enableServiceLinks ?? true);
  const result = new Map<string, string>();
  for (const source of container.envFrom ?? []) {
    for (const [key, value] of await readEnvFrom(namespace, source, deps, signal)) {
      result.set(`${source.prefix ?? ''}${key}`, value);
    }
  }
  const known = new Map([...services, ...result]);
  for (const variable of container.env ?? []) {
    const value = await readVariable({ pod, container, deps, known, signal }, variable);
    if (value !== undefined) {
      result.set(variable.name, value);
      known.set(variable.name, value);
    }
  }
  for (const [key, value] of services) {
    if (!result.has(key)) {
      result.set(key, value);
    }
  }
  return result;
}

async function readEnvFrom(
  namespace: string,
  source: EnvFromSource,
  { sources }: EnvironmentDeps,
  signal?: AbortSignal,
): Promise<ReadonlyMap<string, string>> {
  const { configMapRef, secretRef } = source;
  if (configMapRef !== undefined) {
    const name = configMapRef.name ?? '';
    const found = await sources.configMap(namespace, name, signal);
    return found === undefined
      ? orMissing(configMapRef.optional, `configmap "${name}" not found`)
      : configMapTexts(found);
  }
  const name = secretRef?.name ?? '';
  const found = await sources.secret(namespace, name, signal);
  return found === undefined
    ? orMissing(secretRef?.optional, `secret "${name}" not found`)
    : secretTexts(found);
}

function orMissing(isOptional: boolean | undefined, message: string): ReadonlyMap<string, string> {
  if (isOptional === true) {
    return new Map();
  }
  throw new ConfigError('CreateContainerConfigError', message);
}

interface VariableContext {
  readonly pod: Pod;
  readonly container: AnyContainer;
  readonly deps: EnvironmentDeps;
  readonly known: ReadonlyMap<string, string>;
  readonly signal: AbortSignal | undefined;
}

/** Undefined for a variable whose optional source is missing: then it is not set at all. */
async function readVariable(context: VariableContext, variable: EnvVar): Promise<string | undefined> {
  const { valueFrom, value = '' } = variable;
  return valueFrom === undefined
    ? expandVariables(value, context.known)
    : await readSource(context, valueFrom);
}

async function readSource(
  { pod, container, deps, signal }: VariableContext,
  source: EnvVarSource,
): Promise<string | undefined> {
  const { fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef } = source;
  const { namespace } = pod.metadata;
  if (fieldRef !== undefined) {
    return fieldValue(pod, fieldRef, deps.fields);
  }
  if (resourceFieldRef !== undefined) {
    return resourceValue(pod, container.name, resourceFieldRef, deps.fields);
  }
  if (configMapKeyRef !== undefined) {
    const { name = '', key, optional } = configMapKeyRef;
    const found = await deps.sources.configMap(namespace, name, signal);
    return pick(
      { what: 'configmap', owner: 'ConfigMap', namespace, name, key, optional },
      found && configMapTexts(found),
    );
  }
  if (secretKeyRef !== undefined) {
    const { name = '', key, optional } = secretKeyRef;
    const found = await deps.sources.secret(namespace, name, signal);
    return pick(
      { what: 'secret', owner: 'Secret', namespace, name, key, optional },
      found && secretTexts(found),
    );
  }
  throw new ConfigError(
    'CreateContainerConfigError',
    'environment variables from files are not supported by Coracle yet',
  );
}

interface KeyReference {
  readonly what: string;
  readonly owner: string;
  readonly namespace: string;
  readonly name: string;
  readonly key: string;
  readonly optional: boolean | undefined;
}

function pick(reference: KeyReference, texts: ReadonlyMap<string, string> | undefined): string | undefined {
  const { what, owner, namespace, name, key, optional } = reference;
  const value = texts?.get(key);
  if (value !== undefined || optional === true) {
    return value;
  }
  throw new ConfigError(
    'CreateContainerConfigError',
    texts === undefined
      ? `${what} "${name}" not found`
      : `couldn't find key ${key} in ${owner} ${namespace}/${name}`,
  );
}
