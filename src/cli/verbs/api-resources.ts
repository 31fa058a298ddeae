import type { Command, Invocation } from '../command.ts';
import { CliError } from '../cli-error.ts';
import type { ApiResource } from '../discovery.ts';
import { compareText } from '../object-access.ts';
import { qualifiedName } from '../resource-mapper.ts';
import { alignedText, TABLE_LAYOUT } from '../tab-writer.ts';

export const API_RESOURCES: Command = {
  name: 'api-resources',
  about: 'Print the supported API resources on the server',
  usage: '[flags]',
  flags: [
    { name: 'api-group', kind: 'text', about: 'Only resources of this group.' },
    { name: 'cached', kind: 'bool', about: 'Accepted; nothing is cached.' },
    { name: 'categories', kind: 'list', about: 'Only resources of these categories.' },
    {
      name: 'namespaced',
      kind: 'bool',
      initial: 'true',
      about: 'Only resources within namespaces, or only others.',
    },
    { name: 'no-headers', kind: 'bool', about: 'Leave the headers out.' },
    { name: 'output', short: 'o', kind: 'text', about: 'wide or name.' },
    { name: 'sort-by', kind: 'text', about: 'name or kind.' },
    { name: 'verbs', kind: 'list', about: 'Only resources that know these verbs.' },
  ],
  run: apiResources,
};

export const API_VERSIONS: Command = {
  name: 'api-versions',
  about: 'Print the supported API versions on the server, in the form of "group/version"',
  usage: '',
  run: async ({ session }) => {
    const { resources } = await session.mapper();
    const versions = new Set(resources.map(groupVersion));
    session.print(
      [...versions]
        .toSorted(compareText)
        .map((version) => `${version}\n`)
        .join(''),
    );
  },
};

async function apiResources({ session, flags }: Invocation): Promise<void> {
  const output = flags.text('output');
  if (!['', 'wide', 'name'].includes(output)) {
    throw new CliError(`--output ${output} is not available`);
  }
  const { resources } = await session.mapper();
  const seen = new Set<string>();
  const isFirst = ({ group, resource }: ApiResource): boolean =>
    seen.size < seen.add(`${group}/${resource}`).size;
  const wanted = resources.filter(
    (each) =>
      // A group's preferred version stands first; the others say the same again.
      isFirst(each) &&
      (!flags.has('api-group') || each.group === flags.text('api-group')) &&
      (!flags.has('namespaced') || each.isNamespaced === flags.bool('namespaced')) &&
      flags.list('verbs').every((verb) => each.verbs.includes(verb)) &&
      flags.list('categories').every((category) => each.categories.includes(category)),
  );
  const isByKind = flags.text('sort-by') === 'kind';
  const isByName = flags.text('sort-by') === 'name';
  const sorted = wanted.toSorted((left, right) =>
    isByKind
      ? compareText(left.kind, right.kind)
      : (isByName ? 0 : compareText(left.group, right.group)) || compareText(left.resource, right.resource),
  );
  if (output === 'name') {
    session.print(sorted.map((each) => `${qualifiedName(each)}\n`).join(''));
    return;
  }
  const isWide = output === 'wide';
  const headers = [
    'NAME',
    'SHORTNAMES',
    'APIVERSION',
    'NAMESPACED',
    'KIND',
    ...(isWide ? ['VERBS', 'CATEGORIES'] : []),
  ];
  const rows = sorted.map((each) => [
    each.resource,
    each.shortNames.join(','),
    groupVersion(each),
    String(each.isNamespaced),
    each.kind,
    ...(isWide ? [each.verbs.join(','), each.categories.join(',')] : []),
  ]);
  const lines = [...(flags.bool('no-headers') ? [] : [headers]), ...rows];
  session.print(alignedText(TABLE_LAYOUT, lines.map((line) => `${line.join('\t')}\n`).join('')));
}

function groupVersion({ group, version }: ApiResource): string {
  return group === '' ? version : `${group}/${version}`;
}
