import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { KubeconfigEditor, type KubeconfigList } from '#client/kubeconfig-edit.ts';
import type { JsonRecord } from '#codec/own-property.ts';
import { CliError } from '../cli-error.ts';
import type { Command, Invocation } from '../command.ts';
import type { Flag, FlagValues } from '../flags.ts';
import { textAt } from '../object-access.ts';

const EMBED_FLAG: Flag = { name: 'embed-certs', kind: 'bool', about: 'Put the files themselves in.' };

/** The verbs of `config` that change files. */
export const CONFIG_CHANGES: readonly Command[] = [
  {
    name: 'use-context',
    aliases: ['use'],
    about: 'Set the current-context in a kubeconfig file',
    usage: 'CONTEXT_NAME',
    run: useContext,
  },
  {
    name: 'set-context',
    about: 'Set a context entry in kubeconfig',
    usage: '[NAME | --current] [--cluster=cluster_nickname] [--user=user_nickname] [--namespace=namespace]',
    flags: [{ name: 'current', kind: 'bool', about: 'Change the current context.' }],
    run: setContext,
  },
  {
    name: 'set-cluster',
    about: 'Set a cluster entry in kubeconfig',
    usage: 'NAME [--server=server] [--certificate-authority=path/to/certificate/authority]',
    flags: [EMBED_FLAG, { name: 'proxy-url', kind: 'text', about: 'The proxy to the cluster.' }],
    run: setCluster,
  },
  {
    name: 'set-credentials',
    about: 'Set a user entry in kubeconfig',
    usage:
      'NAME [--client-certificate=path/to/certfile] [--client-key=path/to/keyfile] [--token=bearer_token]',
    flags: [EMBED_FLAG],
    run: setCredentials,
  },
  {
    name: 'rename-context',
    about: 'Rename a context from the kubeconfig file',
    usage: 'CONTEXT_NAME NEW_NAME',
    run: renameContext,
  },
  {
    name: 'delete-context',
    about: 'Delete the specified context from the kubeconfig',
    usage: 'NAME',
    run: (invocation) => deleteEntry(invocation, 'contexts', 'context'),
  },
  {
    name: 'delete-cluster',
    about: 'Delete the specified cluster from the kubeconfig',
    usage: 'NAME',
    run: (invocation) => deleteEntry(invocation, 'clusters', 'cluster'),
  },
  {
    name: 'delete-user',
    about: 'Delete the specified user from the kubeconfig',
    usage: 'NAME',
    run: (invocation) => deleteEntry(invocation, 'users', 'user'),
  },
  {
    name: 'set',
    about: 'Set an individual value in a kubeconfig file',
    usage: 'PROPERTY_NAME PROPERTY_VALUE',
    flags: [
      { name: 'set-raw-bytes', kind: 'bool', about: 'The value of a -data field is not in base64 yet.' },
    ],
    run: setProperty,
  },
  {
    name: 'unset',
    about: 'Unset an individual value in a kubeconfig file',
    usage: 'PROPERTY_NAME',
    run: unsetProperty,
  },
];

function editorOf({ session }: Invocation): KubeconfigEditor {
  return new KubeconfigEditor(session.kubeconfigPaths);
}

/** @throws {CliError} more words than the verb takes */
function words({ args, path }: Invocation, most: number): readonly string[] {
  if (args.length > most) {
    throw new CliError(`Unexpected args: [${args.join(' ')}]\nSee '${path} -h' for help and examples`);
  }
  return args;
}

async function useContext(invocation: Invocation): Promise<void> {
  const [name = ''] = words(invocation, 1);
  if (name === '') {
    throw new CliError('empty context names are not allowed');
  }
  const editor = editorOf(invocation);
  if (editor.entry('contexts', name) === undefined) {
    throw new CliError(`no context exists with the name: ${JSON.stringify(name)}`);
  }
  editor.setCurrentContext(name);
  invocation.session.print(`Switched to context ${JSON.stringify(name)}.\n`);
}

async function setContext(invocation: Invocation): Promise<void> {
  const { session, flags } = invocation;
  const [given = ''] = words(invocation, 1);
  const isCurrent = flags.bool('current');
  if (given === '' && !isCurrent) {
    throw new CliError('you must specify a non-empty context name or --current');
  }
  if (given !== '' && isCurrent) {
    throw new CliError('you cannot specify both a context name and --current');
  }
  const name = isCurrent ? textAt(session.kubeconfig.document, 'current-context') : given;
  if (name === '') {
    throw new CliError('no current context is set');
  }
  const editor = editorOf(invocation);
  const before = editor.entry('contexts', name);
  editor.setEntry('contexts', name, {
    ...before,
    ...fieldsGiven(flags, { cluster: 'cluster', user: 'user', namespace: 'namespace' }),
  });
  session.print(`Context ${JSON.stringify(name)} ${before === undefined ? 'created' : 'modified'}.\n`);
}

