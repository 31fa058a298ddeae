import { decodeYamlDocuments } from '#codec/yaml.ts';

/** An object as people write it: without what the server fills in. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
}

/** A manifest without a kind or a name, or text that is no YAML. */
export class ManifestError extends Error {
  override readonly name = 'ManifestError';
  readonly code = 'testing/manifest';
}

/** What others need to be there before them. */
const FIRST: readonly string[] = ['Namespace', 'CustomResourceDefinition', 'PriorityClass', 'ServiceAccount'];

/**
 * The objects in YAML text, in an object, or in several; lists are taken apart, and what others need goes first.
 *
 * @throws {ManifestError}
 */
export function manifestsOf(source: string | object | readonly object[]): readonly Manifest[] {
  const documents = typeof source === 'string' ? decodeYamlDocuments(source) : [source].flat();
  return documents.flatMap((document) => parts(document)).toSorted((left, right) => rank(left) - rank(right));
}

function parts(document: unknown): readonly Manifest[] {
  const { apiVersion, kind, metadata, items } = (document ?? {}) as Partial<Manifest> & {
    readonly items?: readonly unknown[];
  };
  if (typeof kind === 'string' && kind.endsWith('List') && Array.isArray(items)) {
    return items.flatMap((item) => parts(item));
  }
  if (typeof apiVersion !== 'string' || typeof kind !== 'string' || typeof metadata?.name !== 'string') {
    throw new ManifestError(
      `a manifest needs apiVersion, kind and metadata.name: ${JSON.stringify(document).slice(0, 200)}`,
    );
  }
  // It has just been looked at; the server checks the rest.
  return [document as Manifest];
}

function rank({ kind }: Manifest): number {
  const index = FIRST.indexOf(kind);
  return index < 0 ? FIRST.length : index;
}
