import { isRecord, type JsonRecord } from '#codec/own-property.ts';
import { CliError } from '../cli-error.ts';
import type { Command, Invocation } from '../command.ts';
import { asObject, listAt, recordAt, textAt } from '../object-access.ts';
import { objectPrinter, OUTPUT_FLAGS, outputFormat } from '../printers/printer.ts';
import { encodeYaml } from '#codec/yaml.ts';
import { alignedText, TABLE_LAYOUT } from '../tab-writer.ts';

export const CONFIG: Command = {
  name: 'config',
  about: 'Read kubeconfig files',
  commands: [
    { name: 'current-context', about: 'Display the current-context', usage: '', run: currentContext },
    { name: 'get-contexts', about: 'Describe one or many contexts', usage: '', run: getContexts },
    {
      name: 'view',
      about: 'Display merged kubeconfig settings',
      usage: '',
      flags: [
        ...OUTPUT_FLAGS,
        { name: 'minify', kind: 'bool', about: 'Leave out what the current context does not use.' },
        { name: 'raw', kind: 'bool', about: 'Show keys and certificates.' },
      ],
      run: view,
    },
  ],
};

async function currentContext({ session }: Invocation): Promise<void> {
  const name = textAt(session.kubeconfig.document, 'current-context');
  if (name === '') {
    throw new CliError('current-context is not set');
  }
  session.print(`${name}\n`);
}

async function getContexts({ session }: Invocation): Promise<void> {
  const { document } = session.kubeconfig;
  const rows = listAt(document, 'contexts').map((entry) => [
    textAt(entry, 'name') === session.contextName ? '*' : '',
    textAt(entry, 'name'),
    ...['cluster', 'user', 'namespace'].map((field) => textAt(entry, 'context', field)),
  ]);
  const lines = [['CURRENT', 'NAME', 'CLUSTER', 'AUTHINFO', 'NAMESPACE'], ...rows];
  session.print(alignedText(TABLE_LAYOUT, lines.map((line) => `${line.join('\t')}\n`).join('')));
}

const SECRET_FIELDS: Readonly<Record<string, string>> = {
  'certificate-authority-data': 'DATA+OMITTED',
  'client-certificate-data': 'DATA+OMITTED',
  'client-key-data': 'DATA+OMITTED',
  token: 'REDACTED',
  password: 'REDACTED',
};

async function view({ session, flags }: Invocation): Promise<void> {
  const { preferences: _unused, ...merged } = session.kubeconfig.document;
  const chosen = flags.bool('minify') ? minified(merged, session.contextName) : merged;
  const shown = asRecord(flags.bool('raw') ? chosen : hidden(chosen));
  const isYaml = ['', 'yaml'].includes(outputFormat(flags).name);
  session.print(isYaml ? encodeYaml(shown) : objectPrinter(flags)([asObject(shown)]));
}

function minified(document: JsonRecord, contextName: string): JsonRecord {
  const named = (list: string, name: string): readonly unknown[] =>
    listAt(document, list).filter((entry) => textAt(entry, 'name') === name);
  const contexts = named('contexts', contextName);
  const context = recordAt(contexts[0], 'context');
  return {
    ...document,
    contexts,
    clusters: named('clusters', textAt(context, 'cluster')),
    users: named('users', textAt(context, 'user')),
  };
}

function hidden(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map(hidden);
  }
  return isRecord(value)
    ? Object.fromEntries(
        Object.entries(value).map(([key, item]) => [key, SECRET_FIELDS[key] ?? hidden(item)]),
      )
    : value;
}

function asRecord(value: unknown): JsonRecord {
  return isRecord(value) ? value : {};
}
