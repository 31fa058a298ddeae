import { readFile, statfs } from 'node:fs/promises';
import type { ImageService } from '#runtime/cri.ts';

export interface FilesystemSupply {
  readonly availableBytes: number;
  readonly capacityBytes: number;
  readonly inodesFree: number;
  readonly inodes: number;
}

/** What the node has left to give, right now. */
export interface NodeSupply {
  readonly memoryAvailableBytes: number;
  /** Where pods' volumes and logs are. */
  readonly nodeFs: FilesystemSupply;
  /** Where images and containers' writable layers are. */
  readonly imageFs: FilesystemSupply;
}

/** Reads the machine's own supply. */
export function hostSupplyReader(dataDir: string, images: ImageService): () => Promise<NodeSupply> {
  return async () => {
    const [memory, { imageFilesystems }] = await Promise.all([
      readFile('/proc/meminfo', 'utf8'),
      images.imageFsInfo(),
    ]);
    const nodeFs = await filesystem(dataDir);
    const mountpoint = imageFilesystems[0]?.fsId.mountpoint;
    return {
      memoryAvailableBytes: Number(/^MemAvailable:\s+(\d+) kB$/m.exec(memory)?.[1] ?? 0) * 1024,
      nodeFs,
      imageFs: mountpoint === undefined ? nodeFs : await filesystem(mountpoint),
    };
  };
}

async function filesystem(path: string): Promise<FilesystemSupply> {
  const { bavail, blocks, bsize, ffree, files } = await statfs(path);
  return { availableBytes: bavail * bsize, capacityBytes: blocks * bsize, inodesFree: ffree, inodes: files };
}
