import { mergeKubeconfigFiles } from '#client/kubeconfig-files.ts';
import { isRecord, type JsonRecord } from '#codec/own-property.ts';
import { CliError } from '../cli-error.ts';
import type { Command, Invocation } from '../command.ts';
import { asObject, compareText, listAt, recordAt, textAt } from '../object-access.ts';
import { objectPrinter, OUTPUT_FLAGS, outputFormat } from '../printers/printer.ts';
import { encodeYaml } from '#codec/yaml.ts';
import { CONFIG_CHANGES } from './config-edit.ts';
import { alignedText, TABLE_LAYOUT } from '../tab-writer.ts';

export const CONFIG: Command = {
  name: 'config',
  about: 'Modify kubeconfig files',
  commands: [
    { name: 'current-context', about: 'Display the current-context', usage: '', run: currentContext },
    {
      name: 'get-clusters',
      about: 'Display clusters defined in the kubeconfig',
      usage: '',
      run: (invocation) => getNames(invocation, 'clusters'),
    },
    {
      name: 'get-contexts',
      about: 'Describe one or many contexts',
      usage: '[(-o|--output=)name)]',
      flags: [
        { name: 'no-headers', kind: 'bool', about: 'Do not print headers.' },
        { name: 'output', short: 'o', kind: 'text', about: 'name, for names alone.' },
      ],
      run: getContexts,
    },
    {
      name: 'get-users',
      about: 'Display users defined in the kubeconfig',
      usage: '',
      run: (invocation) => getNames(invocation, 'users'),
    },
    ...CONFIG_CHANGES,
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

async function getNames({ session }: Invocation, list: 'clusters' | 'users'): Promise<void> {
  const names = listAt(session.kubeconfig.document, list).map((entry) => textAt(entry, 'name'));
  session.print(['NAME', ...names.toSorted()].map((name) => `${name}\n`).join(''));
}

async function getContexts({ session, flags, args }: Invocation): Promise<void> {
  const format = flags.text('output');
  if (format !== '' && format !== 'name') {
    throw new CliError(
      `--output ${format} is not available in kubectl config get-contexts; resetting to default output format`,
    );
  }
  const all = listAt(session.kubeconfig.document, 'contexts');
  const entries = all
    .filter((entry) => args.length === 0 || args.includes(textAt(entry, 'name')))
    .toSorted((left, right) => compareText(textAt(left, 'name'), textAt(right, 'name')));
  const current = textAt(session.kubeconfig.document, 'current-context');
  const rows = entries.map((entry) =>
    format === 'name'
      ? [textAt(entry, 'name')]
      : [
          textAt(entry, 'name') === current ? '*' : ' ',
          textAt(entry, 'name'),
          ...['cluster', 'user', 'namespace'].map((field) => textAt(entry, 'context', field)),
        ],
  );
  const hasHeaders = format === '' && !flags.bool('no-headers');
  const lines = [...(hasHeaders ? [['CURRENT', 'NAME', 'CLUSTER', 'AUTHINFO', 'NAMESPACE']] : []), ...rows];
  session.print(alignedText(TABLE_LAYOUT, lines.map((line) => `${line.join('\t')}\n`).join('')));
  const missing = args.filter((name) => !all.some((entry) => textAt(entry, 'name') === name));
  if (missing.length > 0) {
    const texts = missing.map((name) => `context ${name} not found`);
    throw new CliError(texts.length === 1 ? (texts[0] ?? '') : `[${texts.join(', ')}]`);
  }
}

const SECRET_FIELDS: Readonly<Record<string, string>> = {
  'certificate-authority-data': 'DATA+OMITTED',
  'client-certificate-data': 'DATA+OMITTED',
  'client-key-data': 'DATA+OMITTED',
  token: 'REDACTED',
  password: 'REDACTED',
};

async function view({ session, flags }: Invocation): Promise<void> {
  const { document } = mergeKubeconfigFiles(session.kubeconfigPaths, { keepsPaths: true });
  const { preferences: _unused, ...merged } = document;
  const chosen = flags.bool('minify') ? minified(merged, session.contextName) : merged;
  const shown = asRecord(flags.bool('raw') ? chosen : hidden(chosen));
  const isYaml = ['', 'yaml'].includes(outputFormat(flags).name);
  session.print(isYaml ? encodeYaml(shown) : objectPrinter(flags)([asObject(shown)]));
}

function minified(document: JsonRecord, contextName: string): JsonRecord {
  if (contextName === '') {
    throw new CliError('current-context must exist in order to minify');
  }
  const named = (list: string, what: string, name: string): readonly unknown[] => {
    const found = listAt(document, list).filter((entry) => textAt(entry, 'name') === name);
    if (found.length === 0 && name !== '') {
      throw new CliError(`cannot locate ${what} ${name}`);
    }
    return found;
  };
  const contexts = named('contexts', 'context', contextName);
  const context = recordAt(contexts[0], 'context');
  const users = named('users', 'user', textAt(context, 'user'));
  const clusters = named('clusters', 'cluster', textAt(context, 'cluster'));
  return { ...document, contexts, clusters, users };
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
