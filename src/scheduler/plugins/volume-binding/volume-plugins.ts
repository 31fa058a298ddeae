import type { Informers } from '#client/lister.ts';
import type { Plugin } from '../../framework/plugin.ts';
import { nodeVolumeLimits } from '../node-volume-limits/node-volume-limits.ts';
import { volumeRestrictions } from '../volume-restrictions/volume-restrictions.ts';
import { volumeZone } from '../volume-zone/volume-zone.ts';
import { volumeBinding } from './volume-binding.ts';
import { InformedVolumes } from './volumes.ts';

/** The plugins about volumes, in upstream's order, over one view of claims and volumes. */
export function volumePlugins(informers: Informers): readonly Plugin[] {
  const volumes = new InformedVolumes(informers);
  return [
    volumeRestrictions(volumes),
    nodeVolumeLimits(volumes),
    volumeBinding(volumes),
    volumeZone(volumes),
  ];
}
