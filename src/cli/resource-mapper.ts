import type { GroupVersionKind } from '#api/resource-type.ts';
import type { ApiResource } from './discovery.ts';
import { CliError } from './cli-error.ts';

/** Finds what users mean by `po`, `deploy`, `deployments.apps`, `deployments.v1.apps`, `all` or a kind. */
export class ResourceMapper {
  readonly #resources: readonly ApiResource[];

  /** @param resources in the order of preference */
  constructor(resources: readonly ApiResource[]) {
    this.#resources = resources;
  }

  get resources(): readonly ApiResource[] {
    return this.#resources;
  }

  /** @throws {CliError} the server has no such resource */
  resource(name: string): ApiResource {
    const found = this.find(name);
    if (found === undefined) {
      throw new CliError(`the server doesn't have a resource type ${JSON.stringify(name)}`);
    }
    return found;
  }

  find(name: string): ApiResource | undefined {
    const wanted = name.toLowerCase();
    const [plain = '', ...qualifiers] = wanted.split('.');
    const group = qualifiers.join('.');
    const [version = '', ...restOfGroup] = qualifiers;
    // A resource's own name beats a short name of another, whatever the order of their groups.
    const tests: readonly ((each: ApiResource) => boolean)[] = [
      (each) => qualifiers.length > 0 && each.version === version && each.group === restOfGroup.join('.'),
      (each) => qualifiers.length > 0 && each.group === group,
      (each) => qualifiers.length > 0 && each.group.startsWith(group),
      () => qualifiers.length === 0,
    ];
    for (const isQualified of tests) {
      const candidates = this.#resources.filter(isQualified);
      const found =
        candidates.find(
          (each) => each.resource === plain || each.singular === plain || each.kind.toLowerCase() === plain,
        ) ?? candidates.find((each) => each.shortNames.includes(plain));
      if (found !== undefined) {
        return found;
      }
    }
    return undefined;
  }

  /** What one word of a list like `pods,svc` or `all` stands for; a category stands for several. */
  expand(name: string): readonly ApiResource[] {
    const seen = new Set<string>();
    const members = this.#resources.filter((each) => {
      const key = `${each.group}/${each.resource}`;
      const isNew = each.categories.includes(name) && !seen.has(key);
      seen.add(isNew ? key : '');
      return isNew;
    });
    return members.length > 0 ? members : [this.resource(name)];
  }

  ofKind({ group, version, kind }: GroupVersionKind): ApiResource | undefined {
    return this.#resources.find(
      (each) => each.kind === kind && each.group === group && each.version === version,
    );
  }
}

/** `pods`, `deployments.apps`: how messages name a resource. */
export function qualifiedName({ group, resource }: ApiResource): string {
  return group === '' ? resource : `${resource}.${group}`;
}

/** `pod`, `deployment.apps`: what stands before the slash in `deployment.apps/web`. */
export function qualifiedKind(group: string, kind: string): string {
  return group === '' ? kind.toLowerCase() : `${kind.toLowerCase()}.${group}`;
}

/** The path of a resource, of one object, or of something below it. */
export function pathOf(
  resource: Pick<ApiResource, 'group' | 'version' | 'resource' | 'isNamespaced'>,
  {
    namespace = '',
    name = '',
    subresource = '',
  }: { readonly namespace?: string; readonly name?: string; readonly subresource?: string } = {},
): string {
  const root =
    resource.group === '' ? `/api/${resource.version}` : `/apis/${resource.group}/${resource.version}`;
  const scope =
    resource.isNamespaced && namespace !== '' ? `/namespaces/${encodeURIComponent(namespace)}` : '';
  const object = name === '' ? '' : `/${encodeURIComponent(name)}`;
  return `${root}${scope}/${resource.resource}${object}${subresource === '' ? '' : `/${subresource}`}`;
}
