import type { PodSpec } from '#api/types/core.v1.ts';
import { NODE_SCORE_MAX, type Plugin } from '../../framework/plugin.ts';

const MIB = 1024 * 1024;
/** Less than this on a node counts for nothing. */
const SIZE_BYTES_MIN = 23 * MIB;
/** More than this per container counts no more. */
const SIZE_BYTES_MAX = 1000 * MIB;

/** Prefers nodes that hold the pod's images already, the more so the more common the images are. */
export const imageLocality: Plugin = {
  name: 'ImageLocality',
  // How many nodes hold an image counts too, so a row alone does not tell.
  scoreReach: 'cluster',
  preScore({ shape: { spec }, state: { nodes } }) {
    const { images, containerCount } = imagesOf(spec);
    const spread = images.map((name) => ({
      name,
      share: nodes.nodeCount === 0 ? 0 : nodes.images.nodeCount(name) / nodes.nodeCount,
    }));
    if (spread.every(({ share }) => share === 0)) {
      return 'skip';
    }
    const sizeMax = SIZE_BYTES_MAX * containerCount;
    return {
      score(row) {
        const held = nodes.images.on(row);
        let bytes = 0;
        for (const { name, share } of spread) {
          const size = held.get(name);
          bytes += size === undefined ? 0 : Math.trunc(size * share);
        }
        const counted = Math.min(Math.max(bytes, SIZE_BYTES_MIN), sizeMax);
        return Math.trunc((NODE_SCORE_MAX * (counted - SIZE_BYTES_MIN)) / (sizeMax - SIZE_BYTES_MIN));
      },
    };
  },
};

function imagesOf({ containers, initContainers = [], volumes = [] }: PodSpec): {
  readonly images: readonly string[];
  readonly containerCount: number;
} {
  const references = [
    ...[...initContainers, ...containers].map(({ image }) => image ?? ''),
    ...volumes.flatMap(({ image }) => (image?.reference === undefined ? [] : [image.reference])),
  ];
  return { images: references.map(withTag), containerCount: references.length };
}

/** Nodes report images with a tag, so an image without one is asked for as they name it. */
function withTag(image: string): string {
  return image.lastIndexOf(':') <= image.lastIndexOf('/') ? `${image}:latest` : image;
}
