import { readFileSync } from 'node:fs';
import { encodeYaml } from '#codec/yaml.ts';
import { CliError } from '../cli-error.ts';
import type { FlagValues, Flag } from '../flags.ts';
import { type AnyObject, groupVersionOf } from '../object-access.ts';
import { qualifiedKind } from '../resource-mapper.ts';
import { customColumnsFilePrinter, customColumnsPrinter } from './custom-columns.ts';
import { goJson } from './go-json.ts';
import { renderJsonPath, resultsOf } from './json-path.ts';
import { parseJsonPathTemplate } from './json-path-parser.ts';

/** The text of some objects. A printer may remember what it printed: headers and widths come once. */
export type ObjectPrinter = (objects: readonly AnyObject[]) => string;

/** Flags of every verb that can print objects. */
export const OUTPUT_FLAGS: readonly Flag[] = [
  {
    name: 'output',
    short: 'o',
    kind: 'text',
    about:
      'Output format: json, yaml, name, wide, jsonpath, jsonpath-as-json, jsonpath-file, custom-columns, custom-columns-file.',
  },
  { name: 'template', kind: 'text', about: 'Template text, or the path of a template, for -o jsonpath.' },
  {
    name: 'allow-missing-template-keys',
    kind: 'bool',
    initial: 'true',
    about: 'Ignore errors in templates when a field is missing.',
  },
  { name: 'show-managed-fields', kind: 'bool', about: 'Keep managedFields in JSON and YAML.' },
];

const FORMATS = [
  'custom-columns',
  'custom-columns-file',
  'go-template',
  'go-template-file',
  'json',
  'jsonpath',
  'jsonpath-as-json',
  'jsonpath-file',
  'name',
  'template',
  'templatefile',
  'wide',
  'yaml',
];

/** An output format and what stands behind its `=`. */
export interface OutputFormat {
  readonly name: string;
  readonly argument: string;
}

export function outputFormat(flags: FlagValues): OutputFormat {
  const text = flags.text('output');
  const equals = text.indexOf('=');
  const template = flags.isKnown('template') ? flags.text('template') : '';
  return equals < 0
    ? { name: text, argument: template }
    : { name: text.slice(0, equals), argument: text.slice(equals + 1) };
}

/**
 * A printer for the formats that print objects whole or by a template.
 *
 * @throws {CliError} for a format that does not exist, or a template that makes no sense
 */
export function objectPrinter(flags: FlagValues, allowed: readonly string[] = FORMATS): ObjectPrinter {
  const { name, argument } = outputFormat(flags);
  const keepsManagedFields = flags.isKnown('show-managed-fields') && flags.bool('show-managed-fields');
  const prepare = keepsManagedFields ? (object: AnyObject) => object : withoutManagedFields;
  const hasHeaders = !(flags.isKnown('no-headers') && flags.bool('no-headers'));
  switch (name) {
    case 'json':
      return (objects) => objects.map((object) => `${goJson(prepare(object), 4)}\n`).join('');
    case 'yaml':
      return yamlPrinter(prepare);
    case 'name':
      return (objects) => objects.map((object) => `${nameOf(object)}\n`).join('');
    case 'jsonpath':
    case 'jsonpath-file':
    case 'jsonpath-as-json':
      return jsonPathPrinter(flags, name, argument);
    case 'custom-columns':
      return customColumnsPrinter(argument, hasHeaders);
    case 'custom-columns-file':
      return customColumnsFilePrinter(argument, hasHeaders);
    case 'go-template':
    case 'go-template-file':
    case 'template':
    case 'templatefile':
      throw new CliError(
        `output format "${name}" is not supported: Go templates need Go; use jsonpath or custom-columns`,
      );
    default:
      throw new CliError(
        `unable to match a printer suitable for the output format ${JSON.stringify(name)}, allowed formats are: ${allowed.join(',')}`,
      );
  }
}

/** `pod/web`, `deployment.apps/web`. */
export function nameOf(object: AnyObject): string {
  const { group } = groupVersionOf(object.apiVersion);
  return `${qualifiedKind(group, object.kind)}/${object.metadata.name}`;
}

export function withoutManagedFields(object: AnyObject): AnyObject {
  const items = object['items'];
  if (Array.isArray(items)) {
    return { ...object, items: (items as readonly AnyObject[]).map(withoutManagedFields) };
  }
  if (object.metadata.managedFields === undefined) {
    return object;
  }
  const { managedFields: _left, ...metadata } = object.metadata;
  return { ...object, metadata };
}

function yamlPrinter(prepare: (object: AnyObject) => AnyObject): ObjectPrinter {
  let isFirst = true;
  return (objects) =>
    objects
      .map((object) => {
        const separator = isFirst ? '' : '---\n';
        isFirst = false;
        return separator + encodeYaml(prepare(object));
      })
      .join('');
}

function jsonPathPrinter(flags: FlagValues, format: string, argument: string): ObjectPrinter {
  const text = format === 'jsonpath-file' ? readFileSync(argument, 'utf8') : argument;
  if (text === '') {
    throw new CliError(`template format specified but no template given`);
  }
  const template = parsed(text);
  const options = { allowsMissing: flags.bool('allow-missing-template-keys') };
  const render = (object: AnyObject): string =>
    format === 'jsonpath-as-json'
      ? `${goJson(resultsOf(template, object, options).flat(), 4)}\n`
      : renderJsonPath(template, object, options);
  return (objects) =>
    objects
      .map((object) => {
        try {
          return render(object);
        } catch (error) {
          if (!(error instanceof CliError)) {
            throw error;
          }
          throw new CliError(
            `error executing jsonpath ${JSON.stringify(text)}: Error executing template: ${error.message}. Printing more information for debugging the template:\n\ttemplate was:\n\t\t${text}\n\tobject given to jsonpath engine was:\n\t\t${goJson(object)}\n\n`,
          );
        }
      })
      .join('');
}

function parsed(text: string): ReturnType<typeof parseJsonPathTemplate> {
  try {
    return parseJsonPathTemplate(text);
  } catch (error) {
    if (error instanceof CliError) {
      throw new CliError(`error parsing jsonpath ${text}, ${error.message}`);
    }
    throw error;
  }
}
