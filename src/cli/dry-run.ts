import { CliError } from './cli-error.ts';
import type { FlagValues } from './flags.ts';

export type DryRun = 'none' | 'client' | 'server';

/** @throws {CliError} for a word it does not know */
export function dryRunOf(flags: FlagValues): DryRun {
  const text = flags.isKnown('dry-run') ? flags.text('dry-run') : 'none';
  switch (text) {
    case 'none':
    case 'client':
    case 'server':
      return text;
    case 'unchanged':
      throw new CliError(
        '--dry-run flag without a value was specified. A value must be set: "none", "server", or "client".',
      );
    default:
      throw new CliError(`Invalid dry-run value (${text}). Must be "none", "server", or "client".`);
  }
}

/** `deployment.apps/web created (dry run)`: what messages end with. */
export function dryRunSuffix(dryRun: DryRun): string {
  return dryRun === 'none' ? '' : dryRun === 'client' ? ' (dry run)' : ' (server dry run)';
}

/** Query parameters of a write. */
export function writeQuery(
  flags: FlagValues,
  dryRun: DryRun,
  managerDefault: string,
): Readonly<Record<string, string>> {
  const manager = flags.isKnown('field-manager') ? flags.text('field-manager') : '';
  return {
    fieldManager: manager === '' ? managerDefault : manager,
    ...(dryRun === 'server' ? { dryRun: 'All' } : {}),
    ...(flags.isKnown('validate') ? { fieldValidation: fieldValidation(flags.text('validate')) } : {}),
  };
}

function fieldValidation(text: string): string {
  switch (text.toLowerCase()) {
    case 'strict':
    case 'true':
      return 'Strict';
    case 'warn':
      return 'Warn';
    case 'ignore':
    case 'false':
      return 'Ignore';
    default:
      throw new CliError(`invalid - validate option "${text}"`);
  }
}
