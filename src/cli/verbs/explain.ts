import { CliError } from '../cli-error.ts';
import type { Command, Invocation } from '../command.ts';
import type { ApiResource } from '../discovery.ts';
import { groupVersionOf } from '../object-access.ts';
import { fetchSchemas } from '../openapi-schemas.ts';
import { explainText } from '../explain-text.ts';

export const EXPLAIN: Command = {
  name: 'explain',
  about: 'Get documentation for a resource',
  usage: 'TYPE [--recursive=FALSE|TRUE] [--api-version=api-version-group]',
  flags: [
    { name: 'api-version', kind: 'text', about: 'Use this API version: group/version.' },
    {
      name: 'output',
      short: 'o',
      kind: 'text',
      initial: 'plaintext',
      about: 'plaintext, or plaintext-openapiv2.',
    },
    { name: 'recursive', kind: 'bool', about: 'Print the fields of fields too, by name and type.' },
  ],
  run: explain,
};

async function explain(invocation: Invocation): Promise<void> {
  const { session, args, flags } = invocation;
  const [path, ...more] = args;
  if (path === undefined) {
    throw new CliError(
      'You must specify the type of resource to explain. Use "kubectl api-resources" for a complete list of supported resources.',
    );
  }
  if (more.length > 0) {
    throw new CliError('We accept only this format: explain RESOURCE');
  }
  if (!['plaintext', 'plaintext-openapiv2'].includes(flags.text('output'))) {
    throw new CliError(`unrecognized format: ${flags.text('output')}`);
  }
  const { resource, fields } = await resourceAndFields(invocation, path);
  const schemas = await fetchSchemas(session.client, resource);
  const schema = schemas?.ofKind(resource);
  if (schemas === undefined || schema === undefined) {
    throw new CliError(
      `GVR (${resource.group}/${resource.version}, Resource=${resource.resource}) not found in OpenAPI schema`,
    );
  }
  const { text, missing } = explainText({
    schemas,
    schema,
    resource,
    fields,
    isRecursive: flags.bool('recursive'),
  });
  session.print(text);
  if (missing !== undefined) {
    throw new CliError(`field ${JSON.stringify(missing)} does not exist`);
  }
}

interface Subject {
  readonly resource: ApiResource;
  readonly fields: readonly string[];
}

/** `deploy.spec.template` begins with a resource; a group's name has dots of its own, so the longest match counts. */
async function resourceAndFields({ session, flags }: Invocation, path: string): Promise<Subject> {
  const mapper = await session.mapper();
  const parts = path.replace(/\.$/, '').split('.');
  const wantedVersion = flags.text('api-version');
  const name = [
    parts.slice(0, 1).join('.'),
    ...(mapper.find(parts[0] ?? '') === undefined ? [path] : []),
  ].find((each) => mapper.find(each) !== undefined);
  if (name === undefined) {
    throw new CliError(`the server doesn't have a resource type ${JSON.stringify(parts[0] ?? '')}`, {
      isVerbatim: true,
    });
  }
  const resource = mapper.resource(name);
  const fields = name === path ? [] : parts.slice(1);
  if (wantedVersion === '') {
    return { resource, fields };
  }
  const { group, version } = groupVersionOf(wantedVersion);
  const found = mapper.resources.find(
    (each) => each.resource === resource.resource && each.group === group && each.version === version,
  );
  if (found === undefined) {
    throw new CliError(`couldn't find resource for "${wantedVersion}, Resource=${resource.resource}"`);
  }
  return { resource: found, fields };
}
