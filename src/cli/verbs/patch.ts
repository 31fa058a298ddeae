import { readFileSync } from 'node:fs';
import { decodeYaml, YamlDecodeError } from '#codec/yaml.ts';
import { CliError } from '../cli-error.ts';
import type { Command, Invocation } from '../command.ts';
import { dryRunOf, writeQuery } from '../dry-run.ts';
import { eachTarget } from '../each-target.ts';
import { findObjects } from '../find-objects.ts';
import { FILE_FLAGS } from '../manifests.ts';
import { asObject } from '../object-access.ts';
import { OutcomePrinter } from '../outcome.ts';
import { OUTPUT_FLAGS } from '../printers/printer.ts';
import { pathOf } from '../resource-mapper.ts';
import { DRY_RUN_FLAG, FIELD_MANAGER_FLAG } from '../selection-flags.ts';

export const PATCH: Command = {
  name: 'patch',
  about: 'Update fields of a resource',
  usage: '(-f FILENAME | TYPE NAME) [-p PATCH|--patch-file FILE]',
  flags: [
    ...FILE_FLAGS,
    ...OUTPUT_FLAGS,
    DRY_RUN_FLAG,
    FIELD_MANAGER_FLAG,
    { name: 'patch', short: 'p', kind: 'text', about: 'The patch, in JSON or YAML.' },
    { name: 'patch-file', kind: 'text', about: 'A file with the patch.' },
    {
      name: 'subresource',
      kind: 'text',
      about: 'Patch this subresource of the object: status, scale or resize.',
    },
    { name: 'type', kind: 'text', initial: 'strategic', about: 'json, merge or strategic.' },
  ],
  run: patch,
};

const TYPES: Readonly<Record<string, string>> = {
  json: 'application/json-patch+json',
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
};

async function patch(invocation: Invocation): Promise<void> {
  const { session, flags } = invocation;
  const contentType = TYPES[flags.text('type')];
  if (flags.text('patch') !== '' && flags.text('patch-file') !== '') {
    throw new CliError('cannot specify --patch and --patch-file together');
  }
  if (flags.text('patch') === '' && flags.text('patch-file') === '') {
    throw new CliError('must specify --patch or --patch-file containing the contents of the patch');
  }
  if (contentType === undefined) {
    throw new CliError(
      `--type must be one of [json merge strategic], not ${JSON.stringify(flags.text('type'))}`,
    );
  }
  const body = readPatch(flags.text('patch') || readFileSync(flags.text('patch-file'), 'utf8'));
  const dryRun = dryRunOf(flags);
  const printer = new OutcomePrinter(invocation, dryRun);
  const found = await findObjects(invocation);
  await eachTarget(session, found, async (target) => {
    if (dryRun === 'client') {
      printer.print(target.object, 'patched');
      return;
    }
    const answer = asObject(
      await session.client.request({
        method: 'PATCH',
        path: pathOf(target.resource, { ...target, subresource: flags.text('subresource') }),
        query: writeQuery(flags, dryRun, 'kubectl-patch'),
        contentType,
        body,
      }),
    );
    const isSame = answer.metadata.resourceVersion === target.object.metadata.resourceVersion;
    printer.print(answer, isSame ? 'patched (no change)' : 'patched');
  });
}

function readPatch(text: string): unknown {
  try {
    return decodeYaml(text);
  } catch (error) {
    if (error instanceof YamlDecodeError) {
      throw new CliError(`unable to parse ${JSON.stringify(text)}: ${error.message}`);
    }
    throw error;
  }
}