/** What the flags say, by the names of fields; an empty value takes the field away. */
function fieldsGiven(flags: FlagValues, fields: Readonly<Record<string, string>>): JsonRecord {
  return Object.fromEntries(
    Object.entries(fields)
      .filter(([flag]) => flags.has(flag))
      .map(([flag, field]) => [field, flags.text(flag) === '' ? undefined : flags.text(flag)]),
  );
}

async function setCluster(invocation: Invocation): Promise<void> {
  const { session, flags } = invocation;
  const [name = ''] = words(invocation, 1);
  if (name === '') {
    throw new CliError('you must specify a non-empty cluster name');
  }
  const isInsecure = flags.bool('insecure-skip-tls-verify');
  const authority = flags.text('certificate-authority');
  if (isInsecure && authority !== '') {
    throw new CliError('you cannot specify a certificate authority and insecure mode at the same time');
  }
  checkEmbedded(flags, ['certificate-authority']);
  const editor = editorOf(invocation);
  editor.setEntry('clusters', name, {
    ...editor.entry('clusters', name),
    ...(flags.has('server') ? { server: flags.text('server'), 'tls-server-name': undefined } : {}),
    ...fieldsGiven(flags, { 'tls-server-name': 'tls-server-name', 'proxy-url': 'proxy-url' }),
    ...(flags.has('insecure-skip-tls-verify')
      ? { 'insecure-skip-tls-verify': isInsecure ? true : undefined }
      : {}),
    ...(isInsecure ? { 'certificate-authority': undefined, 'certificate-authority-data': undefined } : {}),
    ...fileFields(flags, 'certificate-authority'),
    ...(authority === '' ? {} : { 'insecure-skip-tls-verify': undefined }),
  });
  session.print(`Cluster ${JSON.stringify(name)} set.\n`);
}

function checkEmbedded(flags: FlagValues, names: readonly string[]): void {
  if (!flags.bool('embed-certs')) {
    return;
  }
  const given = names.filter((name) => flags.text(name) !== '');
  if (given.length === 0) {
    throw new CliError(`you must specify a ${names.map((name) => `--${name}`).join(' or ')} to embed`);
  }
  for (const name of given) {
    const path = flags.text(name);
    if (!existsSync(path)) {
      throw new CliError(`could not stat ${name} file ${path}: stat ${path}: no such file or directory`);
    }
  }
}

/** A file by its path, or what is in it; the other form goes. */
function fileFields(flags: FlagValues, name: string): JsonRecord {
  const path = flags.text(name);
  if (path === '') {
    return {};
  }
  return flags.bool('embed-certs')
    ? { [name]: undefined, [`${name}-data`]: readFileSync(path).toString('base64') }
    : { [name]: resolve(path), [`${name}-data`]: undefined };
}

async function setCredentials(invocation: Invocation): Promise<void> {
  const { session, flags } = invocation;
  const [name = ''] = words(invocation, 1);
  if (name === '') {
    throw new CliError('you must specify a non-empty user name');
  }
  const methods = [
    ...(flags.text('token') === '' ? [] : ['--token']),
    ...(flags.text('username') === '' && flags.text('password') === '' ? [] : ['--username/--password']),
  ];
  if (methods.length > 1) {
    throw new CliError(
      `you cannot specify more than one authentication method at the same time: ${methods.join(', ')}`,
    );
  }
  checkEmbedded(flags, ['client-certificate', 'client-key']);
  const editor = editorOf(invocation);
  editor.setEntry('users', name, {
    ...editor.entry('users', name),
    ...fileFields(flags, 'client-certificate'),
    ...fileFields(flags, 'client-key'),
    ...(flags.has('token') ? { username: undefined, password: undefined } : {}),
    ...(flags.has('username') || flags.has('password') ? { token: undefined } : {}),
    ...fieldsGiven(flags, { token: 'token', username: 'username', password: 'password' }),
  });
  session.print(`User ${JSON.stringify(name)} set.\n`);
}

