import { CliError } from './cli-error.ts';
import type { Invocation } from './command.ts';
import type { ApiResource } from './discovery.ts';
import type { FlagValues } from './flags.ts';
import { type Manifest, readManifests } from './manifests.ts';
import { type AnyObject, asObject, groupVersionOf, listAt, textAt } from './object-access.ts';
import { parseResourceArguments } from './resource-arguments.ts';
import { pathOf } from './resource-mapper.ts';
import type { Session } from './session.ts';

/** One object that a command line names. */
export interface Target {
  readonly resource: ApiResource;
  /** Empty for objects of the cluster. */
  readonly namespace: string;
  readonly name: string;
  /** Where it was named, for messages; empty for the command line. */
  readonly source: string;
  /** The object in the file, when it came from one. */
  readonly manifest?: AnyObject;
}

export interface FoundObject extends Target {
  /** As the server has it. */
  readonly object: AnyObject;
}

export interface FindOptions {
  /** The arguments that name objects; all of them when left out. */
  readonly args?: readonly string[];
  /** A type alone means every object of it. */
  readonly allowsAll?: boolean;
  /** The type of arguments that are names only. */
  readonly typeDefault?: string;
}

const NOTHING_NAMED = `You must provide one or more resources by argument or filename.
Example resource specifications include:
   '-f rsrc.yaml'
   '--filename=rsrc.json'
   '<resource> <name>'
   '<resource>'`;

/** What `-f`, the arguments and the selectors name, as the server has it now. */
export async function findObjects(
  invocation: Invocation,
  options: FindOptions = {},
): Promise<readonly FoundObject[]> {
  const { session, flags } = invocation;
  const args = options.args ?? invocation.args;
  const manifests = await manifestsOf(invocation);
  if (manifests.length > 0) {
    if (args.length > 0) {
      throw new CliError(
        'when paths, URLs, or stdin is provided as input, you may not specify resource arguments as well',
      );
    }
    return Promise.all(
      manifests.map(async (manifest) => fetchObject(session, await targetOf(session, manifest))),
    );
  }
  const named = parseResourceArguments(args);
  if (named.length === 0) {
    throw new CliError(NOTHING_NAMED);
  }
  const selectors = selectorsOf(flags);
  const isSelecting = selectors.labelSelector !== '' || selectors.fieldSelector !== '';
  const isAll = options.allowsAll === true || isSelecting || (flags.isKnown('all') && flags.bool('all'));
  const mapper = await session.mapper();
  const found: FoundObject[] = [];
  for (const { type, names } of named) {
    for (const resource of mapper.expand(type)) {
      const namespace = namespaceFor(invocation, resource);
      if (names.length > 0) {
        if (isSelecting) {
          throw new CliError('name cannot be provided when a selector is specified');
        }
        if (isEveryNamespace(flags) && resource.isNamespaced) {
          throw new CliError('a resource cannot be retrieved by name across all namespaces');
        }
        for (const name of names) {
          found.push(await fetchObject(session, { resource, namespace, name, source: '' }));
        }
      } else if (isAll) {
        found.push(...(await listObjects(session, resource, namespace, selectors)));
      } else {
        throw new CliError('resource(s) were provided, but no name was specified');
      }
    }
  }
  return found;
}

/** Every object that the `-f` of the command line holds; none without `-f`. */
export async function manifestsOf({ flags, io }: Invocation): Promise<readonly Manifest[]> {
  if (!flags.isKnown('filename')) {
    return [];
  }
  if (flags.isKnown('kustomize') && flags.text('kustomize') !== '') {
    throw new CliError('-k is not supported: run "kustomize build" and pipe its output to -f -');
  }
  const filenames = flags.list('filename');
  return filenames.length === 0
    ? []
    : readManifests(filenames, { stdin: io.stdin, isRecursive: flags.bool('recursive') });
}

/** The resource and namespace of an object from a file. */
export async function targetOf(session: Session, { object, source }: Manifest): Promise<Required<Target>> {
  const mapper = await session.mapper();
  const { group, version } = groupVersionOf(object.apiVersion);
  const { kind, metadata } = object;
  const resource = mapper.ofKind({ group, version, kind });
  const name = textAt(metadata, 'name');
  const given = textAt(metadata, 'namespace');
  if (resource === undefined) {
    throw new CliError(
      `resource mapping not found for name: ${JSON.stringify(name)} namespace: ${JSON.stringify(given)} from ${JSON.stringify(source)}: no matches for kind ${JSON.stringify(kind)} in version ${JSON.stringify(object.apiVersion)}\nensure CRDs are installed first`,
    );
  }
  if (!resource.isNamespaced) {
    return { resource, namespace: '', name, source, manifest: object };
  }
  if (given !== '' && session.isNamespaceGiven && given !== session.namespace) {
    throw new CliError(
      `the namespace from the provided object ${JSON.stringify(given)} does not match the namespace ${JSON.stringify(session.namespace)}. You must pass '--namespace=${given}' to perform this operation.`,
    );
  }
  const namespace = given === '' ? session.namespace : given;
  const manifest = given === '' ? { ...object, metadata: { ...metadata, namespace } } : object;
  return { resource, namespace, name, source, manifest };
}

export async function fetchObject(session: Session, target: Target): Promise<FoundObject> {
  const { resource, namespace, name } = target;
  const object = asObject(await session.client.request({ path: pathOf(resource, { namespace, name }) }));
  return { ...target, object };
}

/** All objects of a resource, page by page. */
export async function listObjects(
  session: Session,
  resource: ApiResource,
  namespace: string,
  selectors: Partial<Selectors> = {},
): Promise<readonly FoundObject[]> {
  const found: FoundObject[] = [];
  let next = '';
  do {
    const list = await session.client.request({
      path: pathOf(resource, { namespace }),
      query: { ...selectors, limit: '500', continue: next },
    });
    // Items of a list leave out what the list says once.
    const { group, version, kind } = resource;
    const apiVersion = group === '' ? version : `${group}/${version}`;
    for (const item of listAt(list, 'items')) {
      const object = { ...asObject(item), apiVersion, kind };
      found.push({
        resource,
        namespace: textAt(object, 'metadata', 'namespace'),
        name: object.metadata.name,
        source: '',
        object,
      });
    }
    next = textAt(list, 'metadata', 'continue');
  } while (next !== '');
  return found;
}

export interface Selectors {
  readonly labelSelector: string;
  readonly fieldSelector: string;
}

export function selectorsOf(flags: FlagValues): Selectors {
  return {
    labelSelector: flags.isKnown('selector') ? flags.text('selector') : '',
    fieldSelector: flags.isKnown('field-selector') ? flags.text('field-selector') : '',
  };
}

export function isEveryNamespace(flags: FlagValues): boolean {
  return flags.isKnown('all-namespaces') && flags.bool('all-namespaces');
}

/** Where to look for objects of a resource: empty means everywhere. */
export function namespaceFor({ session, flags }: Invocation, resource: ApiResource): string {
  return !resource.isNamespaced || isEveryNamespace(flags) ? '' : session.namespace;
}
