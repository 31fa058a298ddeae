import type { Command } from './command.ts';
import type { Flag } from './flags.ts';
import { GLOBAL_FLAGS } from './global-flags.ts';
import { alignedText, DESCRIPTION_LAYOUT } from './tab-writer.ts';

/** What `--help` prints for a command. */
export function helpText(path: string, command: Command): string {
  const commands = command.commands ?? [];
  const flags = command.flags ?? [];
  const usage =
    commands.length > 0 ? `${path} COMMAND [flags] [options]` : `${path} ${command.usage ?? ''} [options]`;
  return [
    `${command.about}.\n`,
    ...(commands.length === 0
      ? []
      : ['Available Commands:', table(commands.map(({ name, about }) => `  ${name}\t${about}`))]),
    ...(flags.length === 0 ? [] : ['Options:', table(flags.map(flagLine))]),
    `Usage:\n  ${usage.replaceAll(/ {2,}/g, ' ')}\n`,
    'Use "kubectl options" for a list of global command-line options (applies to all commands).\n',
  ].join('\n');
}

/** What `kubectl options` prints. */
export function optionsText(): string {
  return `The following options can be passed to any command:\n\n${table(GLOBAL_FLAGS.map(flagLine))}`;
}

function flagLine({ name, short, kind, initial = '', about }: Flag): string {
  const value =
    kind === 'bool'
      ? String(initial === 'true')
      : kind === 'list' || kind === 'array'
        ? `[${initial}]`
        : kind === 'text'
          ? `'${initial}'`
          : initial;
  return `    ${short === undefined ? '' : `-${short}, `}--${name}=${value}:\t${about}`;
}

function table(lines: readonly string[]): string {
  return alignedText(DESCRIPTION_LAYOUT, `${lines.join('\n')}\n`);
}