async function renameContext(invocation: Invocation): Promise<void> {
  const { session, path } = invocation;
  const [from, to = ''] = words(invocation, 2);
  if (from === undefined || invocation.args.length < 2) {
    throw new CliError(
      `Unexpected args: [${invocation.args.join(' ')}]\nSee '${path} -h' for help and examples`,
    );
  }
  if (to === '') {
    throw new CliError('You must specify a new non-empty context name');
  }
  const editor = editorOf(invocation);
  const entry = editor.entry('contexts', from);
  if (entry === undefined) {
    throw new CliError(
      `cannot rename the context ${JSON.stringify(from)}, it's not in ${editor.defaultPath}`,
    );
  }
  if (editor.entry('contexts', to) !== undefined) {
    throw new CliError(
      `cannot rename the context ${JSON.stringify(from)}, the context ${JSON.stringify(to)} already exists in ${editor.defaultPath}`,
    );
  }
  editor.setEntry('contexts', to, entry);
  editor.setEntry('contexts', from, undefined);
  if (textAt(session.kubeconfig.document, 'current-context') === from) {
    editor.setCurrentContext(to);
  }
  session.print(`Context ${JSON.stringify(from)} renamed to ${JSON.stringify(to)}.\n`);
}

async function deleteEntry(invocation: Invocation, list: KubeconfigList, what: string): Promise<void> {
  const { session, args, path } = invocation;
  const [name] = args;
  if (name === undefined || args.length > 1) {
    throw new CliError(`${what} to delete is required\nSee '${path} -h' for help and examples`);
  }
  const editor = editorOf(invocation);
  if (editor.entry(list, name) === undefined) {
    throw new CliError(`cannot delete ${what} ${name}, not in ${editor.defaultPath}`);
  }
  if (list === 'contexts' && textAt(session.kubeconfig.document, 'current-context') === name) {
    session.printError(
      'warning: this removed your active context, use "kubectl config use-context" to select a different one\n',
    );
  }
  editor.setEntry(list, name, undefined);
  session.print(`deleted ${what} ${name} from ${editor.defaultPath}\n`);
}

/** `contexts.NAME.FIELD`: names may have dots, fields have none. */
interface Property {
  readonly list: KubeconfigList;
  readonly name: string;
  readonly field: string;
}

function propertyOf(text: string): Property {
  const [, list, name, field] = /^(clusters|contexts|users)\.(.+)\.([^.]+)$/.exec(text) ?? [];
  if (list === undefined || name === undefined || field === undefined) {
    throw new CliError(`unable to parse one or more field values of ${text}`);
  }
  // The pattern names the lists.
  return { list: list as KubeconfigList, name, field };
}

async function setProperty(invocation: Invocation): Promise<void> {
  const { session, flags, args, path } = invocation;
  const [property = '', value = ''] = args;
  if (args.length !== 2) {
    throw new CliError(`Unexpected args: [${args.join(' ')}]\nSee '${path} -h' for help and examples`);
  }
  if (value === '') {
    throw new CliError('you cannot use set to unset a property');
  }
  const editor = editorOf(invocation);
  if (property === 'current-context') {
    editor.setCurrentContext(value);
  } else {
    const { list, name, field } = propertyOf(property);
    const isBytes = field.endsWith('-data') && flags.bool('set-raw-bytes');
    const isBoolean = field === 'insecure-skip-tls-verify' || field === 'disable-compression';
    editor.setEntry(list, name, {
      ...editor.entry(list, name),
      [field]: isBoolean ? value === 'true' : isBytes ? Buffer.from(value).toString('base64') : value,
    });
  }
  session.print(`Property ${JSON.stringify(property)} set.\n`);
}

async function unsetProperty(invocation: Invocation): Promise<void> {
  const { session } = invocation;
  const [property = ''] = words(invocation, 1);
  if (property === '') {
    throw new CliError('you must specify a property');
  }
  const editor = editorOf(invocation);
  const [, list, name] = /^(clusters|contexts|users)\.(.+)$/.exec(property) ?? [];
  if (property === 'current-context') {
    editor.setCurrentContext('');
  } else if (
    list !== undefined &&
    name !== undefined &&
    editor.entry(list as KubeconfigList, name) !== undefined
  ) {
    editor.setEntry(list as KubeconfigList, name, undefined);
  } else {
    const named = propertyOf(property);
    const entry = editor.entry(named.list, named.name);
    if (entry === undefined) {
      throw new CliError(`current map key \`${named.name}\` is invalid`);
    }
    editor.setEntry(named.list, named.name, { ...entry, [named.field]: undefined });
  }
  session.print(`Property ${JSON.stringify(property)} unset.\n`);
}
