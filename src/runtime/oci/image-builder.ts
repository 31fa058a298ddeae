import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Readable } from 'node:stream';
import { packTar } from 'modern-tar';
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
  const archive = await packTar(options.files.map(tarEntry));
  const diffId = `sha256:${createHash('sha256').update(archive).digest('hex')}`;
  await layers.add(diffId, async () => Readable.from([Buffer.from(archive)]));
  const config: ImageConfig = {
    ...hostPlatform(),
    config: options.config,
    rootfs: { type: 'layers', diff_ids: [diffId] },
  };
  return images.add(Buffer.from(JSON.stringify(config)), { tag: parseImageReference(options.name).full });
}

function tarEntry(file: ImageFile): Parameters<typeof packTar>[0][number] {
  const name = file.path.replace(/^\/+/, '');
  const common = { name, uid: 0, gid: 0, mtime: new Date(0) };
  if ('linkTo' in file) {
    return { header: { ...common, type: 'symlink', linkname: file.linkTo, size: 0, mode: 0o777 } };
  }
  if ('directory' in file) {
    return { header: { ...common, type: 'directory', size: 0, mode: file.mode ?? 0o755 } };
  }
  const body = 'content' in file ? Buffer.from(file.content) : readFileSync(file.fromHost);
  const mode = file.mode ?? ('content' in file ? 0o644 : 0o755);
  return { header: { ...common, type: 'file', size: body.length, mode }, body };
}
