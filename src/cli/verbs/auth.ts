import { CliError } from '../cli-error.ts';
import type { Command, Invocation } from '../command.ts';
import { listAt, sortedEntries, textAt, valueAt } from '../object-access.ts';
import { objectPrinter, OUTPUT_FLAGS, outputFormat } from '../printers/printer.ts';
import { asObject } from '../object-access.ts';
import { ALL_NAMESPACES_FLAG } from '../selection-flags.ts';
import { alignedText, TABLE_LAYOUT } from '../tab-writer.ts';

export const AUTH: Command = {
  name: 'auth',
  about: 'Inspect authorization',
  commands: [
    {
      name: 'can-i',
      about: 'Check whether an action is allowed',
      usage: 'VERB [TYPE | TYPE/NAME | NONRESOURCEURL]',
      flags: [
        ALL_NAMESPACES_FLAG,
        { name: 'list', kind: 'bool', about: 'Print all that is allowed.' },
        { name: 'no-headers', kind: 'bool', about: 'With --list: leave the headers out.' },
        { name: 'quiet', short: 'q', kind: 'bool', about: 'Print nothing; the exit code is the answer.' },
        { name: 'subresource', kind: 'text', about: 'Subresource such as pod/log or deployment/scale.' },
      ],
      run: canI,
    },
    {
      name: 'whoami',
      about: 'Experimental: Check self subject attributes',
      usage: '',
      flags: OUTPUT_FLAGS,
      run: whoAmI,
    },
  ],
};

const AUTHORIZATION = '/apis/authorization.k8s.io/v1';

async function canI(invocation: Invocation): Promise<number> {
  const { session, flags, args } = invocation;
  if (flags.bool('list')) {
    await listAllowed(invocation);
    return 0;
  }
  const [verb = '', target = '', name = ''] = args;
  if (verb === '' || target === '' || args.length > 3) {
    throw new CliError(
      "you must specify two arguments: verb resource or verb resource/resourceName.\nSee 'kubectl auth can-i -h' for help and examples.",
    );
  }
  const spec = target.startsWith('/')
    ? { nonResourceAttributes: { path: target, verb } }
    : { resourceAttributes: await attributesOf(invocation, { verb, target, name }) };
  const answer = await session.client.request({
    method: 'POST',
    path: `${AUTHORIZATION}/selfsubjectaccessreviews`,
    body: { apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectAccessReview', spec },
  });
  const isAllowed = valueAt(answer, 'status', 'allowed') === true;
  if (!flags.bool('quiet')) {
    const [reason, problem] = [
      textAt(answer, 'status', 'reason'),
      textAt(answer, 'status', 'evaluationError'),
    ];
    const why = `${reason === '' ? '' : ` - ${reason}`}${problem === '' ? '' : ` - ${problem}`}`;
    session.print(isAllowed ? 'yes\n' : `no${why}\n`);
  }
  return isAllowed ? 0 : 1;
}

interface Question {
  readonly verb: string;
  readonly target: string;
  readonly name: string;
}

async function attributesOf(
  { session, flags }: Invocation,
  { verb, target, name }: Question,
): Promise<object> {
  const [type = '', slashed = ''] = target.split('/');
  const mapper = await session.mapper();
  const found = type === '*' ? undefined : mapper.find(type);
  if (found === undefined && type !== '*') {
    session.printError(`Warning: the server doesn't have a resource type '${type}'\n\n`);
  }
  const everywhere = flags.bool('all-namespaces') || found?.isNamespaced === false;
  if (found !== undefined && !found.isNamespaced) {
    session.printError(
      `Warning: resource '${found.resource}' is not namespace scoped${found.group === '' ? '' : ` in group '${found.group}'`}\n\n`,
    );
  }
  const [plain = '', ...group] = type.split('.');
  return {
    namespace: everywhere ? '' : session.namespace,
    verb,
    group: found?.group ?? group.join('.'),
    resource: found?.resource ?? plain,
    subresource: flags.text('subresource'),
    name: name || slashed,
  };
}

async function listAllowed({ session, flags }: Invocation): Promise<void> {
  const answer = await session.client.request({
    method: 'POST',
    path: `${AUTHORIZATION}/selfsubjectrulesreviews`,
    body: {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SelfSubjectRulesReview',
      spec: { namespace: session.namespace },
    },
  });
  const list = (source: unknown, field: string): readonly string[] => listAt(source, field).map(String);
  const text = (values: readonly string[]): string => `[${values.join(' ')}]`;
  const rows = [
    ...listAt(answer, 'status', 'resourceRules').flatMap((rule) =>
      list(rule, 'apiGroups').flatMap((group) =>
        list(rule, 'resources').map((resource) => [
          group === '' ? resource : `${resource}.${group}`,
          '[]',
          text(list(rule, 'resourceNames')),
          text(list(rule, 'verbs')),
        ]),
      ),
    ),
    ...listAt(answer, 'status', 'nonResourceRules').map((rule) => [
      '',
      text(list(rule, 'nonResourceURLs')),
      '[]',
      text(list(rule, 'verbs')),
    ]),
  ];
  const headers = ['Resources', 'Non-Resource URLs', 'Resource Names', 'Verbs'];
  const lines = [...(flags.bool('no-headers') ? [] : [headers]), ...rows];
  session.print(alignedText(TABLE_LAYOUT, lines.map((line) => `${line.join('\t')}\n`).join('')));
}

async function whoAmI({ session, flags }: Invocation): Promise<void> {
  const review = asObject(
    await session.client.request({
      method: 'POST',
      path: '/apis/authentication.k8s.io/v1/selfsubjectreviews',
      body: { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' },
    }),
  );
  if (outputFormat(flags).name !== '') {
    session.print(objectPrinter(flags)([review]));
    return;
  }
  const user = valueAt(review, 'status', 'userInfo');
  const list = (value: unknown): string =>
    `[${(Array.isArray(value) ? (value as readonly unknown[]) : []).map(String).join(' ')}]`;
  const rows = [
    ['ATTRIBUTE', 'VALUE'],
    ...(textAt(user, 'username') === '' ? [] : [['Username', textAt(user, 'username')]]),
    ...(textAt(user, 'uid') === '' ? [] : [['UID', textAt(user, 'uid')]]),
    ...(listAt(user, 'groups').length === 0 ? [] : [['Groups', list(valueAt(user, 'groups'))]]),
    ...sortedEntries(valueAt(user, 'extra')).map(([key, value]) => [`Extra: ${key}`, list(value)]),
  ];
  session.print(alignedText(TABLE_LAYOUT, rows.map((row) => `${row.join('\t')}\n`).join('')));
}
