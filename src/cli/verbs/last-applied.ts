import { isNotFound } from '#api/status-error.ts';
import { encodeYaml } from '#codec/yaml.ts';
import { CliError } from '../cli-error.ts';
import type { Command, Invocation } from '../command.ts';
import { dryRunOf } from '../dry-run.ts';
import { fetchObject, findObjects, manifestsOf, targetOf } from '../find-objects.ts';
import { LAST_APPLIED, lastAppliedOf } from '../last-applied.ts';
import { FILE_FLAGS } from '../manifests.ts';
import { asObject, textAt } from '../object-access.ts';
import { OutcomePrinter } from '../outcome.ts';
import { goJson } from '../printers/go-json.ts';
import { OUTPUT_FLAGS } from '../printers/printer.ts';
import { pathOf } from '../resource-mapper.ts';
import { ALL_FLAG, DRY_RUN_FLAG, SELECTOR_FLAG } from '../selection-flags.ts';

export const VIEW_LAST_APPLIED: Command = {
  name: 'view-last-applied',
  about: 'View the latest last-applied-configuration annotations of a resource/object',
  usage: '(TYPE [NAME | -l label] | TYPE/NAME | -f FILENAME)',
  flags: [
    ...FILE_FLAGS,
    ALL_FLAG,
    SELECTOR_FLAG,
    { name: 'output', short: 'o', kind: 'text', initial: 'yaml', about: 'yaml or json.' },
  ],
  run: viewLastApplied,
};

export const SET_LAST_APPLIED: Command = {
  name: 'set-last-applied',
  about: 'Set the last-applied-configuration annotation on a live object to match the contents of a file',
  usage: '-f FILENAME',
  flags: [
    ...FILE_FLAGS,
    ...OUTPUT_FLAGS,
    DRY_RUN_FLAG,
    {
      name: 'create-annotation',
      kind: 'bool',
      about: 'Make the annotation where there is none.',
    },
  ],
  run: setLastApplied,
};

async function viewLastApplied(invocation: Invocation): Promise<void> {
  const { session, flags, path } = invocation;
  const found = await findObjects(invocation);
  // As upstream, which passes over what was never applied without a word.
  const configurations = found.flatMap(({ object }) => lastAppliedOf(object) ?? []);
  for (const configuration of configurations) {
    switch (flags.text('output')) {
      case 'json':
        session.print(`${goJson(configuration, 2)}\n`);
        break;
      case 'yaml':
        session.print(encodeYaml(configuration));
        break;
      default:
        throw new CliError(
          `Unexpected -o output mode: ${flags.text('output')}, the flag 'output' must be one of yaml|json\nSee '${path} -h' for help and examples`,
        );
    }
  }
}

async function setLastApplied(invocation: Invocation): Promise<void> {
  const { session, flags } = invocation;
  const dryRun = dryRunOf(flags);
  const printer = new OutcomePrinter(invocation, dryRun);
  const changes = [];
  for (const manifest of await manifestsOf(invocation)) {
    const target = await targetOf(session, manifest);
    const { object } = await fetchObject(session, target).catch((error: unknown) => {
      throw isNotFound(error) ? error : new CliError(`retrieving current configuration of: ${target.name}`);
    });
    if (lastAppliedOf(object) === undefined && !flags.bool('create-annotation')) {
      throw new CliError(
        `no last-applied-configuration annotation found on resource: ${target.name}, to create the annotation, run the command with --create-annotation`,
      );
    }
    const text = `${goJson(target.manifest)}\n`;
    if (textAt(object, 'metadata', 'annotations', LAST_APPLIED).trimEnd() === text.trimEnd()) {
      session.print(`set-last-applied ${target.name}: no changes required.\n`);
    } else {
      changes.push({ target, object, text });
    }
  }
  for (const { target, object, text } of changes) {
    const answer =
      dryRun === 'client'
        ? object
        : await session.client.request({
            method: 'PATCH',
            path: pathOf(target.resource, target),
            query: dryRun === 'server' ? { dryRun: 'All' } : {},
            contentType: 'application/merge-patch+json',
            body: { metadata: { annotations: { [LAST_APPLIED]: text } } },
          });
    printer.print(asObject(answer), 'configured');
  }
}
