import { readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { CliError } from '../cli-error.ts';
import type { Command, Invocation } from '../command.ts';
import { CREATE_FLAGS, createObject } from '../create-object.ts';
import type { Flag } from '../flags.ts';
import { onlyName } from '../only-name.ts';

const SOURCE_FLAGS: readonly Flag[] = [
  { name: 'from-env-file', kind: 'array', about: 'A file with lines of key=value.' },
  { name: 'from-file', kind: 'array', about: 'A file or a directory of files; key=path names the key.' },
  { name: 'from-literal', kind: 'array', about: 'A key and its value: mykey=somevalue.' },
];

export const CREATE_CONFIGURATION: readonly Command[] = [
  {
    name: 'configmap',
    aliases: ['cm'],
    about: 'Create a config map from a local file, directory or literal value',
    usage: 'NAME [--from-file=[key=]source] [--from-literal=key1=value1]',
    flags: [...CREATE_FLAGS, ...SOURCE_FLAGS],
    run: createConfigMap,
  },
  {
    name: 'namespace',
    aliases: ['ns'],
    about: 'Create a namespace with the specified name',
    usage: 'NAME',
    flags: CREATE_FLAGS,
    run: async (invocation) => {
      await createObject(invocation, {
        apiVersion: 'v1',
        kind: 'Namespace',
        metadata: { name: onlyName(invocation) },
        spec: {},
        status: {},
      });
    },
  },
  {
    name: 'secret',
    about: 'Create a secret using a specified subcommand',
    commands: [
      {
        name: 'generic',
        about: 'Create a secret from a local file, directory, or literal value',
        usage: 'NAME [--type=string] [--from-file=[key=]source] [--from-literal=key1=value1]',
        flags: [
          ...CREATE_FLAGS,
          ...SOURCE_FLAGS,
          { name: 'type', kind: 'text', about: 'The type of secret to create.' },
        ],
        run: createGenericSecret,
      },
      {
        name: 'tls',
        about: 'Create a TLS secret',
        usage: 'NAME --cert=path/to/cert/file --key=path/to/key/file',
        flags: [
          ...CREATE_FLAGS,
          { name: 'cert', kind: 'text', about: 'Path to the certificate in PEM.' },
          { name: 'key', kind: 'text', about: 'Path to its private key.' },
        ],
        run: createTlsSecret,
      },
      {
        name: 'docker-registry',
        about: 'Create a secret for use with a Docker registry',
        usage: 'NAME --docker-username=user --docker-password=password [--docker-server=string]',
        flags: [
          ...CREATE_FLAGS,
          { name: 'docker-email', kind: 'text', about: 'Email for the registry.' },
          { name: 'docker-password', kind: 'text', about: 'Password for the registry.' },
          {
            name: 'docker-server',
            kind: 'text',
            initial: 'https://index.docker.io/v1/',
            about: 'Server of the registry.',
          },
          { name: 'docker-username', kind: 'text', about: 'User name for the registry.' },
        ],
        run: createRegistrySecret,
      },
    ],
  },
  {
    name: 'serviceaccount',
    aliases: ['sa'],
    about: 'Create a service account with the specified name',
    usage: 'NAME',
    flags: CREATE_FLAGS,
    run: async (invocation) => {
      await createObject(invocation, {
        apiVersion: 'v1',
        kind: 'ServiceAccount',
        metadata: { name: onlyName(invocation) },
      });
    },
  },
];

async function createConfigMap(invocation: Invocation): Promise<void> {
  const [data, binaryData]: [Record<string, string>, Record<string, string>] = [{}, {}];
  for (const [key, bytes] of entriesOf(invocation)) {
    const text = bytes.toString('utf8');
    if (Buffer.from(text, 'utf8').equals(bytes)) {
      data[key] = text;
    } else {
      binaryData[key] = bytes.toString('base64');
    }
  }
  await createObject(invocation, {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: onlyName(invocation) },
    ...(Object.keys(data).length === 0 ? {} : { data }),
    ...(Object.keys(binaryData).length === 0 ? {} : { binaryData }),
  });
}

