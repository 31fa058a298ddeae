import { Problems } from '#api/validation/problems.ts';
import { fieldErrorText } from '#api/status-error.ts';
import { decodeYaml, YamlDecodeError } from '#codec/yaml.ts';

/** The fields of an object in a configuration file. */
export type ConfigFields = Readonly<Record<string, unknown>>;

/** A configuration file is not what it should be; the message says everything that is wrong. */
export class ConfigFileError extends Error {
  override readonly name = 'ConfigFileError';
  readonly code = 'apiserver/config-file';
}

/**
 * Reads the one object of a configuration file, in YAML or JSON.
 *
 * @throws {ConfigFileError} it cannot be read, or is of another kind
 */
export function readConfigFile(text: string, apiVersions: readonly string[], kind: string): ConfigFields {
  const fields = fieldsOf(decoded(text));
  const found = textOf(fields['apiVersion']);
  if (!apiVersions.includes(found) || fields['kind'] !== kind) {
    throw new ConfigFileError(
      `no kind ${JSON.stringify(textOf(fields['kind']))} is registered for version ${JSON.stringify(found)}: write kind ${kind} of ${apiVersions.join(' or ')}`,
    );
  }
  return fields;
}

function decoded(text: string): unknown {
  try {
    return decodeYaml(text, { isStrict: true });
  } catch (error) {
    if (error instanceof YamlDecodeError) {
      throw new ConfigFileError(error.message, { cause: error });
    }
    throw error;
  }
}

/** The fields of an object; none of anything else. */
export function fieldsOf(value: unknown): ConfigFields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as ConfigFields) : {};
}

export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** Gathers what is wrong with a file. */
export class ConfigProblems extends Problems {
  readonly #unknown: string[] = [];

  /** Says of every other field that nobody knows it. */
  onlyFields(path: string, fields: ConfigFields, known: readonly string[]): void {
    for (const name of Object.keys(fields)) {
      if (!known.includes(name)) {
        this.#unknown.push(`unknown field ${JSON.stringify(path === '' ? name : `${path}.${name}`)}`);
      }
    }
  }

  /** @throws {ConfigFileError} when anything was found */
  refuse(): void {
    if (this.#unknown.length > 0) {
      throw new ConfigFileError(`strict decoding error: ${this.#unknown.join(', ')}`);
    }
    const texts = this.found.map(fieldErrorText);
    if (texts.length > 0) {
      throw new ConfigFileError(texts.length > 1 ? `[${texts.join(', ')}]` : (texts[0] ?? ''));
    }
  }
}
