import { PERSISTENT_VOLUME_CLAIM } from '#api/types/resources.ts';
import type { Clock } from '#base/clock.ts';
import type { Client } from '#client/client.ts';
import type { Informers } from '#client/lister.ts';
import type { Plugin } from '../../framework/plugin.ts';
import { nodeVolumeLimits } from '../node-volume-limits/node-volume-limits.ts';
import { volumeRestrictions } from '../volume-restrictions/volume-restrictions.ts';
import { volumeZone } from '../volume-zone/volume-zone.ts';
import { VolumeBinder } from './volume-binder.ts';
import { volumeBinding } from './volume-binding.ts';
import { InformedVolumes } from './volumes.ts';

export interface VolumePluginsDeps {
  readonly client: Client;
  readonly clock: Clock;
  readonly informers: Informers;
}

/** The plugins about volumes, in upstream's order, over one view of claims and volumes. */
export function volumePlugins({ client, clock, informers }: VolumePluginsDeps): readonly Plugin[] {
  const volumes = new InformedVolumes(informers);
  const binder = new VolumeBinder({ client, clock, claims: informers.of(PERSISTENT_VOLUME_CLAIM) });
  return [
    volumeRestrictions(volumes),
    nodeVolumeLimits(volumes),
    volumeBinding(volumes, binder),
    volumeZone(volumes),
  ];
}