async function createGenericSecret(invocation: Invocation): Promise<void> {
  const type = invocation.flags.text('type');
  await createSecret(invocation, entriesOf(invocation), type);
}

async function createSecret(
  invocation: Invocation,
  entries: readonly (readonly [string, Buffer])[],
  type: string,
): Promise<void> {
  await createObject(invocation, {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: onlyName(invocation) },
    ...(entries.length === 0
      ? {}
      : { data: Object.fromEntries(entries.map(([key, bytes]) => [key, bytes.toString('base64')])) }),
    ...(type === '' ? {} : { type }),
  });
}

async function createTlsSecret(invocation: Invocation): Promise<void> {
  const { flags } = invocation;
  const [cert, key] = [flags.text('cert'), flags.text('key')];
  if (cert === '' || key === '') {
    throw new CliError('key and cert must be specified');
  }
  const entries = [
    ['tls.crt', readFileSync(cert)],
    ['tls.key', readFileSync(key)],
  ] as const;
  await createSecret(invocation, entries, 'kubernetes.io/tls');
}

async function createRegistrySecret(invocation: Invocation): Promise<void> {
  const { flags } = invocation;
  const [username, password, email] = ['username', 'password', 'email'].map((name) =>
    flags.text(`docker-${name}`),
  );
  if (username === '' || password === '') {
    throw new CliError(
      'either --from-file or the combination of --docker-username, --docker-password and --docker-server is required',
    );
  }
  const auth = Buffer.from(`${username ?? ''}:${password ?? ''}`).toString('base64');
  const login = { username, password, ...(email === '' ? {} : { email }), auth };
  const config = JSON.stringify({ auths: { [flags.text('docker-server')]: login } });
  await createSecret(
    invocation,
    [['.dockerconfigjson', Buffer.from(config)]],
    'kubernetes.io/dockerconfigjson',
  );
}

const KEY = /^[-._a-zA-Z0-9]+$/;

/** What the `--from-…` flags bring, by key. */
function entriesOf({ flags }: Invocation): readonly (readonly [string, Buffer])[] {
  const entries = new Map<string, Buffer>();
  const add = (key: string, bytes: Buffer): void => {
    if (!KEY.test(key)) {
      throw new CliError(
        `${JSON.stringify(key)} is not valid as a key name: a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')`,
      );
    }
    if (entries.has(key)) {
      throw new CliError(`cannot add key ${JSON.stringify(key)}, another key by that name already exists`);
    }
    entries.set(key, bytes);
  };
  for (const source of flags.list('from-file')) {
    for (const [key, path] of filesOf(source)) {
      add(key, readFileSync(path));
    }
  }
  for (const literal of flags.list('from-literal')) {
    const equals = literal.indexOf('=');
    if (equals <= 0) {
      throw new CliError(`invalid literal source ${literal}, expected key=value`);
    }
    add(literal.slice(0, equals), Buffer.from(literal.slice(equals + 1).replace(/^(['"])(.*)\1$/s, '$2')));
  }
  for (const path of flags.list('from-env-file')) {
    for (const line of readFileSync(path, 'utf8').split('\n')) {
      const text = line.trimStart();
      const equals = text.indexOf('=');
      if (text !== '' && !text.startsWith('#')) {
        const key = equals < 0 ? text : text.slice(0, equals);
        add(key, Buffer.from(equals < 0 ? '' : text.slice(equals + 1)));
      }
    }
  }
  return [...entries];
}

function filesOf(source: string): readonly (readonly [string, string])[] {
  const equals = source.indexOf('=');
  if (equals === 0) {
    throw new CliError(`key name for file path ${source.slice(1)} missing`);
  }
  const path = equals < 0 ? source : source.slice(equals + 1);
  if (equals < 0 && statSync(path).isDirectory()) {
    return readdirSync(path, { withFileTypes: true })
      .filter((entry) => entry.isFile() && KEY.test(entry.name))
      .map((entry) => [entry.name, join(path, entry.name)] as const)
      .toSorted(([left], [right]) => (left < right ? -1 : 1));
  }
  return [[equals < 0 ? basename(path) : source.slice(0, equals), path]];
}
