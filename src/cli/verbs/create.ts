import { CliError } from '../cli-error.ts';
import type { Command, Invocation } from '../command.ts';
import { dryRunOf, writeQuery } from '../dry-run.ts';
import { eachTarget, withSource } from '../each-target.ts';
import { manifestsOf, targetOf } from '../find-objects.ts';
import { withLastApplied } from '../last-applied.ts';
import { FILE_FLAGS } from '../manifests.ts';
import { asObject } from '../object-access.ts';
import { OutcomePrinter } from '../outcome.ts';
import { CREATE_FLAGS } from '../create-object.ts';
import { pathOf } from '../resource-mapper.ts';
import { SELECTOR_FLAG } from '../selection-flags.ts';
import { CREATE_ACCESS } from './create-access.ts';
import { CREATE_CONFIGURATION } from './create-configuration.ts';
import { CREATE_POLICY } from './create-policy.ts';
import { CREATE_WORKLOADS } from './create-workloads.ts';

export const CREATE: Command = {
  name: 'create',
  about: 'Create a resource from a file or from stdin',
  usage: '-f FILENAME',
  flags: [
    ...FILE_FLAGS,
    ...CREATE_FLAGS,
    SELECTOR_FLAG,
    { name: 'raw', kind: 'text', about: 'Path to POST the file to, as it is.' },
  ],
  commands: [...CREATE_CONFIGURATION, ...CREATE_WORKLOADS, ...CREATE_ACCESS, ...CREATE_POLICY],
  run: create,
};

async function create(invocation: Invocation): Promise<void> {
  const { session, flags, args, path } = invocation;
  if (flags.list('filename').length === 0 && flags.text('kustomize') === '') {
    if (args.length > 0) {
      throw new CliError(`Unexpected args: [${args.join(' ')}]\nSee '${path} -h' for help and examples`);
    }
    throw new CliError('must specify one of -f and -k');
  }
  const dryRun = dryRunOf(flags);
  const printer = new OutcomePrinter(invocation, dryRun);
  const manifests = await manifestsOf(invocation);
  if (manifests.length === 0) {
    throw new CliError('no objects passed to create');
  }
  await eachTarget(session, manifests, async (manifest) => {
    const { resource, namespace, manifest: object, source } = await targetOf(session, manifest);
    const body = flags.bool('save-config') ? withLastApplied(object) : object;
    if (dryRun === 'client') {
      printer.print(body, 'created');
      return;
    }
    try {
      const query = writeQuery(flags, dryRun, 'kubectl-create');
      const answer = await session.client.request({
        method: 'POST',
        path: pathOf(resource, { namespace }),
        query,
        body,
      });
      printer.print(asObject(answer), 'created');
    } catch (error) {
      throw withSource(error, 'creating', source);
    }
  });
}
