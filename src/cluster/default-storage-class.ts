import { STORAGE_CLASS } from '#api/types/resources.ts';
import type { Client } from '#client/client.ts';
import { LOCAL_PROVISIONER } from '#controllers/local-volumes/local-volume-plan.ts';

/** Name of the class that claims get which name none, as in other clusters for development. */
const NAME = 'standard';

/** Gives a cluster without any storage class the one that makes volumes on its own nodes. */
export async function ensureDefaultStorageClass(client: Client): Promise<void> {
  const classes = client.of(STORAGE_CLASS);
  const { items } = await classes.list('', { limit: 1 });
  if (items.length > 0) {
    return;
  }
  await classes.create({
    metadata: { name: NAME, annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } },
    provisioner: LOCAL_PROVISIONER,
    reclaimPolicy: 'Delete',
    volumeBindingMode: 'WaitForFirstConsumer',
  });
}
