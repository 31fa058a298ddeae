import { createReadStream, statSync } from 'node:fs';
import { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream } from 'node:stream/web';
import { createTarPacker, type TarHeader } from 'modern-tar';
import { parseImageReference } from '../image-reference.ts';
import type { ImageRunConfig } from './bundle.ts';
import { hostPlatform, type ImageConfig } from './image-manifest.ts';
import type { ImageStore, StoredImage } from './image-store.ts';
import type { LayerStore } from './layer-store.ts';

/** One file of an image that is made from what the host has. */
export type ImageFile =
  | { readonly path: string; readonly fromHost: string; readonly mode?: number }
  | { readonly path: string; readonly content: string | Uint8Array; readonly mode?: number }
  | { readonly path: string; readonly linkTo: string }
  | { readonly path: string; readonly directory: true; readonly mode?: number };

export interface BuildImageOptions {
  /** The name it will have, as `local/hello:1`. */
  readonly name: string;
  /** Parents are made as needed. */
  readonly files: readonly ImageFile[];
  readonly config: ImageRunConfig;
}

/**
 * Makes an image of one layer from files of this host, so that a cluster without a registry has something to
 * run. The same input makes the same image.
 */
export async function buildImage(
  options: BuildImageOptions,
  images: ImageStore,
  layers: LayerStore,
): Promise<StoredImage> {
  const diffId = await layers.addNew(archiveOf(options.files));
  const config: ImageConfig = {
    ...hostPlatform(),
    config: options.config,
    rootfs: { type: 'layers', diff_ids: [diffId] },
  };
  return images.add(Buffer.from(JSON.stringify(config)), { tag: parseImageReference(options.name).full });
}

/** The files as a tar archive, each read only when its turn comes: one may be larger than our memory. */
function archiveOf(files: readonly ImageFile[]): Readable {
  const { readable, controller } = createTarPacker();
  const write = async (): Promise<void> => {
    for (const file of files) {
      const body = controller.add(tarHeader(file));
      await pipeline(contentOf(file), Writable.fromWeb(body));
    }
    controller.finalize();
  };
  // The two declarations of the same web stream differ in details that do not matter here.
  const archive = Readable.fromWeb(readable as ReadableStream<Uint8Array>);
  write().catch((error: unknown) =>
    archive.destroy(error instanceof Error ? error : new Error(String(error))),
  );
  return archive;
}

function contentOf(file: ImageFile): Readable {
  if ('fromHost' in file) {
    return createReadStream(file.fromHost);
  }
  return Readable.from('content' in file ? [Buffer.from(file.content)] : []);
}

function tarHeader(file: ImageFile): TarHeader {
  const common = { name: file.path.replace(/^\/+/, ''), uid: 0, gid: 0, mtime: new Date(0) };
  if ('linkTo' in file) {
    return { ...common, type: 'symlink', linkname: file.linkTo, size: 0, mode: 0o777 };
  }
  if ('directory' in file) {
    return { ...common, type: 'directory', size: 0, mode: file.mode ?? 0o755 };
  }
  const size = 'content' in file ? Buffer.byteLength(file.content) : statSync(file.fromHost).size;
  return { ...common, type: 'file', size, mode: file.mode ?? ('content' in file ? 0o644 : 0o755) };
}
